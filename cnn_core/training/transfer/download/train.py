"""Train the network of this download again, in plain Keras, from its pictures and settings.

    pip install -r requirements.txt
    python train.py          # writes again.keras and tells how many test pictures it gets right

To be read from top to bottom. The split, the options and the seed are those of the run. The app saves time where the
result is the same: it keeps features from run to run, and runs blocks that do not change only once.

    frozen        the pretrained network as it is, and a linear layer fitted to its features
    fine_tuned    the same, and then the topmost blocks trained on at a low learning rate
    scratch       the same architecture, every weight random, every weight trained

Source:
    Yosinski et al. 2014, arXiv:1411.1792 (frozen against fine-tuned); Keras guide "Transfer learning and fine-tuning".
"""

import json
import os
import sys
from typing import Any

from predict import ARM, HERE, SIZE, Trouble, kept_picture, labels, load
from quiet import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    with quiet(ModuleNotFoundError):
        import keras
        import numpy as np
        from keras import layers
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import log_loss
        from sklearn.preprocessing import StandardScaler
except ModuleNotFoundError as missing:
    print(f"train.py: {missing.name} is not there. Install it: pip install -r requirements.txt.", file=sys.stderr)
    sys.exit(2)

# What this download is about.
BACKBONE = "frozen.keras"  # a file beside this script, or the name of a network in keras.applications
PREPROCESSING = "inside"  # of a network in keras.applications: inside (it does its own), tf or caffe
FIRST_TRAINED = "block5c_expand_conv"  # first layer of the lowest block that fine-tuning trains
DECAYS = (10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)  # weight decays to choose among

Parts = dict[str, tuple[np.ndarray, np.ndarray]]  # of the split: pictures or features, and labels


# The pictures -------------------------------------------------------------------------------------------------------


def read_settings() -> dict[str, Any]:
    """Return what the run was asked: options, pictures with their labels, and the split."""
    try:
        settings: dict[str, Any] = json.loads((HERE / "settings" / "experiment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(f"settings/experiment.json cannot be read ({error}). Unpack the whole download.") from None
    return settings


def read_pictures(settings: dict[str, Any]) -> Parts:
    """Return pictures, uint8 `(N, SIZE, SIZE, 3)`, and labels `(N,)` of train, validation and test."""
    names = labels()
    index_of = {digest: names.index(label) for digest, label, *_ in settings["items"]}
    return {
        part: (
            np.stack([load(kept_picture(digest)) for digest in digests]).astype(np.uint8),
            np.array([index_of[digest] for digest in digests], np.int32),
        )
        for part, digests in settings["split"].items()
    }


# The network --------------------------------------------------------------------------------------------------------


def backbone() -> keras.Model:
    """Return the network without its head, as the run began with it: RGB 0 to 255 in, feature maps out."""
    if BACKBONE.endswith(".keras"):
        if not (HERE / BACKBONE).is_file():
            raise Trouble(f"{BACKBONE} is not in this download. Get it again, or train anew in the app.")
        whole = keras.saving.load_model(HERE / BACKBONE)
        return keras.Model(whole.input, whole.get_layer("pool").input, name=whole.name)
    image = x = keras.Input((SIZE, SIZE, 3), name="image")
    if PREPROCESSING == "tf":
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocess")(image)
    elif PREPROCESSING == "caffe":  # BGR minus the mean of ImageNet
        bgr = keras.ops.flip(image, axis=-1)
        x = layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68], name="preprocess")(bgr)
    application = getattr(keras.applications, BACKBONE)
    trunk = application(input_tensor=x, input_shape=(SIZE, SIZE, 3), include_top=False, weights="imagenet")
    return keras.Model(image, trunk.output, name=trunk.name)


def joined(base: keras.Model) -> keras.Model:
    """Return the whole network, its last layer at random: picture in, probabilities out."""
    x = layers.GlobalAveragePooling2D(name="pool")(base.output)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(len(labels()), activation="softmax", name="probabilities")(x)
    return keras.Model(base.input, x, name=base.name)


def augmented(model: keras.Model, seed: int) -> keras.Model:
    """Return the network with layers before it that mirror, shift and zoom each picture a little while training."""
    x = layers.RandomFlip("horizontal", seed=seed)(model.input)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed + 1)(x)
    x = layers.RandomZoom(0.15, fill_mode="reflect", seed=seed + 2)(x)
    return keras.Model(model.input, model(x))


# The training -------------------------------------------------------------------------------------------------------


def class_weights(data: Parts, options: dict[str, Any]) -> np.ndarray:
    """Return the weight of each class, `(classes,)`: 1, or N / (K n) if the run let every class count the same."""
    counts = np.bincount(data["train"][1])
    return counts.sum() / (len(counts) * counts) if options.get("class_weights") else np.ones(len(counts))


def fit(model: keras.Model, data: Parts, options: dict[str, Any], learning_rate: float, start_counts: bool) -> None:
    """Train with Adam, and end with the weights of the best epoch.

    Best is the highest validation accuracy, the lower loss among equals. `start_counts` makes the weights that it
    begins with a candidate too.
    """
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    inputs, truth = data["train"]
    order, size = np.random.default_rng(options["seed"]), options["batch_size"]
    weights_of = class_weights(data, options)

    def validated() -> tuple[float, float]:
        pictures, right = data["validation"]
        said, weights = model.predict(pictures, batch_size=size, verbose=0), weights_of[right]
        losses = -np.log(np.maximum(said[np.arange(len(right)), right], 1e-7))
        accuracy = np.average(said.argmax(axis=1) == right, weights=weights)
        return float(accuracy), -float(np.average(losses, weights=weights))

    best, weights = validated() if start_counts else (-1.0, 0.0), model.get_weights()
    for epoch in range(options["epochs"]):
        shuffled = order.permutation(len(truth))
        weighted = {"class_weight": dict(enumerate(weights_of))} if options.get("class_weights") else {}
        how = {"batch_size": size, "shuffle": False, "verbose": 0} | weighted
        logs = model.fit(inputs[shuffled], truth[shuffled], **how).history
        score = validated()
        print(f"epoch {epoch + 1}: loss {logs['loss'][0]:.4f}, validated {-score[1]:.4f}, right {score[0]:.3f}")
        if score > best:
            best, weights = score, model.get_weights()
    model.set_weights(weights)


def fit_head(base: keras.Model, data: Parts, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of the linear layer that suits the fixed features of the pretrained network.

    A logistic regression on standardised features, its loss the mean cross-entropy plus half the weight decay times the
    squared kernel: solved to its end for each of DECAYS; the one with the least loss on the validation pictures counts.
    With class weights both losses are weighted.
    """
    extractor = keras.Model(base.input, layers.GlobalAveragePooling2D()(base.output))
    seen = {part: extractor.predict(data[part][0], verbose=0).astype(float) for part in ("train", "validation")}
    truth, unseen = data["train"][1], data["validation"][1]
    scaler = StandardScaler().fit(seen["train"])
    inputs, others = scaler.transform(seen["train"]), scaler.transform(seen["validation"])
    weighing = "balanced" if options.get("class_weights") else None  # N / (K n)
    weights = class_weights(data, options)[unseen]
    pair = len(labels()) == 2  # scikit-learn fits one column then, whose square is half that of two
    best, chosen = float("inf"), None
    for decay in DECAYS:
        strength = (2 if pair else 1) / (decay * len(truth))
        model = LogisticRegression(C=strength, class_weight=weighing, tol=1e-8, max_iter=20_000).fit(inputs, truth)
        loss = log_loss(unseen, model.predict_proba(others), sample_weight=weights, labels=range(len(labels())))
        print(f"weight decay {decay:g}: validated {loss:.4f}")
        if loss < best:
            best, chosen = loss, model
    assert chosen is not None
    kernel, bias = chosen.coef_.T / scaler.scale_[:, None], chosen.intercept_
    bias = bias - scaler.mean_ @ kernel
    return (np.hstack([-kernel, kernel]) / 2, np.array([-bias[0], bias[0]]) / 2) if pair else (kernel, bias)


def fine_tune(model: keras.Model, base: keras.Model, data: Parts, options: dict[str, Any]) -> None:
    """Train the topmost blocks on, from a network whose head is fitted.

    With augmentation every epoch draws new copies of the pictures; the run took four, which it kept, in turn.
    """
    keras.utils.set_random_seed(options["seed"])
    boundary = base.get_layer(FIRST_TRAINED).input
    upper = {layer.name for layer in keras.Model(boundary, base.output).layers}
    base.trainable = True
    for layer in base.layers:  # BatchNorm is frozen layer by layer: nothing else keeps its statistics
        layer.trainable = layer.name in upper and not isinstance(layer, layers.BatchNormalization)
    trained = augmented(model, options["seed"]) if options["augment"] else model
    fit(trained, data, options, options["fine_tune_learning_rate"], start_counts=True)


def train_scratch(base: keras.Model, data: Parts, options: dict[str, Any]) -> keras.Model:
    """Train a network of the same architecture from random weights."""
    keras.utils.set_random_seed(options["seed"])
    base = keras.models.clone_model(base)  # new weights
    for layer in base.layers:
        layer.trainable = True
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9  # at 0.99 a few hundred steps leave the statistics near their start
    keras.utils.set_random_seed(options["seed"])
    model = joined(base)
    trained = augmented(model, options["seed"]) if options["augment"] else model
    fit(trained, data, options, options["head_learning_rate"], start_counts=False)
    return model


def train() -> tuple[keras.Model, int, int]:
    """Train the arm of this download; return its network, how many test pictures it gets right, and of how many."""
    settings = read_settings()
    data, options, base = read_pictures(settings), settings["options"], backbone()
    if ARM == "scratch":
        model = train_scratch(base, data, options)
    else:
        base.trainable = False
        model = joined(base)
        model.get_layer("probabilities").set_weights(fit_head(base, data, options))
        if ARM == "fine_tuned":
            fine_tune(model, base, data, options)
    pictures, truth = data["test"]
    correct = int((model.predict(pictures, verbose=0).argmax(axis=1) == truth).sum())
    return model, correct, len(truth)


def main() -> int:
    """Train, tell what came out, keep the network; return the exit code."""
    try:
        model, correct, total = train()
    except Trouble as trouble:
        print(f"train.py: {trouble}", file=sys.stderr)
        return 2
    model.save(HERE / "again.keras", include_optimizer=False)
    recorded = read_settings()["accuracy"][ARM]
    print(f"{correct} of {total} right ({correct / total:.3f}); the run: {recorded:.3f}. Kept as again.keras.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
