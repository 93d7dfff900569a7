"""Whether this installation exports ONNX: its packages are an extra, which most readers do without."""

import importlib.util
from pathlib import Path

_PACKAGES = ("tf2onnx", "onnx", "onnxruntime")
_MAKEFILE = Path(__file__).resolve().parents[3] / "Makefile"


def missing() -> str:
    """Return why ONNX is not offered here and how to get it, as a sentence; empty if it is offered."""
    absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    remedy = "make app ONNX=1" if _MAKEFILE.is_file() else f"pip install {' '.join(absent)}"
    return f"ONNX is not offered: this installation lacks {', '.join(absent)}, which you get by “{remedy}”."
