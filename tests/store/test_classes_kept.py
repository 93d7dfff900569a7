"""Classes: joined by a link and a name, seen by their teacher alone, gone with all that they keep of anybody."""

import csv
import io

import pytest
from stores import ANNA, BERTA, CARLA

from cnn_core.store import accounts, classes, keys, removal
from cnn_core.store.belongings import belongings
from cnn_core.store.classes import ClassRefused, Student
from cnn_core.store.collector import collect
from cnn_core.store.keys import CLASS
from cnn_core.store.runs import Store
from cnn_core.store.terms import DAY, GRACE, Terms
from tests.store.stores import aged, all_aged

SHIFT, WHOLE = "pooling/Shift", "convolution/Whole picture"


def test_teacher_alone_sees_who_is_in_it_and_what_they_did(store: Store) -> None:
    made = classes.begin(store, ANNA, "10 b")
    classes.join(store, made.token, CARLA, "Carla", [WHOLE])
    classes.join(store, made.token, BERTA, " Berta\n")
    classes.note(store, BERTA, SHIFT)
    classes.note(store, "d4" * 20, SHIFT)
    berta, carla = classes.students(store, made.token, by=ANNA)
    assert (berta.name, set(berta.done)) == ("Berta", {SHIFT}) and (carla.name, set(carla.done)) == ("Carla", {WHOLE})
    for stranger in (BERTA, "", "%"):
        with pytest.raises(PermissionError, match="Only the teacher of a class sees who is in it."):
            classes.students(store, made.token, by=stranger)
    text = "".join(f"{key} {store.read(key)!r}" for key in store.stored("classes"))
    assert BERTA not in text and CARLA not in text, "whose file is whose is not written anywhere"


def test_the_first_time_counts_and_another_name_keeps_what_was_done(store: Store) -> None:
    made = classes.begin(store, ANNA, "10 b")
    joined = classes.join(store, made.token, BERTA, "Berta")
    classes.note(store, BERTA, SHIFT)
    first = classes.student(store, made.token, BERTA)
    classes.note(store, BERTA, SHIFT)
    assert first and classes.student(store, made.token, BERTA) == first
    again = classes.join(store, made.token, BERTA, "Berta M.", [SHIFT, WHOLE])
    assert (again.name, again.joined, set(again.done)) == ("Berta M.", joined.joined, {SHIFT, WHOLE})
    assert again.done[SHIFT] == first.done[SHIFT] and len(classes.students(store, made.token, by=ANNA)) == 1


def test_refusals_say_what_to_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClassRefused, match="A class needs a title"):
        classes.begin(store, ANNA, "  ")
    made = classes.begin(store, ANNA, "10 b")
    with pytest.raises(ClassRefused, match="Write the name by which your teacher knows you."):
        classes.join(store, made.token, BERTA, " \n")
    for token in ("x" * 43, "../secret", ""):
        with pytest.raises(ClassRefused, match="There is no such class any more. Ask whoever gave you the link"):
            classes.join(store, token, BERTA, "Berta")
    monkeypatch.setattr(classes, "MAX_STUDENTS", 1)
    classes.join(store, made.token, BERTA, "x" * 99)
    assert [len(each.name) for each in classes.students(store, made.token, by=ANNA)] == [classes.NAME]
    with pytest.raises(ClassRefused, match="This class has 1 students, the most"):
        classes.join(store, made.token, CARLA, "Carla")
    classes.join(store, made.token, BERTA, "Berta")


def test_who_leaves_is_forgotten(store: Store) -> None:
    made = classes.begin(store, ANNA, "10 b")
    classes.join(store, made.token, BERTA, "Berta")
    assert not classes.leave(store, made.token, CARLA) and classes.leave(store, made.token, BERTA)
    assert classes.students(store, made.token, by=ANNA) == [] and classes.attended(store, BERTA) == []
    classes.note(store, BERTA, SHIFT)
    assert list(store.stored("classes")) == [keys.school_class(made.token)]


def test_deleting_a_class_deletes_all_that_it_keeps(store: Store) -> None:
    made, other = classes.begin(store, ANNA, "10 b"), classes.begin(store, BERTA, "9 a")
    for token in (made.token, other.token):
        classes.join(store, token, CARLA, "Carla")
    before = store.stored("classes")
    size = sum(each.size for key, each in before.items() if made.token in key)
    (mine,) = belongings(store, ANNA, Terms()).of(CLASS)
    assert (mine.title, mine.bytes) == ("10 b", size)
    assert removal.remove_class(store, BERTA, made.token).bytes == 0 and store.stored("classes") == before
    assert removal.remove_class(store, ANNA, made.token).bytes == size
    assert [each.title for each in classes.attended(store, CARLA)] == ["9 a"]
    assert not [key for key in store.stored() if made.token in key]


def test_all_of_mine_goes_also_as_a_student(store: Store) -> None:
    taught, attended = classes.begin(store, ANNA, "10 b"), classes.begin(store, BERTA, "evening")
    classes.join(store, taught.token, CARLA, "Carla")
    classes.join(store, attended.token, ANNA, "Anna")
    removal.remove_all(store, ANNA)
    assert classes.find(store, taught.token) is None and classes.students(store, attended.token, by=BERTA) == []
    assert store.lists.entries(keys.attended(CARLA)) == {} and "Anna" not in str(classes.attended(store, ANNA))


def test_it_stays_while_its_students_work_and_then_goes_whole(store: Store) -> None:
    made = classes.begin(store, ANNA, "10 b")
    all_aged(store, 1.5e9)
    classes.join(store, made.token, BERTA, "Berta")
    (file,) = store.stored(keys.students(made.token))
    aged(store, file, 1.5e9 + 5 * DAY)
    (mine,) = belongings(store, ANNA, Terms(days=10)).of(CLASS)
    assert mine.until == 1.5e9 + 15 * DAY
    assert not collect(store, Terms(days=10), now=1.5e9 + 14 * DAY).things[CLASS]
    assert collect(store, Terms(days=10), now=1.5e9 + 16 * DAY).things[CLASS] == 1
    assert store.stored("classes") == {}


def test_file_of_a_student_whose_class_is_gone_goes_too(store: Store) -> None:
    store.write(keys.student("t" * 43, "0" * 32), b'{"name": "late", "joined": 0, "done": {}}')
    aged(store, keys.student("t" * 43, "0" * 32), 1.5e9)
    found = collect(store, Terms(), now=1.5e9 + GRACE + 1)
    assert found.unknown == [] and store.stored("classes") == {}


def test_who_signs_in_takes_along_what_they_teach_and_did(store: Store) -> None:
    taught, attended = classes.begin(store, ANNA, "10 b"), classes.begin(store, BERTA, "evening")
    classes.join(store, attended.token, ANNA, "Anna", [SHIFT])
    accounts.hand_over(store, ANNA, "account-1")
    assert [each.token for each in classes.of(store, "account-1")] == [taught.token]
    (one,) = classes.students(store, attended.token, by=BERTA)
    assert (one.name, set(one.done)) == ("Anna", {SHIFT})
    classes.note(store, "account-1", WHOLE)
    (one,) = classes.students(store, attended.token, by=BERTA)
    assert set(one.done) == {SHIFT, WHOLE}


@pytest.mark.parametrize("name", ["=1+1", "@x", "-2+3", "+cmd|' /C calc'!A0", "a,b", 'quote"s', "<b>", ":material/x:"])
def test_names_are_text_in_a_spreadsheet(name: str) -> None:
    written = classes.to_csv([Student(name, 0.0, {SHIFT: 60.0})], {SHIFT: "A shift", WHOLE: "=Whole"})
    head, row = csv.reader(io.StringIO(written))
    assert head == ["name", "joined", "done", "A shift", "'=Whole"]
    assert (
        row[0].removeprefix("'") == name
        and not row[0].startswith(tuple("=+-@"))
        and row[2:] == ["1", "1970-01-01 00:01", ""]
    )
