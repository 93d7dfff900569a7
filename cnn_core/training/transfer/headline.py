"""What a result comes to, in the sentences with which a page begins. Light."""

from collections.abc import Mapping, Sequence

from cnn_core.arithmetic.measures import PairedAnswers, Share
from cnn_core.arithmetic.verdicts import holm, more_than_guessing
from cnn_core.training.transfer.results import ClassFigures, Transfer
from cnn_core.training.transfer.spec import ARM_TITLES

_CLEAR = 0.05  # McNemar's p below which a difference is called one
_UNEQUAL = 1.5  # times as many test pictures of the biggest class as of the smallest


def headline(shares: Mapping[str, Share], compared: Sequence[PairedAnswers] = (), chance: float = 0.0) -> str:
    """Say how the arms compare, in one sentence; of one arm, what it reached.

    An arm is called behind only if chance alone would rarely have put it there, of as many pairs as there are (Holm),
    and something only if an arm is right more often than by guessing.

    Args:
        shares: Right answers of each arm.
        compared: The pairs of them on the same pictures.
        chance: What always naming the commonest class would get right.

    Example:
        >>> shares = {"frozen": Share(57, 60, 0.86, 0.98), "fine_tuned": Share(58, 60, 0.89, 0.99)}
        >>> headline(shares, [PairedAnswers("fine_tuned", "frozen", 2, 1, 1.0)])
        '57 and 58 of 60: too close to call'
        >>> headline({"frozen": shares["frozen"]})
        '57 of 60 right'
        >>> headline({"frozen": Share(31, 60, 0.39, 0.64)}, chance=0.5)
        '31 of 60: not clearly better than guessing'
    """
    total = next(iter(shares.values())).total
    score = f"{listed([str(share.correct) for share in shares.values()])} of {total}"
    if chance and not any(more_than_guessing(share.low, chance) for share in shares.values()):
        return f"{score}: not clearly better than guessing"
    if len(shares) == 1:
        return f"{score} right"
    ranked = sorted(shares, key=lambda name: -shares[name].correct)
    found = zip(compared, holm([pair.p for pair in compared]), strict=True)
    clear = {frozenset((pair.first, pair.second)) for pair, p in found if p < _CLEAR}
    best = shares[ranked[0]].correct
    behind = [name for name in ranked if frozenset((ranked[0], name)) in clear and shares[name].correct < best]
    level = [name for name in ranked if name not in behind]
    if not behind:
        tie = len({share.correct for share in shares.values()}) == 1
        return f"{score}: {'a tie' if tie else 'too close to call'}"
    if len(level) == 1:
        return f"{score}: {_names(level)} is ahead of {_names(behind)}"
    is_are = "is" if len(behind) == 1 else "are"
    return f"{score}: {_names(level)} are too close to call, {_names(behind)} {is_are} behind"


def again(share: Share) -> str:
    """Say where an accuracy would likely land on other pictures.

    Example:
        >>> again(Share(57, 60, 0.863, 0.983))
        'between 86 and 98%'
    """
    return f"between {100 * share.low:.0f} and {share.high:.0%}"


def balanced(rows: Sequence[ClassFigures]) -> float:
    """Return the mean of the classes' shares of right answers: each class counts the same, however many its pictures.

    Example:
        >>> balanced([ClassFigures("cat", 1.0, 1.0, 1.0, 9), ClassFigures("dog", 1.0, 0.0, 0.0, 1)])
        0.5
    """
    recalls = [row.recall for row in rows if row.pictures]
    return sum(recalls) / max(1, len(recalls))


def unequal(rows: Sequence[ClassFigures]) -> bool:
    """Tell whether the classes' numbers of pictures differ so much that accuracy alone flatters.

    Example:
        >>> unequal([ClassFigures("cat", 1.0, 1.0, 1.0, 9), ClassFigures("dog", 1.0, 0.0, 0.0, 1)])
        True
    """
    counts = [row.pictures for row in rows if row.pictures]
    return bool(counts) and max(counts) >= _UNEQUAL * min(counts)


def beside(rows: Sequence[ClassFigures]) -> str:
    """Return what stands beside an accuracy: the balanced one where the classes are unequal, else nothing.

    Example:
        >>> beside([ClassFigures("cat", 1.0, 1.0, 1.0, 9), ClassFigures("dog", 1.0, 0.0, 0.0, 1)])
        ' · balanced 50.0%'
        >>> beside([ClassFigures("cat", 1.0, 1.0, 1.0, 9), ClassFigures("dog", 1.0, 0.0, 0.0, 9)])
        ''
    """
    return f" · balanced {balanced(rows):.1%}" if unequal(rows) else ""


def missing(found: Transfer | None, asked: Sequence[str], epochs: int) -> list[str]:
    """Say which arms a run did not come to before it was stopped, and which it left in the middle.

    Args:
        found: What it has found, if anything.
        asked: The arms that were to be trained.
        epochs: Planned.

    Example:
        >>> missing(None, ["frozen", "fine_tuned"], 10)
        ['Frozen and fine-tuned are missing: the run ended before they had learnt anything.']
    """
    arms, failed = (found.arms, found.failed) if found else ({}, {})
    told = []
    if never := [name for name in asked if name not in arms and name not in failed]:
        words = _names(never)
        are, they = ("is", "it") if len(never) == 1 else ("are", "they")
        told.append(f"{words[0].upper()}{words[1:]} {are} missing: the run ended before {they} had learnt anything.")
    for name, arm in arms.items():
        if arm.stopped:
            done = sum(entry.phase != "head" for entry in arm.history)
            told.append(
                f"{ARM_TITLES[name]} was stopped after {done} of {epochs} epochs, and is measured as it was then."
            )
    return told


def listed(words: Sequence[str]) -> str:
    """Join words as one speaks.

    Example:
        >>> listed(["17"]), listed(["17", "57", "58"])
        ('17', '17, 57 and 58')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _names(arms: Sequence[str]) -> str:
    return listed([ARM_TITLES[name].lower() for name in arms])
