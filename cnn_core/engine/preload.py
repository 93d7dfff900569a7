"""Loaded by each worker at its start: `--preload cnn_core.engine.preload`.

It tells the scheduler the worker's device, and has the worker replaced when it has grown and rests. Where questions are
answered, it reads the embedded network in the background, for the first answer. Keras comes with what needs it only.
`CONVSCOPE_WARM_UP` is empty for no warm-up, or names another function.
"""

import contextlib
import logging
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from cnn_core.engine import readiness

AUTOGROUP = Path("/proc/self/autogroup")
WARM_UP = "cnn_core.networks.embedded:warm"

log = logging.getLogger(__name__)


def gpus() -> list[str]:
    """Return the names of this machine's NVIDIA GPUs, asked of the driver and not of TensorFlow."""
    if not shutil.which("nvidia-smi"):
        return []
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        log.warning("nvidia-smi is installed but gives no list of GPUs; going on with the CPU", exc_info=True)
        return []
    # GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-…)
    return [line.partition(": ")[2].partition(" (UUID")[0] for line in listing.splitlines() if line.startswith("GPU ")]


def device() -> str:
    """Return what this process may compute on, in words."""
    names, visible = gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [names[int(index)] for index in visible.split(",") if index.isdigit() and int(index) < len(names)]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"


def lower_priority(by: int, *, session: bool = False) -> None:
    """Let others go first, where the system knows of priorities.

    Args:
        by: How far.
        session: And all processes of this session, if this one leads it. Linux divides the processor among sessions
            first, and by their processes' priorities only within each: beside a server in another session they would
            say nothing.

    Source:
        sched(7), "The autogroup feature".
    """
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(by)
    if session and hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        for _ in range(5):
            try:
                AUTOGROUP.write_text(str(by), encoding="ascii")
            except BlockingIOError:  # who is not root may do it ten times a second, of all on this machine
                time.sleep(0.1)
            except OSError:  # there is none, or it may not be changed: then by the processes alone
                return
            else:
                return


def dask_setup(worker: Any) -> None:
    """Prepare a worker before it reports to the scheduler."""
    from cnn_core.engine import rest  # brings Dask, without which others ask this module for GPUs

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    for each in ("aiobotocore", "botocore"):  # each says where it has its key from
        logging.getLogger(each).setLevel(logging.WARNING)
    name = device()  # once: nvidia-smi takes a moment
    worker.startup_information["devices"] = lambda _worker: name
    if "RUN" in worker.state.total_resources and "ASK" not in worker.state.total_resources:
        lower_priority(14)  # a question is answered while a run trains
    rest.watch(worker)
    function = os.environ.get("CONVSCOPE_WARM_UP", WARM_UP)
    if function and "ASK" in worker.state.total_resources:
        readiness.begin_warm_up(function)
