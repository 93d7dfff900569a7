"""Who carries a run out; lists as rows; room for the longest name of a feature."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Change the tables of version 0.1. A run that its command line carries is not the engine's to resend."""
    op.add_column("runs", sa.Column("carrier", sa.String(16), nullable=False, server_default="engine"))
    op.execute("UPDATE runs SET carrier = 'command line' WHERE worker LIKE 'command line%'")
    op.create_table(
        "lists",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("entry", sa.String(64), primary_key=True),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("added", sa.Float, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite does not hold anybody to a length
        op.alter_column("features", "extractor", type_=sa.String(255))
