"""A store is carried elsewhere, row by row and byte by byte, while it is used; what is there is never overwritten."""

import gzip
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.__main__ import main
from cnn_core.store import backup, keys, tables
from cnn_core.store.backup import back_up
from cnn_core.store.backup_files import BackupRefused
from cnn_core.store.objects import Objects
from cnn_core.store.references import digests
from cnn_core.store.restore import check, restore
from cnn_core.store.runs import Store
from tests.store.stores import ANNA, album, begun, copied, digest, ended, picture

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
PARTS = st.text("abcÄß 50%#@+~'日", min_size=1, max_size=6)
KEYS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "k/" + "/".join(f"{part}_" for part in parts) + ".x")


def everything(store: Store) -> tuple[dict[str, list[Any]], dict[str, bytes]]:
    """All rows, as the database has them, and all objects; by no code of ours but the drivers'."""
    rows = {}
    with store._engine.connect() as connection:
        for name in ("runs", "lists", "features"):
            found = connection.execute(sa.text(f"SELECT * FROM {name}")).mappings().all()
            rows[name] = sorted(
                (
                    tuple(
                        (key, json.loads(value) if isinstance(value, str) and key in JSON_COLUMNS else _plain(value))
                        for key, value in sorted(row.items())
                    )
                    for row in found
                ),
                key=repr,
            )
    if store.folder is not None:
        root = store.folder / "objects"
        return rows, {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    files = store._files
    root_name = files._strip_protocol(store._root)
    return rows, {path[len(root_name) + 1 :]: files.cat_file(path) for path in files.find(root_name)}


JSON_COLUMNS = ("spec", "progress", "result", "environment")


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else int(value) if isinstance(value, bool) else value


@pytest.fixture
def location(tmp_path: Path, database: Callable[[], str]) -> Iterator[Callable[[str, str], str]]:
    """Make up the location of a store of a kind."""
    used: list[Store] = []

    def make(kind: str, name: str) -> str:
        if kind == "folder":
            return str(tmp_path / name)
        bucket = f"memory://{tmp_path.name}-{name}"
        return f"{database()} {bucket}" if kind == "postgresql" else f"sqlite:///{tmp_path}/{name}.sqlite {bucket}"

    yield make
    for each in used:
        each.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Store(folder).close()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A small store with something of each kind."""
    opened = Store(tmp_path / "store")
    for number in range(3):
        picture(opened, number)
    ended(opened, [digest(0), digest(1)])
    begun(opened, [digest(1)], note="ü\u2028 50% #")
    album(opened, ANNA, "set", [digest(2)])
    opened.write(keys.SECRET, b"s" * 64)
    opened.lists.add(keys.visit(ANNA), "0123456789ab", own=True)
    yield opened
    opened.close()


@pytest.mark.parametrize("source", ["folder", "bucket", "postgresql"])
@pytest.mark.parametrize("target", ["folder", "bucket", "postgresql"])
def test_every_row_and_object_comes_back_in_every_kind_of_store(
    source: str, target: str, tmp_path: Path, location: Callable[[str, str], str]
) -> None:
    first = Store(location(source, "first"))
    for number in range(3):
        picture(first, number)
    run = first.create("transfer", {"items": [digest(0)], "x": [1.5, 1e-300, None, "ü\u2028"]}, "ä\n#", owner=ANNA)
    claimed = first.claim(run.id, "w")
    assert claimed and first.finish(claimed, "done", result={"a": 0.1 + 0.2, "big": 2**60})
    first.create("toy", {}, "waits")
    first.write(keys.file(run.id, "frozen"), bytes(range(256)))
    first.lists.add(keys.visit(ANNA), run.id, own=True)
    before = everything(first)
    made = back_up(first, str(tmp_path / "backup"))
    first.close()
    assert made.rows == {"runs": 2, "lists": 1, "features": 3} and made.objects == 7
    assert check(str(tmp_path / "backup")) == made
    second = Store(location(target, "second"))  # of PostgreSQL, the same database: emptied
    assert restore(str(tmp_path / "backup"), second) == made
    assert everything(second) == before
    second.close()


@settings(max_examples=12)
@given(data=st.data())
def test_whatever_is_in_a_store_comes_back(
    data: st.DataObject, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    first = copied(template, folder / "first")
    patch = pytest.MonkeyPatch()
    patch.setattr(backup, "PIECE", data.draw(st.sampled_from([1, 300, 10**6])))
    for title, spec, result in data.draw(st.lists(st.tuples(TEXTS, JSONS, JSONS), max_size=4)):
        run = first.create("toy", {"s": spec}, title)
        if data.draw(st.booleans()) and (claimed := first.claim(run.id, "w")):
            first.beat(claimed, {"p": spec}, {"r": result})
    for name, entry, own in data.draw(st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), max_size=4)):
        first.lists.add(name, entry, own=own)
    for extractor, vector in data.draw(st.dictionaries(TEXTS, st.binary(max_size=20), max_size=3)).items():
        first.features.write(extractor, {"d": vector})
    for key, content in data.draw(st.dictionaries(KEYS, st.binary(max_size=50), max_size=5)).items():
        first.write(key, content)
    before = everything(first)
    back_up(first, str(folder / "backup"))
    first.close()
    second = copied(template, folder / "second")
    restore(str(folder / "backup"), second)
    assert everything(second) == before
    second.close()
    patch.undo()


# While it is used -----------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(
    moments=st.dictionaries(st.integers(0, 30), st.sampled_from(["run", "set", "again", "delete", "end"]), max_size=8)
)
def test_what_is_kept_of_a_store_in_use_lacks_nothing_that_is_named(
    moments: dict[int, str], template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("used")
    used = copied(template, folder / "store")
    for number in range(3):
        picture(used, number)
    runs = [begun(used, [digest(0)]).id, ended(used, [digest(1)]).id]
    album(used, ANNA, "set", [digest(2)])
    left = iter(range(3, 100))

    def act(what: str) -> None:
        """As the app does: bytes first, then who names them; away goes the name first."""
        if what == "run":
            runs.append(begun(used, [picture(used, next(left))]).id)
        elif what == "set":
            album(used, ANNA, f"set{next(left)}", [picture(used, next(left))])
        elif what == "again":  # the same set, with another picture in place of the first
            album(used, ANNA, "set", [picture(used, next(left))])
        elif what == "end" and runs and (run := used.claim(runs[-1], "w")):
            used.write(keys.file(run.id, "scratch"), b"n" * 100)
            used.finish(run, "done", result={"seen": [picture(used, next(left))]})
        elif what == "delete" and runs:
            run_id = runs.pop(0)
            if run_id not in {each.id for each in used.live()}:
                named = digests(json.dumps(used.get(run_id).spec))
                used.delete(run_id)
                for name in named:
                    for key in keys.picture_files(name):
                        used.remove(key)

    steps = iter(range(10**6))

    def then(original: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **options: Any) -> Any:
            if what := moments.get(next(steps)):
                act(what)
            return original(*args, **options)

        return stepped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "each", lambda function, names: map(then(function), names))
        for name in ("rows", "gone", "pictures"):
            patch.setattr(backup._Copying, name, then(getattr(backup._Copying, name)))
        back_up(used, str(folder / "backup"))
    restored = copied(template, folder / "again")
    restore(str(folder / "backup"), restored)
    there = set(restored.stored())
    for run in restored.recent(1000):
        assert keys.file(run.id, "frozen") in there, "a run comes with its network"
        for name in digests(json.dumps(restored.get(run.id).spec) + json.dumps(restored.get(run.id).result)):
            assert {keys.picture(name, "jpg"), keys.picture_record(name)} <= there
    for key in [key for key in there if key.startswith("albums/")]:
        for name in digests(restored.read(key).decode()):
            assert {keys.picture(name, "jpg"), keys.picture_record(name)} <= there
    known = {run.id for run in restored.recent(1000)}
    assert {key.split("/")[1] for key in there if key.startswith("runs/")} <= known
    assert known >= {run.id for run in used.recent(1000) if run.id in runs[:1]}, "what was there all the time is kept"
    used.close()
    restored.close()


@pytest.mark.parametrize("kind", ["folder", "postgresql"])
def test_rows_are_those_of_one_moment(kind: str, location: Callable[[str, str], str], tmp_path: Path) -> None:
    used = Store(location(kind, "moment"))
    run = used.create("toy", {}, "before")
    with backup.moment(used) as connection:
        assert [row.title for row in connection.execute(sa.select(tables.runs))] == ["before"]
        used.rename(run.id, "after")
        used.lists.add("a list", run.id)
        assert [row.title for row in connection.execute(sa.select(tables.runs))] == ["before"]
        assert connection.execute(sa.select(tables.lists)).all() == []
    assert used.glance(run.id).title == "after"
    used.close()


# Nothing is overwritten, nothing is half there ------------------------------------------------------------------------


def test_backup_goes_into_a_new_or_empty_folder_only(store: Store, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    for to, said in {
        tmp_path / "full": r"full holds something already \(the file thesis.txt\)\. A backup goes into a new",
        tmp_path / "file": "file is a file; a backup is a folder. Name a new one.",
        tmp_path / "store" / "b": "b is in the store itself. Name a folder outside of .*store",
    }.items():
        with pytest.raises(BackupRefused, match=said):
            back_up(store, str(to))
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine" and not (tmp_path / "store" / "b").exists()
    back_up(store, str(tmp_path / "empty"))
    with pytest.raises(BackupRefused, match=r"empty holds something already \(\d+ files, the first is SHA256SUMS\)"):
        back_up(store, str(tmp_path / "empty"))
    assert (tmp_path / "new").exists() is False
    back_up(store, str(tmp_path / "new" / "Jürgen 50% #1"))
    assert (tmp_path / "new" / "Jürgen 50% #1").stat().st_mode & 0o77 == 0, "it holds the secret"


def test_backup_does_not_go_among_the_stores_own_objects(tmp_path: Path) -> None:
    far = Store(f"sqlite:///{tmp_path}/runs.sqlite memory://{tmp_path.name}/bucket")
    with pytest.raises(BackupRefused, match="would be among the store's own objects"):
        back_up(far, f"memory://{tmp_path.name}/bucket/backup")
    far.write("secret", b"s")
    back_up(far, f"memory://{tmp_path.name}/backup")
    assert check(f"memory://{tmp_path.name}/backup").objects == 1
    far.close()


@pytest.mark.parametrize("at", [0, 3, 8, 12])
def test_backup_that_is_broken_off_leaves_nothing(
    at: int, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = iter(range(10**6))
    write = Objects.write

    def failing(self: Objects, key: str, data: bytes) -> None:
        if next(written) == at:
            raise KeyboardInterrupt
        write(self, key, data)

    monkeypatch.setattr(Objects, "write", failing)
    with pytest.raises(KeyboardInterrupt):
        back_up(store, str(tmp_path / "backup"))
    assert not [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    monkeypatch.undo()
    assert back_up(store, str(tmp_path / "backup")).rows["runs"] == 2


def test_disk_that_is_full_is_told(store: Store, small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(64_000)
    store.write("pictures/large.png", b"x" * 100_000)
    with pytest.raises(BackupRefused, match=r"^The disk is full\. Free some space, or name another place, and begin"):
        back_up(store, str(disk))
    assert not [path for path in disk.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", ["../x", "a//b", "a/./b", "a\\b", "c:d", "a\nb", "/etc/x", "a/.."])
def test_names_that_lead_out_of_a_folder_are_left_out_and_told(key: str, tmp_path: Path) -> None:
    assert backup._UNSAFE.search(key)
    assert not any(backup._UNSAFE.search(name) for name in (keys.file("1f", "frozen"), "a/.hidden", "a..b", "a b/ü%#"))


def test_bucket_with_such_a_name_is_kept_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", f"sqlite:///{tmp_path}/runs.sqlite memory://{tmp_path.name}")
    far = Store.default()
    far.write("secret", b"s")
    far.write("odd\\name", b"?")
    far.close()
    assert main(["backup", str(tmp_path / "backup")]) == 0
    said = capsys.readouterr().out
    assert "and 1 object (1 byte)" in said
    assert "Left out, since no folder can hold their names: 1, such as 'odd\\\\name'." in said


def test_restore_wants_an_empty_store(store: Store, tmp_path: Path) -> None:
    back_up(store, str(tmp_path / "backup"))
    with pytest.raises(BackupRefused, match=r"The store is not empty: it has 2 runs\. Nothing is overwritten"):
        restore(str(tmp_path / "backup"), store)
    listed = Store(tmp_path / "listed")
    listed.lists.add("a", "b")
    with pytest.raises(BackupRefused, match=r"it has 1 entry of a list\."):
        restore(str(tmp_path / "backup"), listed)
    listed.close()
    begun_already = Store(tmp_path / "begun")
    begun_already.write(keys.SECRET, b"another")
    with pytest.raises(BackupRefused, match=r"it has 1 object, such as secret, which is not of this backup\."):
        restore(str(tmp_path / "backup"), begun_already)
    assert begun_already.read(keys.SECRET) == b"another" and begun_already.recent() == []
    begun_already.close()


@pytest.mark.parametrize("at", [0, 2, 6])
def test_restore_that_was_broken_off_can_be_begun_again(
    at: int, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(store)
    back_up(store, str(tmp_path / "backup"))
    target = Store(tmp_path / "target")
    written = iter(range(10**6))
    write = Store.write

    def failing(self: Store, key: str, data: bytes) -> None:
        if next(written) == at:
            raise KeyboardInterrupt
        write(self, key, data)

    monkeypatch.setattr(Store, "write", failing)
    with pytest.raises(KeyboardInterrupt):
        restore(str(tmp_path / "backup"), target)
    assert target.recent() == [], "rows come last"
    monkeypatch.undo()
    restore(str(tmp_path / "backup"), target)
    assert everything(target) == before
    target.close()


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("objects/secret", "objects/secret of .* is not what it was when the backup was made"),
        ("rows/runs-0000.jsonl.gz", "rows/runs-0000.jsonl.gz of .* is not what it was"),
        ("SHA256SUMS", "SHA256SUMS of .* is not what it was"),
    ],
)
def test_damaged_or_missing_file_is_named_and_nothing_is_restored(
    file: str, said: str, store: Store, tmp_path: Path
) -> None:
    back_up(store, str(tmp_path / "backup"))
    _flip(tmp_path / "backup" / file)
    target = Store(tmp_path / "target")
    for attempt in (lambda: check(str(tmp_path / "backup")), lambda: restore(str(tmp_path / "backup"), target)):
        with pytest.raises(BackupRefused, match=said):
            attempt()
    (tmp_path / "backup" / file).unlink()
    with pytest.raises(BackupRefused, match=r"is missing\. Take another|is no backup, or none that was finished"):
        restore(str(tmp_path / "backup"), target)
    assert everything(target) == ({"runs": [], "lists": [], "features": []}, {})
    target.close()


def test_what_is_no_backup_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in ("empty", "nowhere"):
        with pytest.raises(BackupRefused, match=f"{source} is no backup, or none that was finished: it has no backup"):
            check(str(tmp_path / source))
    assert not (tmp_path / "nowhere").exists()
    back_up(store, str(tmp_path / "backup"))
    manifest = tmp_path / "backup" / "backup.json"
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(known | {"revision": "0099", "program": "9.1"}))
    with pytest.raises(BackupRefused, match=r"was made by ConvScope 9\.1, whose tables are revision 0099 \(here"):
        check(str(tmp_path / "backup"))
    manifest.write_text("{")
    with pytest.raises(BackupRefused, match=r"backup\.json of .* is not what it was"):
        check(str(tmp_path / "backup"))


def test_sums_are_those_that_other_programs_read(store: Store, tmp_path: Path) -> None:
    back_up(store, str(tmp_path / "backup"))
    folder = tmp_path / "backup"
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(listed) == set(found) - {"SHA256SUMS", "backup.json"}
    assert all(hashlib.sha256(found[name].read_bytes()).hexdigest() == value for name, value in listed.items())
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder).returncode == 0
    (line, *_) = gzip.decompress(found["rows/features-0000.jsonl.gz"].read_bytes()).decode().splitlines()
    assert json.loads(line) == {"extractor": "network", "picture": digest(0), "vector": "dnZ2dnZ2dnY="}


def test_commands(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    to = str(tmp_path / "backup")
    assert main(["backup", to]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Kept in {to}: 2 runs, 1 entry of a list, 3 vectors and ")
    assert said.endswith("It has the server's secret in it: keep it as safe as the store.\n")
    assert main(["restore", to, "--check"]) == 0
    assert capsys.readouterr().out.startswith("Whole, to the last byte: 2 runs, ")
    assert main(["restore", to]) == 2
    assert "python -m cnn_core: The store is not empty: it has 2 runs." in capsys.readouterr().err
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "target"))
    assert main(["backup", str(tmp_path / "other")]) == 2
    assert f"There is no store in {tmp_path / 'target'}. Set CONVSCOPE_STORE to the one" in capsys.readouterr().err
    assert not (tmp_path / "target").exists() and not (tmp_path / "other").exists()
    assert main(["restore", to]) == 0
    assert capsys.readouterr().out.startswith(f"Restored into {tmp_path / 'target'}: 2 runs, ")
    secret = "5ec2e7"
    monkeypatch.setenv("CONVSCOPE_STORE", f"sqlite:///{tmp_path}/p.sqlite memory://{secret}@{tmp_path.name}")
    assert main(["restore", to]) == 0
    assert secret not in capsys.readouterr().out
