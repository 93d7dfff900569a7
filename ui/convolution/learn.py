"""A kernel learnt back from nothing but a picture and its map."""

import numpy as np
import streamlit as st

from cnn_core.arithmetic import kernels, learning
from cnn_core.figures import convolution as figures
from ui.convolution.kernel import choose_kernel, edit_kernel, turn_kernel
from ui.shared.charts import plot
from ui.shared.controls import pick
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told

RATES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.2)
_SIDE = 64  # pixels of a side that it learns from, about


def learn(room: Room) -> bool:
    """Recover the kernel. True if the steps were so large that it does not."""
    picture = the_picture()
    image = grey(picture)
    with room.side:
        rate = pick("Learning rate: how large each step is", RATES, 0.1, "convolution_rate")
        kernel = choose_kernel(picture.digest, image)
        with room.more("Turn it, change its cells"):
            flip = turn_kernel(kernel)
            edit_kernel(kernel)
    small = image[:: max(1, len(image) // _SIDE), :: max(1, image.shape[1] // _SIDE)]
    if min(small.shape) <= len(kernel):
        room.stage.info("The picture is too small to learn from. Choose a larger one.")
        return False
    frames = list(learning.learn_kernel(small, kernel, steps=80, learning_rate=rate, flip=flip, every=2))
    wanted = kernels.flip(kernel) if flip else kernel
    gap, lost = float(np.abs(frames[-1].kernel - wanted).max()), frames[-1].loss > frames[0].loss
    # Whitened, a picture that tells all kernels apart leaves about the root of the loss in each weight.
    alike = not lost and gap > max(0.01, 10 * float(np.sqrt(frames[-1].loss)))
    with room.stage:
        plot(
            figures.learning(frames, wanted),
            "convolution_learning",
            f"The loss goes from {frames[0].loss:.2g} to {frames[-1].loss:.2g} in {frames[-1].step} steps.",
        )
        st.markdown(
            f"After {frames[-1].step} steps no weight is off by more than **{gap:.2g}**."
            + (
                " Filtered by true convolution, it learns the kernel *turned*, and predicts just as well."
                if flip
                else ""
            )
            + (" At this rate it does not converge: each step overshoots." if lost else "")
            + (" Yet its map is right: your picture varies too little to tell the two apart." if alike else "")
        )
    with room.why:
        told(
            "Nobody writes kernels into a network: it finds them. One layer of a single [[kernel]] starts at random. "
            "It sees your picture and the map that the kernel beside made of it, never the kernel. Each step of "
            "gradient descent makes its own map a little more like that one, until the weights themselves are the "
            "same. (The picture is whitened first: fine and coarse detail are made equally strong, to be learnt alike.)"
        )
    return lost
