"""The tables as version 0.1 made them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make the tables of a new store."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("spec", "progress", "result", "environment")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("error", "worker")),
        sa.Column("attempt", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float) for name in ("stop_requested", "beat")),
        sa.Column("created", sa.Float, nullable=False),
        *(sa.Column(name, sa.Float) for name in ("started", "ended")),
    )
    op.create_table(
        "features",
        sa.Column("extractor", sa.String(128), primary_key=True),
        sa.Column("picture", sa.String(64), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
