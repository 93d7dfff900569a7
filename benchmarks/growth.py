# ruff: noqa: T201
"""How time and memory grow with the pictures: `python -m benchmarks.growth [--sizes N …] [--out FILE] [--svg FILE]`.

For each size that many JPEG files of 256 × 256 are drawn, five classes, no two alike; then, each as a process of its
own: a frozen run from the folder to its test accuracy, the same again (features are kept), and the study of labels.
Printed: processor seconds of the process and what it started, wall seconds, peak memory of the process; and the slope
of each in a log–log plot, by least squares over all sizes: 1 is linear.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIZES = (100, 300, 1000, 3000, 10000)
CLASSES = 5
WAYS = {
    "frozen, first": ("train", "--arms", "frozen", "--out", "result.json"),
    "frozen, again": ("train", "--arms", "frozen", "--out", "result.json"),
    "labels": ("lab", "labels"),
}
COLOURS = ("#3B82F6", "#8A8F98", "#D9730D")
MEASURES = ("processor s", "wall s", "peak MB")

Measured = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="pictures")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it there")
    options = parser.parse_args(arguments)
    found: dict[str, dict[int, Measured]] = {way: {} for way in WAYS}
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder) / "pictures", size)
            for way, command in WAYS.items():
                found[way][size] = measured(Path(folder), command)
                figures = "  ".join(f"{found[way][size][name]:9.1f} {name}" for name in MEASURES)
                print(f"{size:>6} pictures  {way:<14}{figures}", flush=True)
    print("\nSlopes in a log–log plot:")
    slopes = {way: {name: slope(figures, name) for name in MEASURES} for way, figures in found.items()}
    for way, each in slopes.items():
        print(f"{way:<14}" + "  ".join(f"{value:5.2f} {name}" for name, value in each.items()))
    if options.out:
        options.out.write_text(json.dumps({"measured": found, "slopes": slopes}, indent=1) + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(plot(found), encoding="utf-8")
    return 0


def draw(folder: Path, count: int) -> None:
    """Write so many pictures, each a soft pattern in the hues of its class."""
    rng = np.random.default_rng(0)
    hues = rng.uniform(60, 200, (CLASSES, 3))
    for name in range(CLASSES):
        (folder / f"class {name}").mkdir(parents=True)
    for index in range(count):
        label = index % CLASSES
        coarse = (hues[label] + rng.normal(0, 45, (8 + 4 * label, 8 + 4 * label, 3))).clip(0, 255).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
        grain = Image.fromarray(rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(1))
        Image.blend(picture, grain, 0.15).save(folder / f"class {label}" / f"{index}.jpg", quality=85)


def measured(folder: Path, command: Sequence[str]) -> Measured:
    """Run a command on the pictures of a folder, with a store there, as a process of its own."""
    room = Path(__file__).resolve().parents[1]
    environment = os.environ | {"CONVSCOPE_STORE": str(folder / "store"), "PYTHONPATH": str(room)}
    words = [sys.executable, "-m", "cnn_core", *command, str(folder / "pictures")]
    began = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = os.posix_spawn(
            sys.executable,
            [word if word != "result.json" else str(folder / word) for word in words],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)],
        )
        _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed:\n{(folder / 'log').read_text()[-2000:]}")
    wall = time.perf_counter() - began
    return dict(zip(MEASURES, (usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1000), strict=True))


def slope(figures: dict[int, Measured], name: str) -> float:
    """Return the exponent of growth.

    Example:
        >>> round(slope({10: {"wall s": 2.0}, 100: {"wall s": 20.0}, 1000: {"wall s": 200.0}}, "wall s"), 3)
        1.0
    """
    if len(figures) < 2:
        return float("nan")
    return float(np.polyfit(np.log(list(figures)), np.log([figure[name] for figure in figures.values()]), 1)[0])


def plot(found: dict[str, dict[int, Measured]]) -> str:
    """Return processor seconds and peak memory over the pictures, both axes logarithmic, as SVG."""
    panels = [_panel(found, name, 60 + 390 * place) for place, name in enumerate(("processor s", "peak MB"))]
    legend = "".join(
        f'<text x="{70 + 150 * place}" y="22" fill="{colour}">{way}</text>'
        for place, (way, colour) in enumerate(zip(found, COLOURS, strict=True))
    )
    style = 'font-family="sans-serif" font-size="13" fill="#8A8F98"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 340" {style}>{legend}{"".join(panels)}</svg>\n'


def _panel(found: dict[str, dict[int, Measured]], name: str, left: int) -> str:
    width, height, top = 320, 240, 50
    values = np.log10([figure[name] for figures in found.values() for figure in figures.values()])
    sizes = np.log10([size for figures in found.values() for size in figures])
    low, high = np.floor(values.min()), np.ceil(values.max())

    def x(size: float) -> float:
        return float(left + width * (np.log10(size) - sizes.min()) / max(1e-9, sizes.max() - sizes.min()))

    def y(value: float) -> float:
        return float(top + height * (high - np.log10(value)) / (high - low))

    parts = [f'<text x="{left}" y="{top - 8}">{name}</text>']
    for power in range(int(low), int(high) + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{left} {at:.1f}h{width}" stroke="#8A8F9855"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    for size in next(iter(found.values())):
        parts.append(f'<text x="{x(size):.1f}" y="{top + height + 20}" text-anchor="middle">{size:,}</text>')
    for figures, colour in zip(found.values(), COLOURS, strict=True):
        points = [(x(size), y(figure[name])) for size, figure in figures.items()]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points]
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main())
