# ruff: noqa: T201
"""How long a frame of the camera takes through kernels, in Node: `python -m benchmarks.kernel`.

V8 runs the script in Node as in Chromium; drawing is not in it. Prints the median and the slowest tenth of 60 frames of
320 × 240 pixels.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.feel import machine
from cnn_core.arithmetic.kernels import PRESETS
from cnn_core.networks.first_layer import first_layer

FRAMES, WARM = 60, 10


def cases() -> dict[str, dict[str, Any]]:
    """Return what is measured, by its name."""
    seven, layer = np.random.default_rng(0).standard_normal((7, 7)), first_layer()
    grey = {"channel": "grey", "relu": False}
    return {
        "Sobel x, 3 × 3": grey
        | {"cells": [3, 3], "how": {}, "kernels": [PRESETS["sobel_x"].kernel().ravel().tolist()]},
        "7 × 7, dilation 3, mirrored border": grey
        | {
            "cells": [7, 7],
            "how": {"padding": "same", "dilation": 3, "edge": "reflect"},
            "kernels": [seven.ravel().tolist()],
        },
        "first layer, 32 × 3 × 3 × 3": {
            "channel": "colours",
            "relu": True,
            "cells": [3, 3],
            "how": {"stride": layer.stride, "padding": "same"},
            "kernels": np.transpose(layer.kernel, (3, 2, 0, 1)).reshape(32, -1).tolist(),
        },
    }


def measured() -> dict[str, list[float]]:
    """Return the milliseconds of each frame.

    Raises:
        FileNotFoundError: If there is no Node.
        subprocess.CalledProcessError: If the script fails.
    """
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("Node is not installed, and this measures a script. On Debian: apt-get install nodejs")
    asked = json.dumps({"cases": list(cases().values()), "frames": FRAMES + WARM})
    command = [node, str(Path(__file__).with_suffix(".js"))]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    return {name: times[WARM:] for name, times in zip(cases(), json.loads(done.stdout), strict=True)}


def main() -> int:
    """Print the table."""
    print(machine())
    print("| kernels | ms a frame | slowest tenth | frames a second |\n|---|---|---|---|")
    for name, times in measured().items():
        median, slow = np.median(times), np.percentile(times, 90)
        print(f"| {name} | {median:.1f} | {slow:.1f} | {1000 / median:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
