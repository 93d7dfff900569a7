"""Whose a run is: who may change it, how many one may have waiting, and how things change hands.

An owner is a visit's name or an account's. Runs of the command line have none; only it and the server itself, which ask
with `by=None`, may change those.
"""

from typing import Any

import sqlalchemy as sa

from cnn_core.store.tables import runs


class NotYours(PermissionError):
    """Somebody wants to change what is another's; the text says so."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Only whoever started this run can {what}. Start one of your own to change it.")


class QuotaReached(ValueError):
    """An owner has as much as one may have; the text says how much that is, and what to do."""


def may_change(by: str | None) -> Any:
    """Return the condition under which somebody may change a run.

    Example:
        >>> str(may_change(None)), str(may_change("anna")), str(may_change(""))
        ('true', 'runs.owner = :owner_1', 'false')
    """
    if by is None:
        return sa.true()
    return runs.c.owner == by if by else sa.false()  # who has no name owns nothing, not even what is nobody's


def has_room(owner: str, most: int) -> Any:
    """Return the condition that fewer than `most` runs of an owner wait; 0 is no limit, and nobody's have none."""
    if not most or not owner:
        return sa.true()
    others = runs.alias()
    waiting = sa.select(sa.func.count()).where(others.c.owner == owner, others.c.state == "queued").scalar_subquery()
    return waiting < most


def queue_full(most: int) -> QuotaReached:
    """Return what one is told who has so many runs waiting.

    Example:
        >>> print(queue_full(5))
        You have 5 runs waiting, the most that one visitor may have here. Stop one, or wait.
    """
    waiting = "1 run waiting" if most == 1 else f"{most} runs waiting"
    return QuotaReached(f"You have {waiting}, the most that one visitor may have here. Stop one, or wait.")
