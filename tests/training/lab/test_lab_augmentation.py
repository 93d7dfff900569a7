"""Copies against NumPy, the sheet and the study on the toy network."""

import numpy as np
import pytest
from lab_toys import claimed, colours

from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import plain
from cnn_core.store.runs import Store
from cnn_core.training.lab import job
from cnn_core.training.lab.augmentation import AugmentationOptions, AugmentationResult
from cnn_core.training.lab.augmentation_job import augmented, augmented_sheet
from cnn_core.training.lab.spec import LabSpec
from tests.reports import FakeReport

pytestmark = pytest.mark.usefixtures("toy")
RAMP = np.broadcast_to(np.arange(0, 240, 6, dtype=np.uint8)[None, :, None], (40, 40, 3))  # 6 a pixel to the right


def copies(policy: str, count: int = 12) -> np.ndarray:
    return np.stack([augmented(RAMP, "ramp", policy, copy, seed=0) for copy in range(count)]).astype(float)


def test_mirror_only_mirrors_and_does_so_about_half_the_time() -> None:
    flips = [bool((copy == RAMP[:, ::-1]).all()) for copy in copies("mirror", 40)]
    assert all(
        (copy == (RAMP[:, ::-1] if flip else RAMP)).all()
        for copy, flip in zip(copies("mirror", 40), flips, strict=True)
    )
    assert 10 <= sum(flips) <= 30, "P(outside) < 0.3% for a fair coin"


def test_shift_moves_at_most_a_tenth_and_keeps_the_scale() -> None:
    moved = copies("shift")
    middle = moved[:, 20, 10:30, 0]
    assert np.diff(middle, axis=1) == pytest.approx(6, abs=1.01), "the ramp's slope stays: no zoom, no mirror"
    offsets = (middle - RAMP[20, 10:30, 0]).mean(axis=1) / 6
    assert np.abs(offsets).max() <= 4.2 and np.ptp(offsets) > 1, "up to 10% of 40 pixels"


def test_zoom_scales_at_most_fifteen_percent_about_the_centre() -> None:
    zoomed = copies("zoom")
    slopes = (zoomed[:, 20, 30, 0] - zoomed[:, 20, 10, 0]) / 20 / 6
    assert (slopes >= 0.84).all() and (slopes <= 1.16).all() and np.ptp(slopes) > 0.05
    assert zoomed[:, 20, 19:21, 0].mean(axis=1) == pytest.approx(RAMP[20, 19:21, 0].mean(), abs=1.5)


def test_a_copy_depends_on_picture_number_and_seed_alone() -> None:
    first = augmented(RAMP, "ramp", "all", 3, seed=1)
    copies("all")
    assert (augmented(RAMP, "ramp", "all", 3, seed=1) == first).all(), "whatever was drawn in between"
    for other in (("ramp", 4, 1), ("slope", 3, 1), ("ramp", 3, 2)):
        digest, copy, seed = other
        assert (augmented(RAMP, digest, "all", copy, seed) != first).any(), other


def test_sheet_shows_pictures_as_the_network_sees_them_and_their_copies(shelf: Store) -> None:
    items = colours(shelf, 1)[:2]
    digests = [item.digest for item in items]
    sheet = augmented_sheet(digests, "all", 3, seed=5, backbone="toy", location=shelf.location)
    assert sheet.shape == (2, 4, 16, 16, 3) and sheet.dtype == np.uint8
    for row, digest in zip(sheet, digests, strict=True):
        seen = square(kept.pixels(shelf, digest), 16, 1.0)
        assert (row[0] == seen).all()
        assert (row[3] == augmented(seen, digest, "all", 2, seed=5)).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ((["a"], "rotate", 3), r"policy is rotate; expected one of all, mirror, shift, zoom\."),
        ((["a"], "all", 0), "Received 1 pictures and 0 copies; expected a picture and 1 to 12 copies."),
        (([], "all", 2), "Received 0 pictures and 2 copies"),
    ],
)
def test_sheet_refuses_in_a_sentence(wrong: tuple, message: str) -> None:
    with pytest.raises(SpecRefused, match=message):
        augmented_sheet(*wrong)


def spec(shelf: Store, **chosen: object) -> dict:
    small = {"backbone": "toy", "folds": 3, "epochs": 2, "training_splits": 2, "unfreeze_blocks": 2}
    return LabSpec(tuple(colours(shelf, 8)), AugmentationOptions(**small | chosen)).to_json()


def study(shelf: Store, report: FakeReport | None = None, **chosen: object) -> AugmentationResult:
    outcome = job.run(claimed(shelf, spec(shelf, **chosen)), shelf, report or FakeReport())
    return AugmentationResult.from_json(plain(outcome.result))


def test_study_pairs_every_policy_with_none_on_the_same_folds(shelf: Store) -> None:
    result = study(shelf, policies=("all", "mirror"))
    assert result.complete and result.copies == 2 and result.features_computed == 24 * (1 + 2 * 2)
    assert [policy.policy for policy in result.policies] == ["all", "mirror"]
    for policy in result.policies:
        for arm, folds in (("frozen", 6), ("fine_tuned", 2)):
            effect, without = policy.arms[arm], result.without[arm]
            assert effect.accuracy.folds == without.folds == folds
            points = 100 * (np.array(effect.accuracy.scores) - without.scores).mean()
            assert effect.paired.points == pytest.approx(points)
    assert len(result.sentences) == 4 and "Mirror, shift and zoom. " in result.sentences[0]
    assert study(shelf, policies=("mirror",)).features_computed == 0, "from the cache"


def test_stopped_study_keeps_what_it_has(shelf: Store) -> None:
    result = study(
        shelf,
        FakeReport(lambda progress: progress.get("phase") == "reading your photos for the upper blocks"),
        epochs=3,
    )
    assert not result.complete and list(result.without) == ["frozen"]
    assert list(result.policies[0].arms) == ["frozen"]
