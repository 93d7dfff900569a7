"""Objects in S3: what another process has done is seen, and what is wrong is one sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnn_core.store import objects, troubles
from cnn_core.store.objects import Objects, ObjectsRefused
from cnn_core.store.tables import DatabaseRefused
from cnn_core.store.tables import connect as connect_database
from tests.object_store import free_port, object_store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with object_store(tmp_path_factory.mktemp("s3") / "log") as environment:
        yield environment


@pytest.fixture
def there(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Objects:
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    found = Objects(f"s3://bucket/{request.node.name.replace('_', '-')}")
    found.prepare()  # makes the bucket; the second time it is there
    found.prepare()
    return found


def elsewhere(there: Objects, code: str) -> None:
    """Do something with the same objects in another process."""
    script = f"from cnn_core.store.objects import Objects; there = Objects('s3://{there._root}'); {code}"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ, check=True, capture_output=True)


def test_what_another_process_wrote_or_removed_is_seen(there: Objects) -> None:
    there.write("runs/one", b"1")
    assert not there.exists("runs/two") and there.look("runs/two") is None
    assert list(there.stored("runs")) == ["runs/one"] == there.below("runs")  # a listing, which nobody may keep
    elsewhere(there, "there.write('runs/two', b'22'); there.remove('runs/one')")
    assert there.exists("runs/two") and not there.exists("runs/one")
    found = there.look("runs/two")
    assert found and found.size == 2
    assert list(there.stored("runs")) == ["runs/two"] == there.below("runs")
    assert there.read_all("runs") == {"runs/two": b"22"}
    with pytest.raises(FileNotFoundError) as missing:
        there.read("runs/one")
    assert troubles.sentence(missing.value) == "", "that nothing is there is no trouble of the store"


def test_objects_are_touched_counted_and_removed(there: Objects) -> None:
    for number in range(3):
        there.write(f"pictures/{number}", b"p" * number)
    assert there.touch("pictures/2") and not there.touch("pictures/9")
    assert there.size(["pictures/1", "pictures/2", "pictures/9"]) == 3
    there.remove("pictures")
    there.remove("pictures")
    assert there.stored() == {}


def test_object_store_that_is_away_or_refuses_is_one_sentence(there: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    away = Objects("s3://bucket/away")
    away._files = type(away._files)(skip_instance_cache=True, use_listings_cache=False)
    with pytest.raises(Exception, match="Could not connect to the endpoint") as error:
        away.read("any")
    assert troubles.sentence(error.value) == troubles.OBJECTS_AWAY
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    away._files = type(away._files)(skip_instance_cache=True, use_listings_cache=False)
    with pytest.raises(Exception, match="Unable to locate credentials") as error:
        away.read("any")
    assert troubles.sentence(error.value) == troubles.OBJECTS_REFUSE


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RequestTimeTooSkewed", troubles.OBJECTS_REFUSE),
        ("AccessDenied", troubles.OBJECTS_REFUSE),
        ("SlowDown", troubles.OBJECTS_AWAY),
        ("500", troubles.OBJECTS_AWAY),
        ("NoSuchKey", ""),
    ],
)
def test_answers_of_an_object_store_are_told_apart(code: str, words: str) -> None:
    botocore = pytest.importorskip("botocore.exceptions")
    errors = pytest.importorskip("s3fs.errors")
    answer = botocore.ClientError({"Error": {"Code": code, "Message": "as it says"}}, "GetObject")
    assert troubles.sentence(errors.translate_boto_error(answer)) == words


def test_worker_waits_for_an_object_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    botocore = pytest.importorskip("botocore.exceptions")
    tries: list[str] = []
    monkeypatch.setattr(troubles, "PAUSE", 0.01)
    there = Objects("memory://waits")

    class Files:
        def cat_file(self, path: str) -> bytes:
            tries.append(path)
            if len(tries) < 3:
                raise botocore.EndpointConnectionError(endpoint_url="http://there")
            return b"back"

    there._files = Files()
    with pytest.raises(botocore.EndpointConnectionError):
        there.read("any")
    with troubles.patience(30):
        assert there.read("any") == b"back"


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(url: str, **_: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(objects.fsspec, "url_to_fs", absent)
    with pytest.raises(
        ObjectsRefused, match="at s3:, have no client: Install s3fs to access S3. .* make app CLUSTER=1"
    ):
        Objects("s3://key:secret@bucket")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseRefused, match="needs psycopg, which is not installed. .*requirements/cluster.txt"):
        connect_database("postgresql+psycopg://user:password@host/name")
