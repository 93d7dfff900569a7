"""Write the results that ship, at the default settings: `python -m cnn_core.training.studies.precompute NAME …`."""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cnn_core.engine.here import carry_out
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.studies.commands import summary
from cnn_core.training.studies.published import FOLDER, SHIPPED_LENET, STUDIES
from cnn_core.training.studies.spec import StudyRefused


def precompute(study: str, folder: Path = FOLDER) -> Path:
    """Run a study at its defaults and write its result with its provenance.

    Args:
        study: A key of `published.STUDIES`.
        folder: Where `<study>.json` goes, and for `lenet` the network.

    Returns:
        The file.

    Raises:
        StudyRefused: If there is no such study.
    """
    if study not in STUDIES:
        raise StudyRefused(f"{study!r} is no study; expected one of {', '.join(STUDIES)}.")
    spec = STUDIES[study]()
    with tempfile.TemporaryDirectory() as place:
        store = Store(place)
        run = carry_out(store, study, spec.to_json(), study)
        if study == "lenet":
            (folder / SHIPPED_LENET.name).write_bytes(store.read(keys.file(run.id, "lenet5")))
        store.close()
    environment = {key: value for key, value in run.environment.items() if key != "platform"}
    provenance = {
        "command": f"python -m cnn_core.training.studies.precompute {study}",
        "seed": spec.seed,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": run.result["seconds"],
        "device": run.environment["device"],
        "versions": {name: run.environment[name] for name in ("python", "keras", "tensorflow", "numpy")},
        "load": round(os.getloadavg()[2], 1),  # more than the cores: others computed too, and the seconds are too many
    }
    values = {"provenance": provenance, "spec": run.spec, "environment": environment, "result": _rounded(run.result)}
    path = folder / f"{study}.json"
    path.write_text(json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    return path


def _rounded(value: object) -> object:
    """Six digits are more than a curve shows, and halve the file."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list) else value


def main(names: Sequence[str]) -> int:
    """Precompute the named studies; return the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in names or STUDIES:
        path = precompute(name)
        lines = summary(name, json.loads(path.read_text(encoding="utf-8"))["result"])
        sys.stderr.write("\n".join([str(path), *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
