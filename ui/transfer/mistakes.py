"""The pictures that were missed, large enough to judge, each with a way to give it another label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from cnn_core.pictures.items import Item
from cnn_core.store.records import Run
from cnn_core.training.transfer.results import Answer, Arm
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.contact import judged
from ui.shared.session import Album
from ui.shared.text import count, plain
from ui.transfer.why import why
from ui.widgets.wall.wall import Tile, wall

COLUMNS, LEAST = 6, 104  # pictures in a row at most, and how many pixels each has at least
PAGE = 12  # pictures before the reader asks for more
OPENED = "transfer_why"  # in the session: run, digest and label of the mistake that is looked into


@dataclass(frozen=True)
class Mistake:
    """A picture, and what the arms that missed it said."""

    picture: Answer
    said: Mapping[str, Answer]

    @property
    def suggested(self) -> str:
        """What the surest of them said."""
        return max(self.said.values(), key=lambda answer: answer.probability).said


def _mistakes(arms: Mapping[str, Arm]) -> list[Mistake]:
    """Return the pictures that any arm missed: those that most arms missed first, then the surest."""
    missed: dict[tuple[str, str], dict[str, Answer]] = {}
    for name, arm in arms.items():
        for answer in arm.wrong:
            missed.setdefault((answer.digest, answer.label), {})[name] = answer
    found = [Mistake(next(iter(said.values())), said) for said in missed.values()]
    return sorted(found, key=lambda each: (-len(each.said), -max(a.probability for a in each.said.values())))


@st.fragment
def show_mistakes(run: Run, arms: Mapping[str, Arm]) -> None:
    """Show them, and give a picture another label."""
    found = _mistakes(arms)
    for name, arm in arms.items():
        if not arm.wrong:
            st.markdown(f"**{ARM_TITLES[name]}**: no mistake on {count(len(arm.answers), 'test picture')}.")
    if not found:
        return
    missed = ", ".join(f"{ARM_TITLES[name].lower()} {len(arm.wrong)}" for name, arm in arms.items() if arm.wrong)
    shared = len(found[0].said) > 1
    order = "first those that most networks missed" if shared else "the surest mistakes first"
    st.markdown(
        f"**{count(len(found), 'picture')}** missed ({missed}), {order}. Click one: is the network "
        "wrong, or is the label? One that you correct is corrected in your set; train again, and see whether it helps."
    )
    pages = -(-len(found) // PAGE)
    page = 1
    if pages > 1:
        page = st.number_input(f"Page of {pages}", 1, pages, 1, key=f"transfer_mistakes_{run.id}", width=160)
    album = Album.current()
    there = {(item.digest, item.label) for item in album.items}
    shown = {_id(mistake): mistake for mistake in found[PAGE * (page - 1) : PAGE * page]}
    wall(
        "Missed pictures",
        [_tile(mistake, there) for mistake in shown.values()],
        "",
        f"transfer_mistakes_wall_{run.id}",
        lambda chosen: _open(_name(run, shown[chosen])),
        columns=COLUMNS,
        least=LEAST,
        shape="1 / 1",
        enters=True,
        headed=False,
    )
    _surest(run, found, len(arms), album, there)
    opened = [each for each in found if _name(run, each) == st.session_state.get(OPENED)]
    if opened:
        st.dialog("Why?", width="medium", on_dismiss=_close)(_look)(run, opened[0])


def _surest(run: Run, found: Sequence[Mistake], arms: int, album: Album, there: set[tuple[str, str]]) -> None:
    """Offer another label where all arms agree on one, of the surest picture not relabelled yet, without a detour."""
    agreed = (each for each in found if len(each.said) == arms and len({said.said for said in each.said.values()}) == 1)
    surest = next((each for each in agreed if not _now(each.picture, there)), None)
    if surest is None:
        return
    said, picture = plain(surest.suggested), surest.picture
    whose = "The network says" if arms == 1 else "Both networks say" if arms == 2 else f"All {arms} networks say"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{whose} **{said}** of **{plain(picture.name)}**, labelled {plain(picture.label)}.", width="content"
        )
        _correct(run, surest, album, there, "surest")


def _look(run: Run, mistake: Mistake) -> None:
    """Look into one mistake."""
    album = Album.current()
    st.markdown(f"**{plain(mistake.picture.name)}** is labelled **{plain(mistake.picture.label)}**.")
    _correct(run, mistake, album, {(item.digest, item.label) for item in album.items}, "why")
    why(run.id, mistake.picture, mistake.said)


def _name(run: Run, mistake: Mistake) -> tuple[str, str, str]:
    return run.id, mistake.picture.digest, mistake.picture.label


def _open(name: tuple[str, str, str]) -> None:
    st.session_state[OPENED] = name


def _close() -> None:
    st.session_state.pop(OPENED, None)


def _id(mistake: Mistake) -> str:
    return f"{mistake.picture.digest} {mistake.picture.label}"


def _tile(mistake: Mistake, there: set[tuple[str, str]]) -> Tile:
    picture, now = mistake.picture, _now(mistake.picture, there)
    surest = max(mistake.said.values(), key=lambda answer: answer.probability)
    title = f"✓ now {now}" if now else f"is {picture.label}, said {surest.said} {surest.probability:.0%}"
    said = "; ".join(f"{ARM_TITLES[name]}: {each.said} {each.probability:.0%}" for name, each in mistake.said.items())
    return Tile(
        _id(mistake), title, f"{picture.name}. {said}. Open: why, and is the label right?", judged(picture.digest)
    )


def _now(picture: Answer, there: set[tuple[str, str]]) -> str:
    """Under which label the picture lies in the set by now; empty if it is the one that it had."""
    now = [label for digest, label in there if digest == picture.digest]
    return now[0] if now and picture.label not in now else ""


def _correct(run: Run, mistake: Mistake, album: Album, there: set[tuple[str, str]], where: str) -> None:
    """Let the reader give a picture another label, and take that back."""
    picture = mistake.picture
    place = f"{run.id}_{picture.digest[:12]}_{picture.label}_{where}"
    if now := _now(picture, there):
        st.markdown(f":material/check: now **{plain(now)}**")
        st.button(
            "Move it back",
            key=f"transfer_unmove_{place}",
            on_click=album.move,
            args=({picture.digest}, now, picture.label),
        )
    else:
        to = mistake.suggested
        st.button(
            f"Relabel as {plain(to)}",
            key=f"transfer_relabel_{place}",
            on_click=_move,
            args=(run, picture.digest, picture.label, to),
        )


def adopt(run: Run) -> Album:
    """Make a run's pictures the visitor's, unless they are, though some may have been moved since."""
    album = Album.current()
    items: Sequence[Item] = [Item.from_json(entry) for entry in run.spec["items"]]
    if not {item.digest for item in items} <= {item.digest for item in album.items}:
        album.take(run.spec["source"], list(items))
    return album


def _move(run: Run, digest: str, label: str, to: str) -> None:
    adopt(run).move({digest}, label, to)
