# ruff: noqa: T201
"""How long each question of the engine takes, as pages ask it: `python -m benchmarks.questions [NAME …]`.

Prints for each call the first one in this process (a network or a graph may be built), and the quickest of three later
ones, about other pictures where there is a picture. Measure alone, on two cores: `engine.jobs.WARM_MILLISECONDS` has
the slowest of each question.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from skimage import data

from cnn_core.engine import jobs
from cnn_core.engine.here import carry_out
from cnn_core.networks.devices import import_keras
from cnn_core.networks.effective_field import BLOCKS, DEPTHS
from cnn_core.networks.embedded import shown_to_shifts
from cnn_core.networks.zoom import excites, held, lite, plan
from cnn_core.pictures import sets
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.lab.augmentation import POLICIES
from cnn_core.training.lab.labels import LabelsOptions, LabelsResult
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import Experiment, Options

LARGE = ("vgg19", "resnet152", "convnext_tiny", "vit_b16")  # the slowest of the zoo, each in its way


@dataclass(frozen=True)
class Each:
    """An argument that is another one at each call."""

    of: Callable[[int], Any]


@dataclass(frozen=True)
class Call:
    """A question as a page asks it: what about, and its arguments."""

    question: str
    about: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)

    def seconds(self, number: int) -> float:
        """Ask it once, as the worker does; `number` chooses the picture."""
        arguments = [each.of(number) if isinstance(each, Each) else each for each in self.arguments]
        function = jobs.question(self.question)
        begin = time.perf_counter()
        function(*arguments, **self.named)
        return time.perf_counter() - begin

    def warm(self, tries: int = 3, enough: float = 0.0) -> float:
        """Ask it again, about other pictures; return the quickest, or the first below `enough`."""
        quickest = float("inf")
        for number in range(1, 1 + tries):
            quickest = min(quickest, self.seconds(number))
            if quickest <= enough:
                break
        return quickest


def picture(number: int) -> np.ndarray:
    """Return a picture, another for each number."""
    return np.ascontiguousarray(np.roll(data.chelsea(), 20 * number, axis=1))


def looked_at(number: int) -> np.ndarray:
    """Return what the embedded network looks at in a picture; nothing that was computed before helps."""
    held.forget()
    return plan.seen(lite.plan(), picture(number))


PICTURE = Each(picture)
SEEN = Each(looked_at)
# The widest layer of each kind, a block's end, and the answer.
NODES = ("stem_relu6", "block2a_expand_relu6", "block2a_depthwise_relu6", "block2a_out", "top_out", "probabilities")


@cache
def studied(location: str) -> tuple[str, str]:
    """Return an experiment and a study of labels, each small, carried out once in this process."""
    store = Store(location)
    try:
        items = tuple(sets.read_sample(store, "textures"))
        experiment = Experiment(items[::8], Options(epochs=1), "textures")
        labels = LabSpec(items[::4], LabelsOptions(folds=3, repeats=1), "textures")
        return (
            carry_out(store, "transfer", experiment.to_json(), "textures").id,
            carry_out(store, "lab", labels.to_json(), "textures").id,
        )
    finally:
        store.close()


def calls(location: str, networks: Sequence[str] = LARGE) -> Iterator[Call]:
    """Yield each question of `jobs.QUESTIONS` at least once; what belongs to a run is in the store at this location."""
    from cnn_core.networks.loaded import loaded

    yield Call("classify", "", (PICTURE,))
    yield Call("class_activation", "", (PICTURE,))
    yield Call("shift_agreement", "", (PICTURE,))
    yield Call("answer_at", "", (Each(lambda n: shown_to_shifts(picture(n))), 3, -2))
    yield Call("first_layer", "", ())
    yield from zoomed()
    yield Call("convolve", "3 × 3 on grey", (Each(lambda n: picture(n)[..., 0]), np.ones((3, 3))))
    yield Call("read_digit", "", ("", np.eye(40)))
    for block in (BLOCKS[0], BLOCKS[-1]):
        yield Call("effective_field", block, (PICTURE, f"{block}_out"))
    for size, depths in DEPTHS.items():
        yield Call("field_growth", f"{size} × {size}", (size, depths))
    for shapes in ((14, 512, 512, 3, 32), (7, 2048, 2048, 3, 32), (224, 64, 64, 3, 1)):
        yield Call("layer_times", str(shapes), shapes)
    for name in ("ResNet50", "InceptionResNetV2"):
        yield Call("read_architecture", name, (text_of(name),))
    for key in ("efficientnet_lite0", *networks):
        yield Call("architecture_graph", key, (key,))
        yield Call("first_kernels", key, (key,))
        last = loaded(key).network.layers[-1]
        place = (last.shape[0] // 2, last.shape[1] // 2, 0)
        yield Call("unit", f"{key}, {last.name}", (key, PICTURE, last.name, *place))
        if loaded(key).network.last_feature_map:
            yield Call("grad_cam", key, (key, PICTURE))
    yield from searched(location)
    store = Store(location)
    try:
        experiment, labels = studied(location)
        points = LabelsResult.from_json(store.get(labels).result).map or ()
        digests = [point.digest for point in points]
        tested = [a.digest for a in Transfer.from_json(store.get(experiment).result).arms["fine_tuned"].answers]
    finally:
        store.close()
    there = {"location": location}
    yield Call("predict", "two arms", (experiment, PICTURE), there)
    for arm in ("frozen", "fine_tuned"):
        yield Call("evidence", arm, (experiment, arm, Each(lambda n: tested[n % len(tested)])), there)
    yield Call("write_network", "frozen", (Each(lambda n: without_network(location, experiment)), "frozen"), there)
    yield Call("lab_evidence", f"{len(digests)} pictures", (labels, Each(lambda n: digests[7 * n])), there)
    for policy in POLICIES:
        yield Call("augmented_sheet", policy, (digests[:6], policy, 4, Each(lambda n: n)), there)


def zoomed(key: str = "efficientnet_lite0") -> Iterator[Call]:
    """Yield the questions of a walk into a network, each about a picture that is new to it."""
    yield Call("zoom_plan", key, (key,))
    yield Call("zoom_strip", key, (key, SEEN))
    for node in NODES:
        yield Call("zoom_maps", node, (key, SEEN, node))
        yield Call("zoom_map", node, (key, SEEN, node, 1))
        yield Call("zoom_cell", node, (key, SEEN, node, 1, 0, 0))


def searched(location: str, key: str = "efficientnet_lite0") -> Iterator[Call]:
    """Yield the search for what excites a channel: pictures of which each call meets as many new ones as it takes."""
    store = Store(location)
    try:
        digests = [item.digest for item in sets.read_sample(store, "textures")]
    finally:
        store.close()
    for node in ("block3b_out", "block2a_depthwise_relu6"):
        few = Each(lambda n: digests[excites.AT_ONCE * n : excites.AT_ONCE * (n + 1)])
        yield Call("zoom_peaks", node, (key, node, 1, few), {"location": location})


def without_network(location: str, run_id: str) -> str:
    """Remove the file of a run's frozen network, so that it is wanted for the first time; return the run."""
    store = Store(location)
    store.remove(keys.file(run_id, "frozen"))
    store.close()
    return run_id


def text_of(name: str) -> str:
    """Return an architecture of keras.applications as a reader would give it."""
    import keras  # noqa: TID251  # a reader's own program, so to say

    text: str = getattr(keras.applications, name)(weights=None).to_json()
    return text


def main(names: Sequence[str]) -> int:
    """Measure the questions of these names, or all of them; return the exit code."""
    if unknown := sorted(set(names) - set(jobs.QUESTIONS)):
        print(f"There is no question {unknown[0]!r}; choose of {', '.join(jobs.QUESTIONS)}.", file=sys.stderr)
        return 2
    import_keras()
    gc.collect()
    gc.freeze()  # as workers do
    with tempfile.TemporaryDirectory() as location:
        for call in calls(location):
            if names and call.question not in names:
                continue
            first, warm = call.seconds(0), call.warm()
            slow = "" if warm <= jobs.QUICK else f"  above {jobs.QUICK:g} s"
            words = f"{call.question:<20}{call.about:<44}"
            print(f"{words}first {first:6.2f} s   warm {1000 * warm:5.0f} ms{slow}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
