"""Where a store lies: what `CONVSCOPE_STORE` says, and where it is without."""

from pathlib import Path

import platformdirs

_CHECKOUT = Path(__file__).resolve().parents[2]
# An installed program has no folder of its own to write into.
DEFAULT_LOCATION = (
    _CHECKOUT / "var" if (_CHECKOUT / "app.py").is_file() else Path(platformdirs.user_data_dir("convscope", False))
)
CLUSTER = "Get what a store outside of a folder needs: make app CLUSTER=1, or pip install -r requirements/cluster.txt."


class LocationRefused(ValueError):
    """A location that is half of one; the text tells no more of it than its scheme, since the rest may be a secret."""


def urls(location: str) -> tuple[str, str] | None:
    """Return the URLs of a database and of its object store; None if a location is a folder.

    Raises:
        LocationRefused: If it is one URL alone; taken for a folder its password would be a folder's name, and logged.

    Example:
        >>> urls("postgresql+psycopg://user@host/convscope s3://bucket/convscope")
        ('postgresql+psycopg://user@host/convscope', 's3://bucket/convscope')
        >>> urls("a folder's name may have spaces")
    """
    database, _, objects = location.partition(" ")
    if "://" not in database:
        return None
    if not objects:
        raise LocationRefused(
            f"The store received one URL, of {database.partition(':')[0]}, without an object store. Set "
            "CONVSCOPE_STORE to a folder, or to a database's URL and, after a space, that of an object store."
        )
    return database, objects
