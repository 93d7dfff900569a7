"""The convolution of a browser against NumPy's, in Node: random pictures, kernels and ways to lay one on the other."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic import convolution as ops

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
COMPUTE = f"""
import {{ crossCorrelate, planesOf, prepare }} from '{(ROOT / "cnn_core/browser/convolve.js").as_uri()}';
let text = '';
for await (const part of process.stdin) text += part;
const asked = JSON.parse(text);
const maps = asked.cases.map(({{ planes, size, cells, how, kernel }}) => {{
  const laid = prepare(planes, size, cells, how);
  return [[laid.rows, laid.columns], [...crossCorrelate(laid, kernel)]];
}});
const frame = {{ data: asked.frame, width: 16, height: 12 }};
console.log(JSON.stringify({{ maps, planes: asked.seen.map((channel) => [...planesOf(frame, channel)[0]]) }}));
"""


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    """A picture, a kernel and how it is laid; one that fits."""
    how = {
        "stride": int(rng.integers(1, 5)),
        "padding": str(rng.choice(["valid", "same", "full"])),
        "dilation": int(rng.integers(1, 4)),
        "edge": str(rng.choice(["zero", "reflect"])),
        "flip": bool(rng.integers(2)),
    }
    cells = rng.integers(1, 8, 2)
    size = (cells - 1) * how["dilation"] + 1 + rng.integers(0, 12, 2)
    channels = int(rng.choice([1, 3]))
    kernel = rng.standard_normal((*cells, channels))
    kernel[rng.random(kernel.shape) < 0.2] = 0  # those are left out
    return {"image": rng.standard_normal((*size, channels)), "kernel": kernel, "how": how}


def by_numpy(image: np.ndarray, kernel: np.ndarray, how: dict[str, Any]) -> np.ndarray:
    operation = ops.convolve if how["flip"] else ops.cross_correlate
    made = operation(image, kernel[..., None], how["stride"], how["padding"], how["dilation"], edge=how["edge"])
    return made[..., 0]


@pytest.mark.skipif(NODE is None, reason="Node computes what a browser would; on Debian: apt-get install nodejs")
def test_browser_computes_what_numpy_computes() -> None:
    rng = np.random.default_rng(17)
    cases = [drawn(rng) for _ in range(300)]
    pixels = rng.integers(0, 256, (12, 16, 4))
    asked = {
        "frame": pixels.reshape(-1).tolist(),
        "seen": ["grey", "red", "green", "blue"],
        "cases": [
            {
                "planes": np.moveaxis(case["image"], 2, 0).reshape(case["image"].shape[2], -1).tolist(),
                "size": list(case["image"].shape[:2]),
                "cells": list(case["kernel"].shape[:2]),
                "how": case["how"],
                "kernel": np.moveaxis(case["kernel"], 2, 0).reshape(-1).tolist(),
            }
            for case in cases
        ],
    }
    command = [str(NODE), "--input-type=module", "--eval", COMPUTE]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for case, (shape, numbers) in zip(cases, found["maps"], strict=True):
        wanted = by_numpy(**case)
        assert tuple(shape) == wanted.shape, case["how"]
        assert np.abs(np.reshape(numbers, shape) - wanted).max() < 1e-12, case["how"]
    colours = pixels[..., :3] / 255
    for plane, wanted in zip(found["planes"], [ops.grey(colours), *np.moveaxis(colours, 2, 0)], strict=True):
        assert np.abs(np.reshape(plane, wanted.shape) - wanted).max() < 1e-12
