import numpy as np

from cnn_core.arithmetic.learning import Frame
from cnn_core.figures.convolution import learning


def test_weights_are_written_with_a_minus_in_every_frame() -> None:
    target = np.array([[-1.0, 0.0], [0.25, -0.04]])
    drawn = learning([Frame(0, 1.0, target * 0), Frame(1, 0.1, target)], target)
    assert drawn.data[2]["text"] == [["−1.0", "0.0"], ["0.2", "0.0"]]
    assert [frame["data"][1]["text"][0][0] for frame in drawn.frames] == ["0.0", "−1.0"]
