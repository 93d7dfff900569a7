"""Cached features: a vector for each picture and origin. Losing them costs time only."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from cnn_core.store.tables import features, insert_new
from cnn_core.store.troubles import patient

MOST_PARAMETERS = 500  # of one statement; databases bound them


class Features:
    """The vectors of pictures, by the name of their origin (`keys.extractor`) and the digest of the picture."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @patient
    def read(self, extractor: str, pictures: Iterable[str]) -> dict[str, bytes]:
        """Return the vectors of one origin, by picture digest; missing ones are absent."""
        found: dict[str, bytes] = {}
        digests = list(dict.fromkeys(pictures))
        with self._engine.connect() as connection:
            for start in range(0, len(digests), MOST_PARAMETERS):
                query = sa.select(features.c.picture, features.c.vector).where(
                    (features.c.extractor == extractor)
                    & features.c.picture.in_(digests[start : start + MOST_PARAMETERS])
                )
                found.update((row.picture, row.vector) for row in connection.execute(query))
        return found

    @patient
    def write(self, extractor: str, vectors: Mapping[str, bytes]) -> None:
        """Add vectors; one that is there already (another run was faster) stays: it is the same."""
        rows = [{"extractor": extractor, "picture": digest, "vector": vectors[digest]} for digest in sorted(vectors)]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert_new(self._engine, features), rows)
