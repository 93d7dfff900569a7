"""Networks that this project has trained and carries; EfficientNet-Lite0's weights come with a package of their own."""

from pathlib import Path

LENET = Path(__file__).with_name("lenet5.keras")  # by the study of LeNet-5 at its defaults
LENET_SHA256 = "c672f72dea7b4806d11b615293342962fb4476efe934c654c23705b1875014b5"
DIGITS = tuple("0123456789")
LENET_WEIGHTS = (
    "trained on scikit-learn's 8 × 8 digits: it knows ten digits only, and takes any picture for one of them"
)
