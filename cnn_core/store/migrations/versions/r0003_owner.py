"""Whose run it is, and since when it waits for its turn."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Give each run its owner: the visit that lists it as its own, the newest where a private link carried it over."""
    op.add_column("runs", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("queued", sa.Float, nullable=False, server_default="0"))
    op.create_index("ix_runs_owner", "runs", ["owner"])
    op.execute("UPDATE runs SET queued = created")
    op.execute(
        "UPDATE runs SET owner = COALESCE((SELECT substr(lists.name, 7) FROM lists WHERE lists.entry = runs.id "
        "AND lists.own AND lists.name LIKE 'visit/%' ORDER BY lists.added DESC LIMIT 1), '')"
    )
