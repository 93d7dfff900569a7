"""The certificates by which the processes of a cluster know each other: a folder that `CONVSCOPE_TLS` names.

It holds `tls.crt`, `tls.key` and `ca.crt`, under the names that Kubernetes and cert-manager use. All processes may have
the same ones. Whoever has the key may run code on every worker.
"""

import os
from pathlib import Path

from distributed.security import Security

SETTING = "CONVSCOPE_TLS"
CERTIFICATE, KEY, AUTHORITY = FILES = ("tls.crt", "tls.key", "ca.crt")
_ROLES = ("client", "scheduler", "worker")
MAKE = "python -m cnn_core.engine.cluster certificates FOLDER"


class CertificatesRefused(ValueError):
    """A folder in which there are no certificates; the text says what is missing."""


def from_environment() -> Security | None:
    """Return what the folder of the environment holds; None if it names none (then Dask's own settings count).

    Raises:
        CertificatesRefused: If a file is not there.
    """
    named = os.environ.get(SETTING)
    if not named:
        return None
    folder = Path(named)
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise CertificatesRefused(
            f"{SETTING} is {named!r}, where there is no {' and no '.join(missing)}. Expected is a folder with "
            f"{', '.join(FILES)}; make one by: {MAKE}."
        )
    certificate, key = str(folder / CERTIFICATE), str(folder / KEY)
    pairs = {f"tls_{role}_{part}": file for role in _ROLES for part, file in (("cert", certificate), ("key", key))}
    return Security(require_encryption=True, tls_ca_file=str(folder / AUTHORITY), **pairs)


def make(folder: Path) -> None:
    """Write new certificates, good for a year from now; the key is for this user only.

    Args:
        folder: Made if it is not there.

    Raises:
        FileExistsError: If there are some already: the processes that use them would not know the new ones.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp()) / "tls"
        >>> make(place)
        >>> sorted(file.name for file in place.iterdir()), oct((place / "tls.key").stat().st_mode & 0o777)
        (['ca.crt', 'tls.crt', 'tls.key'], '0o600')
    """
    folder.mkdir(parents=True, exist_ok=True)
    if there := [name for name in FILES if (folder / name).exists()]:
        raise FileExistsError(f"{folder} has {there[0]} already. Remove it first, or name another folder.")
    made = Security.temporary()
    texts = {KEY: made.tls_client_key, CERTIFICATE: made.tls_client_cert, AUTHORITY: made.tls_client_cert}
    for name, text in texts.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if name == KEY else 0o644)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
