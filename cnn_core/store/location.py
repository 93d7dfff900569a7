"""Where a store lies: what `CONVSCOPE_STORE` says, and where it is without."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import platformdirs

_CHECKOUT = Path(__file__).resolve().parents[2]
CLUSTER = "Get what a store outside of a folder needs: make app CLUSTER=1, or pip install -r requirements/cluster.txt."


def default_location(checkout: Path) -> Path:
    """Return where a store lies of which nothing is said: in a checkout that can be written, else with its user.

    An installed program has no folder of its own to write into, and a container's or a school's may be read-only. Where
    the user's cannot be written either, XDG_DATA_HOME names another.
    """
    folder = checkout / "var"
    if (checkout / "app.py").is_file() and os.access(folder if folder.exists() else checkout, os.W_OK):
        return folder
    return Path(platformdirs.user_data_dir("convscope", False))


DEFAULT_LOCATION = default_location(_CHECKOUT)
_APART = re.compile(r"(\S+?://.*?) ([A-Za-z][\w+.-]*(?:::\S*?)?://.*)")  # a database's file may lie in "my files"
_PLAIN = re.compile(r"(\S+?://\S*) ((?:/|[A-Za-z]:[\\/]).*)")  # the objects in a folder that is no URL


class LocationRefused(ValueError):
    """A location that is half of one; the text tells no more of it than its scheme, since the rest may be a secret."""


def urls(location: str) -> tuple[str, str] | None:
    """Return the URLs of a database and of its object store; None if a location is a folder.

    Raises:
        LocationRefused: If it is one URL alone; taken for a folder its password would be a folder's name, and logged.

    Example:
        >>> urls("postgresql+psycopg://user@host/convscope s3://bucket/convscope")
        ('postgresql+psycopg://user@host/convscope', 's3://bucket/convscope')
        >>> urls("sqlite:////srv/my files/runs.sqlite file:///srv/my files/objects")
        ('sqlite:////srv/my files/runs.sqlite', 'file:///srv/my files/objects')
        >>> urls("a folder's name may have spaces")
    """
    if "://" not in location.partition(" ")[0]:
        return None
    if apart := _APART.fullmatch(location) or _PLAIN.fullmatch(location):
        return apart[1], apart[2]
    raise LocationRefused(
        f"The store received one URL, of {location.partition(':')[0]}, without an object store. Set "
        "CONVSCOPE_STORE to a folder, or to a database's URL and, after a space, that of an object store."
    )


def folder_of(url: str) -> Path | None:
    """Return the folder that an object store's URL means; None if it is elsewhere.

    A URL may say `%20` for a space, as SQLAlchemy reads that of a database. A folder that has such a name itself, made
    by versions that took it as it stands, stays where it is.

    Example:
        >>> print(folder_of("file:///srv/J%C3%BCrgen%20#1"), folder_of("file:///srv/50% off"), folder_of("s3://bucket/x"))
        /srv/Jürgen #1 /srv/50% off None
    """
    scheme, there, path = url.partition("://")
    if not there:
        return Path(url).expanduser()
    if scheme not in ("file", "local"):
        return None
    if os.name == "nt":
        path = path.removeprefix("/")  # file:///C:/srv
    literal = Path(path).expanduser()
    return literal if literal.is_dir() else Path(unquote(path)).expanduser()
