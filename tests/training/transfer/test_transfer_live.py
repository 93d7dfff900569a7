"""What the reader sees while it trains: a bar that only grows, curves that stay small."""

import itertools
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_toys import Outcome

from cnn_core.training.transfer.live import MAX_POINTS, Live, expected_seconds
from cnn_core.training.transfer.results import learning
from cnn_core.training.transfer.spec import ARMS, Options
from tests.reports import FakeReport

SIZES = {"train": 30, "validation": 10, "test": 10}


class Light(FakeReport):
    """Keeps the bar and the newest curves only."""

    def update(self, **progress) -> None:
        self.progress.update(progress)
        self.told.append({"fraction": progress["fraction"]} if "fraction" in progress else {})
        self.should_stop = self.should_stop or self.stop_when(self.progress)


def test_bar_of_a_real_run_grows_to_the_end(outcome: Outcome) -> None:
    seen = outcome.report.fractions
    assert seen[0] == 0.0 and seen[-1] == 1.0 and seen == sorted(seen)
    assert seen[-2] == pytest.approx(1.0, abs=1e-6)  # no jump at the end: every phase was counted in full
    phases = [told["phase"] for told in outcome.report.told if "phase" in told]
    order = list(dict.fromkeys(phases))
    assert order == ["preparing", "features", "head", "testing", "blocks", "feature_maps", "all", "done"]


def test_curves_of_a_real_run_hold_every_batch_and_epoch(outcome: Outcome) -> None:
    curves = outcome.report.progress["curves"]
    assert curves.keys() == set(ARMS)
    assert curves["frozen"]["batches"] == [], "a pass of the solver looks at all pictures at once"
    passes, tuned = len(curves["frozen"]["epochs"]), [point[0] for point in curves["fine_tuned"]["batches"]]
    assert tuned == pytest.approx([passes + i / 3 for i in range(1, 7)], abs=1e-3)
    for arm in ARMS:
        assert curves[arm]["epochs"] == [asdict(entry) for entry in outcome.arms[arm].history]
    assert {arm: found.epochs for arm, found in learning(outcome.report.progress).items()} == {
        arm: figures.history for arm, figures in outcome.arms.items()
    }


@settings(max_examples=40)
@given(
    arms=st.lists(st.sampled_from(ARMS), min_size=1).map(tuple),
    epochs=st.integers(1, 80),
    steps=st.integers(1, 60),
    augment=st.booleans(),
)
def test_curve_is_bounded_and_the_bar_in_range(arms: tuple[str, ...], epochs: int, steps: int, augment: bool) -> None:
    report = Light()
    options = Options(arms=arms, epochs=epochs, augment=augment)
    live = Live(report, options, SIZES)
    live.arm = options.arms[-1]
    listener = live.listener("all" if live.arm == "scratch" else "blocks")
    for step in range(1, epochs * steps + 1):
        if step % 7 and steps > 20:  # keep the example short: most of a long run is more of the same
            continue
        listener.batch(step / steps, 1.0 / step, 0.5)
    points = report.progress["curves"][live.arm]["batches"]
    assert len(points) <= MAX_POINTS
    assert [point[0] for point in points] == sorted(point[0] for point in points)
    live.phase("done")
    seen = report.fractions
    assert seen == sorted(seen) and seen[0] == 0.0 and seen[-1] == 1.0
    assert max(seen[:-1]) <= 1.0 + 1e-9


def test_long_curve_keeps_its_whole_length() -> None:
    report = Light()
    live = Live(report, Options(arms=("scratch",), epochs=100), SIZES)
    live.arm = "scratch"
    listener = live.listener("all")
    for step in range(1, 5001):
        listener.batch(step / 50, 1.0, 0.5)
    points = [point[0] for point in report.progress["curves"]["scratch"]["batches"]]
    assert MAX_POINTS // 2 <= len(points) <= MAX_POINTS
    assert points[0] < 2 and points[-1] > 98
    gaps = {round(b - a, 6) for a, b in itertools.pairwise(points)}
    assert len(gaps) == 1  # evenly thinned


def test_pictures_in_parts_go_on_counting() -> None:
    report = Light()
    live = Live(report, Options(arms=("fine_tuned",)), SIZES)
    live.arm = "fine_tuned"
    for part in ("train", "validation"):
        done = live.tick("feature_maps")
        for pictures in range(5, SIZES[part] + 1, 5):
            assert done(pictures) is False
    seen = report.fractions
    assert seen == sorted(seen) and len(set(seen)) == 9  # 0 and eight times five pictures


def test_time_left_is_not_promised_by_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("cnn_core.training.transfer.live.time.perf_counter", lambda: now[0])
    report, options = FakeReport(), Options(epochs=10)
    live = Live(report, options, {"train": 180, "validation": 60, "test": 60})
    live.arm = "frozen"
    read = live.tick("features")
    now[0] += 0.1
    read(240)  # every feature was kept
    expected = expected_seconds(options, 300)
    assert report.progress["fraction"] > 0.1
    assert 0.7 * expected < report.progress["left"] <= expected, "not as quick as what was kept"
    live.head([], whole=True)
    live.arm = "fine_tuned"
    live.tick("feature_maps")(240)
    live.phase("blocks")
    listener = live.listener("blocks")
    for epoch in range(1, 6):
        now[0] += 4.0  # slower than expected
        listener.batch(float(epoch), 1.0, 0.5)
    assert report.progress["left"] == pytest.approx(5 * 4.0, rel=0.05), "at its own pace"
    for epoch in range(6, 11):
        now[0] += 4.0
        listener.batch(float(epoch), 1.0, 0.5)
    assert report.progress["left"] == pytest.approx(0, abs=0.1)


def test_slow_reading_of_photos_is_expected_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("cnn_core.training.transfer.live.time.perf_counter", lambda: now[0])
    report = FakeReport()
    live = Live(report, Options(epochs=10), {"train": 180, "validation": 60, "test": 60})
    live.arm = "frozen"
    read = live.tick("features")
    now[0] += 15.0
    read(120)
    slow = 15.0 / (0.5 * 300 * 0.012)
    assert report.progress["left"] > 0.7 * slow * expected_seconds(Options(epochs=10), 300)


def test_arms_of_an_earlier_attempt_keep_their_curves_and_cost_nothing(outcome: Outcome) -> None:
    report, kept = FakeReport(), {"frozen": outcome.arms["frozen"]}
    live = Live(report, Options(epochs=2), SIZES, kept)
    shown = learning(report.progress)
    assert shown["frozen"].epochs == outcome.arms["frozen"].history and not shown["fine_tuned"].epochs
    live.arm = "fine_tuned"
    for phase, pictures in (("features", 40), ("feature_maps", 40)):
        live.tick(phase)(pictures)
    live.head([{"phase": "head", "epoch": 1}], whole=True)
    listener = live.listener("blocks")
    for epoch in (2, 3):
        listener.epoch({"phase": "blocks", "epoch": epoch})
    assert report.fractions[-1] == pytest.approx(1.0), "what is left is the whole bar"
    everything = FakeReport()
    Live(everything, Options(arms=("frozen",)), SIZES, kept).phase("done")
    assert everything.fractions == [0.0, 1.0]


def test_stop_reaches_whoever_counts() -> None:
    report = FakeReport(lambda progress: progress.get("fraction", 0) > 0)
    live = Live(report, Options(arms=("scratch",)), SIZES)
    live.arm = "scratch"
    listener = live.listener("all")
    assert not listener.should_stop()
    listener.batch(0.5, 1.0, 0.5)
    assert listener.should_stop() and live.tick("features")(5) is True and live.head([]) is True
