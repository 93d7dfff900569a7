"""Where a machine keeps what networks make of pictures at a cut (`networks.maps`), and how a picture's are forgotten.

It is a cache of this machine's, for all stores on it, and holds nothing that cannot be computed again; but what was
made of a picture goes with the picture.
"""

from collections.abc import Collection

from cnn_core.store import keys
from cnn_core.store.location import DEFAULT_LOCATION

FOLDER = DEFAULT_LOCATION / "cache" / "maps"


def forget(digests: Collection[str]) -> int:
    """Remove all that this machine keeps of some pictures; return the bytes that are free now."""
    if not FOLDER.is_dir():
        return 0
    freed = 0
    for origin in FOLDER.iterdir():
        for path in (origin / keys.map_file(digest) for digest in digests):
            try:
                size = path.stat().st_size
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                continue
            freed += size
    return freed
