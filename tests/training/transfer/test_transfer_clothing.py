"""The issue's figures, on real photos: clothing5 beside the checkout, with the defaults."""

import json
from pathlib import Path
from statistics import median

import pytest

from cnn_core.__main__ import main
from cnn_core.training.transfer.results import Arm, Transfer

ROOT = Path(__file__).resolve().parents[3]
CLOTHING = ROOT.parent / "shared" / "data" / "clothing5"

pytestmark = pytest.mark.skipif(
    not CLOTHING.is_dir(), reason="the photos of clothing5 are not at ../shared/data/clothing5"
)


def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arms: str, seed: int = 0) -> dict[str, Arm]:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    out = tmp_path / "RESULT.json"
    folders = [str(CLOTHING / "train"), "--test", str(CLOTHING / "test")]
    assert main(["train", *folders, "--arms", arms, "--seed", str(seed), "--out", str(out)]) == 0
    result = Transfer.from_json(json.loads(out.read_text(encoding="utf-8")))
    assert result.split_sizes == {"train": 240, "validation": 60, "test": 60} and len(result.classes) == 5
    return result.arms


@pytest.mark.slow
def test_frozen_features_reach_the_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Sixty test pictures: in version 0.1 the order of the batches alone moved the figure between 55 and 59 of them
    # (57, 59, 58, 57, 58, 55, 56, 55 with seeds 0 to 7); solved heads give 57, 58, 58, 56, 57 with seeds 0 to 4.
    shares = [figures(tmp_path, monkeypatch, "frozen", seed)["frozen"].accuracy for seed in range(5)]
    assert median(share.value for share in shares) >= 0.93
    assert min(share.value for share in shares) >= 0.9


@pytest.mark.slow
def test_fine_tuning_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = figures(tmp_path, monkeypatch, "frozen,fine_tuned")
    assert arms["fine_tuned"].accuracy.correct >= arms["frozen"].accuracy.correct - 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_scratch_is_clearly_lower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = figures(tmp_path, monkeypatch, "scratch,frozen")
    assert arms["scratch"].accuracy.high < arms["frozen"].accuracy.low  # the intervals do not meet
