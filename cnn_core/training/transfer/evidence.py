"""Why an arm of a run says what it says of a picture: where its evidence is, and what the picture is like.

Every arm ends in a global average and a linear head, so that Grad-CAM's map is the class activation map, over the
number of positions and without what is negative: no gradient is needed, and no Keras where the arm is kept by its head.

Source:
    Selvaraju et al. 2017, arXiv:1610.02391, section 3 and appendix A (Grad-CAM generalises CAM).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from cnn_core.networks import backbones
from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import Network, compiled, extractor_id, features, network_input, trunk
from cnn_core.pictures import sets
from cnn_core.pictures.images import square
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.heads import softmax
from cnn_core.training.lab.labels import Evidence, Neighbour
from cnn_core.training.transfer import answers
from cnn_core.training.transfer.export import kept_head
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import Experiment

NEAREST = 6  # training pictures that are shown


class EvidenceRefused(ValueError):
    """There is no such run or arm, or the picture was not tested by it."""


def evidence(run_id: str, arm: str, picture: str | np.ndarray, *, location: str | None = None) -> Evidence:
    """Return where an arm's evidence is, for its answer and beside it, and the training pictures most alike.

    Args:
        run_id: A run that has trained the arm.
        arm: Of `ARM_TITLES`.
        picture: Digest of one of its test pictures, or the pixels of a new one, uint8 `(H, W, 3)`.
        location: Of the store; by default the one of this process.

    Returns:
        The answer. Maps are of what is said and of the label; of a new picture, whose label nobody knows (it is empty),
        of what is said and of the second likeliest. `nearest` is empty if the pretrained network has not read the run's
        pictures, as in a run of an arm from scratch alone.

    Raises:
        EvidenceRefused: If there is no such arm, or the picture was not tested by it.
        RunNotFound: If there is no such run.
    """
    store = Store(location) if location else Store.default()
    try:
        run = store.get(run_id)
        found = Transfer.from_json(run.result) if run.result else None
        if not found or arm not in found.arms:
            raise EvidenceRefused(f"Run {run_id} has no network {arm!r} to look into (its state is {run.state}).")
        experiment = Experiment.from_json(run.spec)
        record = backbones.backbone(experiment.options.backbone)
        label, digest = "", ""
        if isinstance(picture, str):
            answer = next((each for each in found.arms[arm].answers if each.digest == picture), None)
            if answer is None:
                raise EvidenceRefused(
                    f"The picture {picture[:12]} was not tested in run {run_id}. Choose one that was."
                )
            label, digest = answer.label, picture
            batch = network_input(store, [Item(digest, "", "")], record)
        else:
            batch = square(picture, record.input_size, record.crop_fraction)[None]
        train = sets.split(experiment.items, experiment.options.seed, found.near).train
        nearest = _nearest(store, run, record, digest, batch, train)
    finally:
        store.close()
    body, kernel, bias = _parts(store.location, run_id, arm, record.name)
    maps = body(batch)[0]  # (h, w, channels)
    shares = softmax(maps.mean(axis=(0, 1)) @ kernel + bias)
    positions = maps.shape[0] * maps.shape[1]
    likely = [found.classes[index] for index in np.argsort(-shares, kind="stable")]
    return Evidence(
        label,
        likely[0],
        probabilities={name: float(share) for name, share in zip(found.classes, shares, strict=True)},
        maps={
            name: np.maximum(maps @ kernel[:, found.classes.index(name)], 0).astype(np.float32) / positions
            for name in (likely[0], label or likely[1])
        },
        seen=batch[0],
        nearest=nearest,
    )


@lru_cache(maxsize=3)
def _parts(location: str, run_id: str, arm: str, backbone: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return an arm as a network of feature maps, and kernel `(channels, classes)` and bias of what is above them."""
    store = Store(location)
    try:
        if head := kept_head(store, run_id, arm):
            return trunk(backbones.backbone(backbone)), *head.dense()
        data = store.read(keys.file(run_id, arm))
    finally:
        store.close()
    model = answers.load_model(data)
    import keras

    kernel, bias = model.get_layer("probabilities").get_weights()
    return compiled(keras.Model(model.input, model.get_layer("pool").input)), kernel, bias


def _nearest(
    store: Store, run: Run, record: Backbone, digest: str, batch: np.ndarray, train: Sequence[Item]
) -> tuple[Neighbour, ...]:
    """Return the training pictures that the pretrained network finds most alike, by what is kept of its features."""
    precision = "mixed_float16" if "mixed_float16" in run.environment.get("device", "") else "float32"
    asked = [digest] if digest else []
    known = store.features.read(extractor_id(record, precision), [*asked, *(item.digest for item in train)])
    if any(item.digest not in known for item in train):
        return ()
    if digest in known:
        own = np.frombuffer(known[digest], np.float32)
    elif record.embedded:
        own = features(record)(batch)[0]
    else:
        return ()  # other networks' weights need not be on this machine, and a question should not fetch them
    vectors = np.stack([np.frombuffer(known[item.digest], np.float32) for item in train]).astype(np.float64)
    centre = vectors.mean(axis=0)
    vectors -= centre
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    own = own - centre
    similar = vectors @ (own / max(float(np.linalg.norm(own)), 1e-12))
    return tuple(
        Neighbour(train[i].digest, train[i].name, train[i].label, float(similar[i]))
        for i in np.argsort(-similar, kind="stable")[:NEAREST]
    )
