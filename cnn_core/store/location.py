"""Where a store lies unless `CONVSCOPE_STORE` says otherwise."""

from pathlib import Path

import platformdirs

_CHECKOUT = Path(__file__).resolve().parents[2]
# An installed program has no folder of its own to write into.
DEFAULT_LOCATION = (
    _CHECKOUT / "var" if (_CHECKOUT / "app.py").is_file() else Path(platformdirs.user_data_dir("convscope", False))
)
