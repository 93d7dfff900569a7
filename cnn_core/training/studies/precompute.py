"""Write the results that ship, at the default settings: `python -m cnn_core.training.studies.precompute NAME …`."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from cnn_core.engine.here import carry_out
from cnn_core.networks.shipped import LENET
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.studies.causes import EXAMPLES
from cnn_core.training.studies.lenet import ARM
from cnn_core.training.studies.published import FOLDER, Provenance
from cnn_core.training.studies.studies import STUDIES, study_of


def precompute(key: str, folder: Path = FOLDER) -> Path:
    """Run a study at its defaults, or a cause as its example has it, and write the result with its provenance.

    Args:
        key: Of `studies.STUDIES` or `causes.EXAMPLES`.
        folder: Where `<key>.json` goes, and for `lenet` the network.

    Returns:
        The file.

    Raises:
        SpecRefused: If there is no such study.
    """
    kind, options = EXAMPLES[key] if key in EXAMPLES else (key, study_of(key).options())
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        store = Store(place)
        run = carry_out(store, kind, options.to_json(), key)
        if key == "lenet":
            place_of = LENET if folder == FOLDER else folder / LENET.name
            place_of.write_bytes(store.read(keys.file(run.id, ARM)))
        store.close()
    environment = {key: value for key, value in run.environment.items() if key != "platform"}
    provenance = Provenance(
        command=f"python -m cnn_core.training.studies.precompute {key}",
        seed=options.to_json().get("seed", 0),
        date=datetime.now(UTC).date().isoformat(),
        seconds=round(run.result.get("seconds", time.perf_counter() - started), 3),
        device=run.environment["device"],
        versions={name: run.environment[name] for name in ("python", "keras", "tensorflow", "numpy")},
        load=round(os.getloadavg()[2], 1),  # more than the cores: others computed too, and the seconds are too many
    )
    values = {
        "provenance": asdict(provenance),
        "spec": run.spec,
        "environment": environment,
        "result": _rounded(run.result),
    }
    path = folder / f"{key}.json"
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
    for name in names or (*STUDIES, *EXAMPLES):
        path = precompute(name)
        result = json.loads(path.read_text(encoding="utf-8"))["result"]
        lines = study_of(name).result.from_json(result).lines() if name in STUDIES else ()
        sys.stderr.write("\n".join([str(path), *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
