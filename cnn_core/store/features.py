"""Cached features: a vector for each picture and origin. Losing them costs time only."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import sqlalchemy as sa

from cnn_core.store.tables import features, insert_new
from cnn_core.store.troubles import patient

_MAX_PARAMETERS = 500  # of one statement; databases bound them


class Features:
    """The vectors of pictures, by the name of their origin (`keys.extractor`) and the digest of the picture."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @patient
    def read(self, extractor: str, digests: Iterable[str]) -> dict[str, bytes]:
        """Return the vectors of one origin, by picture digest; missing ones are absent."""
        found: dict[str, bytes] = {}
        query = sa.select(features.c.picture, features.c.vector).where(features.c.extractor == extractor)
        with self._engine.connect() as connection:
            for part in _parts(dict.fromkeys(digests)):
                rows = connection.execute(query.where(features.c.picture.in_(part)))
                found.update((row.picture, row.vector) for row in rows)
        return found

    @patient
    def write(self, extractor: str, vectors: Mapping[str, bytes]) -> None:
        """Add vectors; one that is there already (another run was faster) stays: it is the same."""
        rows = [{"extractor": extractor, "picture": digest, "vector": vectors[digest]} for digest in sorted(vectors)]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert_new(self._engine, features), rows)

    def sizes(self, digests: Collection[str] | None = None) -> dict[str, int]:
        """Return the bytes of all vectors of each picture that has some, or of some pictures."""
        size = sa.func.sum(sa.func.length(features.c.vector))
        query = sa.select(features.c.picture, size).group_by(features.c.picture)
        with self._engine.connect() as connection:
            if digests is None:
                return {row[0]: int(row[1]) for row in connection.execute(query)}
            found: dict[str, int] = {}
            for part in _parts(digests):
                found.update(
                    (row[0], int(row[1])) for row in connection.execute(query.where(features.c.picture.in_(part)))
                )
            return found

    def remove(self, digests: Collection[str]) -> None:
        """Remove all vectors of some pictures."""
        for part in _parts(digests):
            with self._engine.begin() as connection:
                connection.execute(sa.delete(features).where(features.c.picture.in_(part)))


def _parts(digests: Collection[str]) -> Iterator[list[str]]:
    every = list(digests)
    for start in range(0, len(every), _MAX_PARAMETERS):
        yield every[start : start + _MAX_PARAMETERS]
