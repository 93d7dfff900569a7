"""What keeps what: every key that is written is known and found from whoever refers to it."""

import json
import re
from pathlib import Path

import pytest
from stores import ANNA, BERTA, all_aged, digest, ended, items, picture

from cnn_core.engine import jobs
from cnn_core.store import keys, shares, visitors
from cnn_core.store.keys import PICTURE, RUN, SERVER, SET, SHARE, UNFINISHED, VISITOR, Owner
from cnn_core.store.objects import Objects
from cnn_core.store.references import Inventory, digests, holders
from cnn_core.store.runs import Store
from cnn_core.store.shares import GivenSet
from cnn_core.store.visitors import OwnPicture
from cnn_core.training.kinds import KINDS

ROOT = Path(__file__).parents[2]
DAY = 86400.0


ONE = digest(1)
WRITTEN = {  # every function of the catalogue that names an object, and whose it is
    keys.picture(ONE, "jpg"): Owner(PICTURE, ONE),
    keys.picture(ONE): Owner(PICTURE, ONE),
    keys.picture_record(ONE): Owner(PICTURE, ONE),
    **dict.fromkeys(keys.picture_files(ONE), Owner(PICTURE, ONE)),
    keys.backbone("efficientnet_lite0 5c1f"): Owner(SERVER, "backbones/efficientnet_lite0 5c1f.keras"),
    keys.album("0a1b"): Owner(SET, "0a1b"),
    keys.visitor(ANNA): Owner(VISITOR, ANNA),
    keys.share("x" * 43): Owner(SHARE, "x" * 43),
    **{keys.file("1f", "frozen", name): Owner(RUN, "1f") for name in keys.FORMATS},
    keys.self_test("1f", "frozen"): Owner(RUN, "1f"),
    keys.head("1f", "frozen"): Owner(RUN, "1f"),
    keys.heads("1f"): Owner(RUN, "1f"),
    keys.checkpoint("1f", "last_blocks"): Owner(RUN, "1f"),
    keys.SECRET: Owner(SERVER, "secret"),
    f"{keys.picture(ONE)}.0123abcd.partial": Owner(UNFINISHED, keys.picture(ONE)),
    f"{keys.file('1f', 'frozen')}.0123abcd.partial": Owner(UNFINISHED, keys.file("1f", "frozen")),
}


@pytest.mark.parametrize("key", WRITTEN)
def test_catalogue_is_read_backwards(key: str) -> None:
    assert keys.owner(key) == WRITTEN[key]


@pytest.mark.parametrize(
    "key", ["", "pictures", "pictures/x.exe", "pictures/a/b.jpg", "runs/1f", "albums/x.txt", "notes.txt", "secrets"]
)
def test_what_is_not_of_the_catalogue_is_nobodys(key: str) -> None:
    assert keys.owner(key) is None


def test_no_other_module_makes_up_a_key() -> None:
    # `below` and `stored` name folders of the catalogue; version 0.1's are read by `lists.adopt_version_01`.
    call = re.compile(
        r"(?:store(?:\(\))?|objects)\.(?:write|read|exists|remove|touch|look)\(\s*(?!keys\.|.*key\b)(\S.*)"
    )
    found = {
        f"{path.relative_to(ROOT)}: {match[1]}"
        for room in ("cnn_core", "ui", "pages")
        for path in (ROOT / room).rglob("*.py")
        for match in call.finditer(path.read_text())
        if '"' in match[1] and ("store" in match[0] or "objects" in match[0]) and "keys." not in match[1]
    }
    assert found == set()


def test_every_kind_of_run_is_found_with_its_pictures(store: Store) -> None:
    kinds = sorted(jobs.JOBS)
    assert {kind.partition("/")[0] for kind in KINDS} == set(kinds)
    made = {}
    for number, kind in enumerate(kinds, 10):
        one, other = picture(store, 2 * number), picture(store, 2 * number + 1)
        # What a study is asked and what it finds, in whatever fields: a digest is one anywhere, as a key too.
        run = store.create(kind, {"options": {}, "run": "", "deep": [{"in": [one]}]}, title=kind, owner=ANNA)
        claimed = store.claim(run.id, "w")
        assert claimed
        store.beat(claimed, {"phase": "training"}, {"answers": {other: {"cat": 0.5}}})
        for key in (keys.file(run.id, "frozen"), keys.head(run.id, "frozen"), keys.heads(run.id)):
            store.write(key, b"x")
        for key in (keys.self_test(run.id, "frozen"), keys.checkpoint(run.id, "frozen")):
            store.write(key, b"x")
        made[run.id] = {one, other}
    all_aged(store, 0.0)
    found = Inventory.of(store)
    assert {run_id: found.holders[Owner(RUN, run_id)].pictures for run_id in made} == made
    assert all(len(found.keys_of[Owner(RUN, run_id)]) == 5 for run_id in made)
    assert found.unknown == [] and found.unused(DAY) == set(), "nothing is unknown, nothing is nobody's"


def test_everything_that_is_kept_is_found_from_its_owner(store: Store) -> None:
    of_run, of_set, before, own, given, sample = (picture(store, number) for number in range(6))
    run = ended(store, [of_run])
    kept = {"source": "", "items": items([of_set]), "before": {"items": items([before])}}
    store.write(keys.album("s1"), json.dumps(kept).encode())
    visitors.change(store, ANNA, lambda known: known.with_set("s1", "Birds").with_own(OwnPicture(own, "own.jpg")))
    share = shares.give(store, ANNA, pictures=GivenSet("", items([given])))
    store.lists.add(keys.SAMPLES, [sample])
    store.write(keys.SECRET, b"s")
    store.write(keys.backbone("w"), b"b")
    all_aged(store, 0.0)
    found = Inventory.of(store)
    assert found.unknown == [] and found.unused(DAY) == set()
    refers = {key: set(each.pictures) for key, each in found.holders.items()}
    assert refers == {
        Owner(SERVER, keys.SAMPLES): {sample},
        Owner(SET, "s1"): {of_set, before},
        Owner(VISITOR, ANNA): {own},
        Owner(SHARE, share.token): {given},
        Owner(RUN, run.id): {of_run},
    }
    owners = {key.kind: each.owner for key, each in found.holders.items()}
    assert owners == {SERVER: "", SET: ANNA, VISITOR: ANNA, SHARE: ANNA, RUN: ANNA}
    assert found.holders[Owner(SET, "s1")].title == "Birds" and found.holders[Owner(VISITOR, ANNA)].sets == ("s1",)
    without = found.without([Owner(RUN, run.id)])
    assert without.unused(DAY) == {Owner(PICTURE, of_run)}


def test_unknown_keys_are_told_and_are_nobodys_to_remove(store: Store) -> None:
    store.write("notes/hello.txt", b"x")
    all_aged(store, 0.0)
    found = Inventory.of(store)
    assert found.unknown == ["notes/hello.txt"] and found.unused(DAY) == set()


def test_run_that_others_have_in_their_list_is_opened(store: Store) -> None:
    run = ended(store, [picture(store, 1)])
    store.lists.add(keys.visit(ANNA), run.id, own=True)
    store.lists.add(keys.visit(BERTA), run.id, own=True)  # it was hers, before it changed hands
    store.lists.add(keys.private("k"), run.id, own=True)
    store.lists.add("studies/f/size", run.id)
    assert not next(each for each in holders(store) if each.kind == RUN).opened
    store.lists.add(keys.visit("c3" * 20), run.id)
    assert next(each for each in holders(store) if each.kind == RUN).opened


def test_digest_in_any_text_is_found_and_nothing_longer_or_shorter() -> None:
    found = digest(77)
    assert digests(f'{{"{found}": 1}}') == digests(f'runs\\"{found}\\"') == {found}
    assert digests(f"{found}0 {found[1:]} {found.upper()[:-1]}G {ANNA}") == frozenset()


@pytest.mark.parametrize("where", ["folder", "memory"])
def test_objects_tell_size_and_time_wherever_they_are(where: str, tmp_path: Path) -> None:
    objects = Objects(str(tmp_path / "o") if where == "folder" else f"memory://{tmp_path.name}")
    objects.write("pictures/a.jpg", b"12345")
    objects.write("runs/1f/x.keras", b"1")
    assert {key: each.size for key, each in objects.stored().items()} == {"pictures/a.jpg": 5, "runs/1f/x.keras": 1}
    first = objects.stored("pictures")["pictures/a.jpg"]
    assert objects.look("pictures/a.jpg") == first and objects.look("pictures/b.jpg") is None
    assert objects.stored_at(["pictures/a.jpg", "pictures/b.jpg"]) == {"pictures/a.jpg": first}
    assert objects.touch("pictures/a.jpg") and not objects.touch("pictures/b.jpg")
    again = objects.look("pictures/a.jpg")
    assert again and again.written >= first.written and objects.read("pictures/a.jpg") == b"12345"
    assert objects.read_all("pictures") == {"pictures/a.jpg": b"12345"} and objects.stored("nowhere") == {}
