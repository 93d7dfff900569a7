"""Multiply-adds against loops in NumPy that give what Keras gives and count each multiplication of a sum."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.networks.layer_costs import einsum_sizes
from cnn_core.networks.summary import LayerRow, layer_table

T, S, D, U = 4, 3, 5, 2  # steps, steps of another sequence, numbers at each, units


class Loops:
    """Products by loops; `count` is how many multiplications were summed up."""

    def __init__(self) -> None:
        self.count = 0

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Of two matrices, or of a vector and a matrix."""
        rows = np.atleast_2d(a)
        result = np.zeros((len(rows), b.shape[1]))
        for i, j, k in itertools.product(range(len(rows)), range(b.shape[1]), range(b.shape[0])):
            result[i, j] += rows[i, k] * b[k, j]
            self.count += 1
        return result[0] if a.ndim == 1 else result

    def convolve(self, image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Without padding, stride 1."""
        size = kernel.shape[0]
        result = np.zeros((image.shape[0] - size + 1, image.shape[1] - size + 1, kernel.shape[3]))
        for y, x, f in np.ndindex(*result.shape):
            for dy, dx, c in np.ndindex(*kernel.shape[:3]):
                result[y, x, f] += image[y + dy, x + dx, c] * kernel[dy, dx, c, f]
                self.count += 1
        return result


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    shares = np.exp(x - x.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def checked(layer: Any, inputs: list[np.ndarray], loops: Any, call: Any = None) -> LayerRow:
    """The row of a layer; the loops must give what it gives and count as many."""
    given = [keras.Input(each.shape) for each in inputs]
    model = keras.Model(given, call(layer, *given) if call else layer(*given))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    counter = Loops()
    expected = loops(counter, layer, *inputs)
    answer = np.asarray(model([each[None] for each in inputs]))[0]
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)
    row = next(row for row in layer_table(model) if row.name == layer.name)
    assert row.macs == counter.count and "multiply-adds" not in row.reason
    return row


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype("float32")


# Attention -----------------------------------------------------------------------------------------------------------


def of_heads(loops: Loops, query: Any, key: Any, value: Any, layer: Any, shared: int = 1) -> np.ndarray:
    """Projected, compared and put together again; `shared` heads of queries read one head of keys."""

    def kernel(part: Any) -> np.ndarray:
        return np.asarray(part.kernel)

    def projected(x: np.ndarray, part: Any) -> np.ndarray:
        weights = kernel(part)
        return loops.product(x, weights.reshape(len(weights), -1)).reshape(len(x), *weights.shape[1:]) + part.bias

    q, k, v = (
        projected(x, part)
        for x, part in ((query, layer._query_dense), (key, layer._key_dense), (value, layer._value_dense))
    )
    given = []
    for head in range(q.shape[1]):
        weights = softmax(loops.product(q[:, head], k[:, head // shared].T) / np.sqrt(q.shape[2]))
        given.append(loops.product(weights, v[:, head // shared]))
    out = kernel(layer._output_dense)
    flat = np.stack(given, axis=1).reshape(len(query), -1)
    return loops.product(flat, out.reshape(-1, out.shape[-1])) + np.asarray(layer._output_dense.bias)


def test_attention_of_many_heads() -> None:
    layer = layers.MultiHeadAttention(2, 3, value_dim=4)
    row = checked(layer, [numbers(T, D), numbers(S, 6)], lambda c, la, q, v: of_heads(c, q, v, v, la))
    assert row.products == T * S * 2 * (3 + 4)
    layer = layers.MultiHeadAttention(2, 3)
    inputs = [numbers(T, D), numbers(S, 6), numbers(S, 7)]
    checked(layer, inputs, lambda c, la, q, v, k: of_heads(c, q, k, v, la))


def test_names_of_arguments_do_not_change_the_count() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    by_name = {"call": lambda la, q, v, k: la(value=v, key=k, query=q)}
    inputs = [numbers(T, D), numbers(S, 6), numbers(S, 7)]
    checked(layer, inputs, lambda c, la, q, v, k: of_heads(c, q, k, v, la), **by_name)


def test_attention_along_one_axis_of_two() -> None:
    def loops(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        return np.stack([of_heads(counter, row, row, row, layer) for row in x])

    layer = layers.MultiHeadAttention(2, 3, attention_axes=2)
    checked(layer, [numbers(3, T, D)], loops, call=lambda la, x: la(x, x))

    def of_all(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1])
        return of_heads(counter, flat, flat, flat, layer).reshape(x.shape)

    checked(layers.MultiHeadAttention(2, 3), [numbers(3, T, D)], of_all, call=lambda la, x: la(x, x))


def test_heads_that_share_keys() -> None:
    layer = layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)
    row = checked(layer, [numbers(T, D), numbers(S, D)], lambda c, la, q, v: of_heads(c, q, v, v, la, shared=2))
    assert row.products == T * S * 4 * 3 * 2


@pytest.mark.parametrize("kind", ["dot", "concat", "additive", "additive without scale"])
def test_attention_without_projections(kind: str) -> None:
    def loops(counter: Loops, layer: Any, query: Any, value: Any, key: Any) -> np.ndarray:
        if kind == "dot":
            scores = counter.product(query, key.T)
        else:
            summed = np.tanh(query[:, None] + key[None])
            if kind == "additive":
                weighed = counter.product(summed.reshape(-1, D), np.asarray(layer.scale)[:, None])
                scores = weighed.reshape(T, S)
            else:
                scores = summed.sum(axis=-1) * (np.asarray(layer.concat_score_weight) if kind == "concat" else 1)
        return counter.product(softmax(scores), value)

    layer = (
        layers.AdditiveAttention(use_scale=kind == "additive")
        if kind.startswith("additive")
        else layers.Attention(score_mode=kind)
    )
    inputs = [numbers(T, D), numbers(S, 6), numbers(S, D)]
    checked(layer, inputs, loops, call=lambda la, *given: la(list(given)))


# Layers with an equation, a table, or a time -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "output"),
    [("abc,cd->abd", (None, 6)), ("...x,xy->...y", 6), ("abc,cde->abde", (None, 2, 3)), ("abc,bcd->ad", 6)],
)
def test_einsum_dense(equation: str, output: Any) -> None:
    def loops(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        kernel = np.asarray(layer.kernel)
        if equation.startswith("abc,b"):
            return counter.product(x.reshape(-1), kernel.reshape(-1, kernel.shape[-1]))
        return counter.product(x, kernel.reshape(len(kernel), -1)).reshape(len(x), *kernel.shape[1:])

    row = checked(layers.EinsumDense(equation, output_shape=output), [numbers(T, D)], loops)
    assert None not in row.output_shape


def test_einsum_sizes_of_an_axis_that_is_spread() -> None:
    assert einsum_sizes("a...b,...b->a...", [(None, 1, 7, 3), (5, 7, 3)])[2] == {"a": None, "A": 5, "B": 7, "b": 3}


def test_embedding_is_looked_up_and_not_multiplied() -> None:
    words = keras.Input((T,), dtype="int32")
    table = layers.ReversibleEmbedding(9, D)
    model = keras.Model(words, table(table(layers.Embedding(9, D)(words)[:, :, 0]), reverse=True))
    macs = [row.macs for row in layer_table(model) if "Embedding" in row.kind]
    assert macs == [0, 0, T * D * 9]


def gated(loops: Loops, cell: Any, x: np.ndarray) -> np.ndarray:
    """One pass of an LSTM, a GRU or a simple cell; its state at each step."""
    kernel, recurrent, bias = (np.asarray(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
    h = c = np.zeros(recurrent.shape[0])
    kept = []
    for step in x:
        a, b = loops.product(step, kernel), loops.product(h, recurrent)
        if isinstance(cell, layers.LSTMCell):
            i, f, g, o = np.split(a + b + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        elif isinstance(cell, layers.GRUCell):
            (az, ar, ah), (bz, br, bh) = np.split(a + bias[0], 3), np.split(b + bias[1], 3)
            z = sigmoid(az + bz)
            h = z * h + (1 - z) * np.tanh(ah + sigmoid(ar + br) * bh)
        else:
            h = np.tanh(a + b + bias)
        kept.append(h)
    return np.array(kept)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_recurrent_layers(kind: Any) -> None:
    checked(kind(U), [numbers(T, D)], lambda c, la, x: gated(c, la.cell, x)[-1])

    def both(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        forward = gated(counter, layer.forward_layer.cell, x)
        backward = gated(counter, layer.backward_layer.cell, x[::-1])[::-1]
        return np.concatenate([forward, backward], axis=-1)

    checked(layers.Bidirectional(kind(U, return_sequences=True)), [numbers(T, D)], both)


def test_stacked_cells() -> None:
    def loops(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        for cell in layer.cell.cells:
            x = gated(counter, cell, x)
        return x[-1]

    checked(layers.RNN([layers.LSTMCell(U), layers.GRUCell(3)]), [numbers(T, D)], loops)


def test_convolutional_lstm() -> None:
    def loops(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        cell = layer.cell
        kernel, recurrent, bias = (np.asarray(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
        h = c = np.zeros((4, 3, U))
        for image in x:
            padded = np.pad(h, ((1, 1), (1, 1), (0, 0)))  # zeros too are multiplied, as in a `same` convolution
            gates = counter.convolve(image, kernel) + counter.convolve(padded, recurrent) + bias
            i, f, g, o = np.split(gates, 4, axis=-1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        return h

    layer = layers.ConvLSTM2D(U, 3, recurrent_activation="sigmoid")
    checked(layer, [numbers(2, 6, 5, 3)], loops)


def test_time_distributed_layers_and_models() -> None:
    def dense(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        return counter.product(x, np.asarray(layer.layer.kernel)) + np.asarray(layer.layer.bias)

    checked(layers.TimeDistributed(layers.Dense(U)), [numbers(T, D)], dense)

    def convolution(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        images = [counter.convolve(image, np.asarray(layer.layer.kernel)) for image in x]
        return np.array(images) + np.asarray(layer.layer.bias)

    checked(layers.TimeDistributed(layers.Conv2D(U, 3)), [numbers(2, 5, 6, 3)], convolution)
    inner = keras.Sequential([keras.Input((5, 6, 3)), layers.Conv2D(U, 3), layers.Flatten(), layers.Dense(4)])

    def model(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        first, last = (each for each in layer.layer.layers if each.weights)
        maps = [counter.convolve(image, np.asarray(first.kernel)) + np.asarray(first.bias) for image in x]
        return np.array([counter.product(m.reshape(-1), np.asarray(last.kernel)) for m in maps]) + last.bias.numpy()

    checked(layers.TimeDistributed(inner), [numbers(2, 5, 6, 3)], model)


def test_normalised_weights_cost_what_the_layer_costs() -> None:
    def loops(counter: Loops, layer: Any, x: np.ndarray) -> np.ndarray:
        return counter.convolve(x, np.asarray(layer.layer.kernel)) + np.asarray(layer.layer.bias)

    checked(layers.SpectralNormalization(layers.Conv2D(U, 3)), [numbers(5, 6, 3)], loops)


# Products without a layer of weights ---------------------------------------------------------------------------------


def product(counter: Loops, _layer: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return counter.product(a, b.T)


@pytest.mark.parametrize(
    "layer", [layers.Dot(axes=2), layers.Dot(axes=(2, 2)), layers.Dot(axes=-1)], ids=lambda layer: str(layer.axes)
)
def test_dot(layer: Any) -> None:
    row = checked(layer, [numbers(T, D), numbers(S, D)], product, call=lambda la, *given: la(list(given)))
    assert row.products == row.macs


@pytest.mark.parametrize("how", ["matmul", "einsum", "einsum of two", "dot_product_attention"])
def test_operators(how: str) -> None:
    a, b = keras.Input((T, D)), keras.Input((S, D))
    table = np.ones((D, 7), "float32")
    results = {
        "matmul": lambda: (a @ keras.ops.transpose(b, (0, 2, 1)), T * D * S, T * D * S),
        "einsum": lambda: (keras.ops.einsum("bij,jk->bik", a, table), T * D * 7, 0),
        "einsum of two": lambda: (keras.ops.einsum("bij,bkj->bik", a, b), T * D * S, T * D * S),
        "dot_product_attention": lambda: (
            keras.ops.dot_product_attention(a[:, :, None], b[:, :, None], b[:, :, None]),
            2 * T * S * D,
            2 * T * S * D,
        ),
    }
    result, macs, products = results[how]()
    rows = layer_table(keras.Model([a, b], [result, b]))
    assert all(row.macs is not None for row in rows)
    assert (sum(row.macs or 0 for row in rows), sum(row.products for row in rows)) == (macs, products)


def test_what_is_not_known_says_why() -> None:
    steps = keras.Input((None, D))
    rows = layer_table(keras.Model(steps, layers.LSTM(U)(steps)))
    assert rows[-1].macs is None and "Unknown input size: the multiply-adds depend on it." in rows[-1].reason

    class Cell(layers.LSTMCell):
        def call(self, *args: Any, **kwargs: Any) -> Any:
            return super().call(*args, **kwargs)

    image = keras.Input((T, D))
    for layer, name in ((layers.RNN(Cell(U)), "RNN"), (layers.Lambda(lambda x: x), "Lambda")):
        row = layer_table(keras.Model(image, layer(image)))[-1]
        assert row.macs is None and row.reason.endswith(f"The multiply-adds of {name} are not counted.")


def test_layers_with_weights_have_a_count() -> None:
    """Without one they would be missing from totals."""
    words, image, video = (keras.Input(shape) for shape in ((6, 4), (8, 8, 4), (2, 8, 8, 4)))
    made = {
        layers.Dense: (words, 3),
        layers.EinsumDense: (words, "abc,cd->abd", (None, 3)),
        layers.Embedding: (keras.Input((6,)), 9, 3),
        layers.ReversibleEmbedding: (keras.Input((6,)), 9, 3),
        layers.LSTM: (words, 2),
        layers.GRU: (words, 2),
        layers.SimpleRNN: (words, 2),
        layers.RMSNormalization: (image,),
        layers.LayerNormalization: (image,),
        layers.GroupNormalization: (image, 2),
        layers.BatchNormalization: (image,),
        layers.PReLU: (image,),
        layers.ConvLSTM1D: (keras.Input((2, 8, 4)), 2, 3),
        layers.ConvLSTM2D: (video, 2, 3),
        layers.ConvLSTM3D: (keras.Input((2, 8, 8, 8, 4)), 2, 3),
        layers.Resizing: (image, 4, 4),
        layers.Cropping2D: (image, 1),
        layers.UpSampling2D: (image,),
    }
    for kind, (given, *arguments) in made.items():
        row = layer_table(keras.Model(given, kind(*arguments)(given)))[-1]
        assert row.macs is not None, (kind.__name__, row.reason)
