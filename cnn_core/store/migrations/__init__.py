"""Alembic's folder: one file a revision of the tables, applied by `tables.bring_up_to_date`."""
