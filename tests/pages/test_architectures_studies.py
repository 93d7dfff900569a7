"""The experiments of the architectures page: what ships, a run at its link, its end, a drawing that is read."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.engine.errors import EngineUnreachable
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.results import Result
from cnn_core.training.studies import degradation, inductive_bias, lenet, published
from cnn_core.training.studies.causes import Identity, NetSignals, Signals, SignalsOptions
from cnn_core.training.studies.degradation import DegradationResult, Verdict, judge
from cnn_core.training.studies.lenet import LeNetResult
from cnn_core.training.studies.published import shipped
from cnn_core.training.studies.studies import STUDIES
from ui.architectures.study import PARAMETER
from ui.widgets.digit_canvas import digit_canvas

VERSION_01 = Path(__file__).parents[1] / "training" / "studies" / "version_01"
DEGRADATION, LENET, PRIOR = (shipped(each.STUDY).result for each in (degradation, lenet, inductive_bias))
ENVIRONMENT = {"python": "3.11", "keras": "3.15", "tensorflow": "2.21", "numpy": "2.4", "device": "CPU*x", "seed": 0}


def script(kind: str) -> None:
    import importlib

    import streamlit as st

    from ui.shared import stage

    lesson = importlib.import_module(f"ui.architectures.{kind}")
    st.markdown(f"challenge: {getattr(lesson, kind)(stage.room())}")


@pytest.fixture
def view(store: Store, engine: Any) -> Callable[..., AppTest]:
    def open_view(kind: str, **query: str) -> AppTest:
        app = AppTest.from_function(script, default_timeout=60, kwargs={"kind": kind})
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_view


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.success, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def ended(store: Store, kind: str, result: Result | None, state: str = "done", error: str = "", **options: Any) -> Run:
    run = store.create(kind, STUDIES[kind].options(**options).to_json(), title=kind)
    claimed = store.claim(run.id, worker="test")
    assert claimed
    values = result.to_json() if result else {}
    store.finish(claimed, state, result=values, environment=ENVIRONMENT, error=error)
    return store.get(run.id)


# What all share ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(STUDIES))
def test_view_begins_with_the_result_that_ships_and_says_where_it_is_from(view: Any, kind: str) -> None:
    app = view(kind)
    assert not app.exception and not app.error
    provenance = shipped(STUDIES[kind]).provenance
    assert any("computed before, not here" in info.value for info in app.info)
    said = words(app)
    for part in (provenance.command, f"seed {provenance.seed}", provenance.date, "TensorFlow", "Keras"):
        assert part in said
    assert provenance.note in said
    assert "Computed here" not in words(app) and "challenge: False" in words(app)
    assert charts(app) >= 2
    assert "Your settings are not the example's" not in words(app)


@pytest.mark.parametrize("kind", list(STUDIES))
def test_button_makes_a_run_of_the_settings_and_sends_it(view: Any, store: Store, engine: Any, kind: str) -> None:
    app = view(kind, **{f"architectures_{kind}_seed": "7"})
    assert "Your settings are not the example's" in words(app)
    app.button(key=f"architectures_start_{kind}").click().run()
    assert not app.exception
    (run_id,) = engine.submitted
    run = store.get(run_id)
    assert run.kind == kind and run.spec == STUDIES[kind].options(seed=7).to_json()
    assert app.query_params[PARAMETER] == run_id
    assert app.button(key=f"architectures_start_{kind}").disabled
    assert "computed before, not here" not in words(app), "a live run is not mixed with what ships"
    app.button(key="architectures_stop").click().run()
    assert engine.stopped == [run_id]


@pytest.mark.parametrize("kind", list(STUDIES))
def test_link_shows_a_run_to_a_stranger_and_the_way_back(view: Any, store: Store, kind: str) -> None:
    run = ended(store, kind, shipped(STUDIES[kind]).result)
    app = view(kind, **{PARAMETER: run.id})
    assert not app.exception and not app.error
    said = words(app)
    assert f"Run {run.id}" in said and "CPU\\*x" in said and "computed before, not here" not in said
    app.button(key=f"architectures_shipped_{kind}").click().run()
    assert "computed before, not here" in words(app) and PARAMETER not in app.query_params


def test_link_that_names_no_run_is_told(view: Any) -> None:
    app = view("lenet", **{PARAMETER: "feedfeedfeed"})
    assert "no such experiment feedfeedfeed" in app.error[0].value
    assert "computed before, not here" in words(app)


def test_run_of_another_kind_is_kept_for_its_own_view(view: Any, store: Store) -> None:
    run = ended(store, "lenet", LENET)
    app = view("degradation", **{PARAMETER: run.id})
    assert not app.exception and not app.error
    assert "computed before, not here" in words(app)
    assert app.session_state["architectures_runs"] == {"lenet": run.id}


def test_run_that_failed_says_why_and_shows_nothing_else(view: Any, store: Store) -> None:
    run = ended(store, "degradation", None, state="failed", error="The worker ran out of memory [x].")
    app = view("degradation", **{PARAMETER: run.id})
    assert app.error[0].value == "**The run failed.** The worker ran out of memory \\[x\\]."
    assert charts(app) == 0 and "Computed" not in words(app)


@pytest.mark.parametrize("kind", list(STUDIES))
def test_run_of_version_01_is_shown(view: Any, store: Store, kind: str) -> None:
    run = store.create(kind, STUDIES[kind].options().to_json(), title=kind)
    claimed = store.claim(run.id, worker="test")
    assert claimed
    store.finish(claimed, "done", result=json.loads((VERSION_01 / f"{kind}.json").read_text()), environment={})
    app = view(kind, **{PARAMETER: run.id})
    assert not app.exception and not app.error
    assert f"Run {run.id}" in words(app) and charts(app) >= 2


def test_run_of_a_newer_version_says_so(view: Any, store: Store) -> None:
    run = store.create("lenet", STUDIES["lenet"].options().to_json(), title="lenet")
    claimed = store.claim(run.id, worker="test")
    assert claimed
    store.finish(claimed, "done", result=LENET.to_json() | {"version": 3}, environment={})
    app = view("lenet", **{PARAMETER: run.id})
    assert not app.exception and "This result is of version 3" in app.error[0].value


@pytest.mark.parametrize(
    ("kind", "so_far", "more"),
    [
        ("degradation", DEGRADATION, {"arm": "plain_deep", "seed": 0}),
        ("lenet", LeNetResult(LENET.epochs, LENET.batches, LENET.kernels[3:4]), {}),
        ("inductive_bias", replace(PRIOR, points=PRIOR.points[:5]), {"arm": "vit", "seed": 1}),
    ],
)
def test_live_run_is_drawn_as_far_as_it_has_come(
    view: Any, store: Store, kind: str, so_far: Result, more: dict[str, Any]
) -> None:
    run = store.create(kind, STUDIES[kind].options().to_json(), title=kind)
    claimed = store.claim(run.id, worker="test")
    assert claimed
    store.beat(claimed, {"phase": "training", "fraction": 0.4, "left": 90, "so_far": so_far.to_json(), **more})
    app = view(kind, **{PARAMETER: run.id})
    assert not app.exception
    assert charts(app) >= 1
    bar = app.get("progress")[0].proto
    assert bar.value == 40 and "training" in bar.text and "left" in bar.text


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("degradation", "architectures_shallow", "21"),
        ("degradation", "architectures_degradation_width", "65"),
        ("lenet", "architectures_lenet_epochs", "0"),
        ("lenet", "architectures_lenet_seed", "²"),
        ("inductive_bias", "architectures_inductive_bias_seeds", "-1"),
    ],
)
def test_link_asks_in_vain_for_what_is_out_of_bounds(view: Any, kind: str, name: str, value: str) -> None:
    app = view(kind, **{name: value})
    assert not app.exception
    assert value in app.warning[0].value and "the default is used" in app.warning[0].value


# Degradation ---------------------------------------------------------------------------------------------------------


def test_criterion_is_told(view: Any) -> None:
    assert DEGRADATION.criterion in words(view("degradation"))


def test_verdict_says_when_it_did_not_come_out_and_counts_as_an_answer(view: Any, store: Store) -> None:
    deep = DEGRADATION.arms["plain_deep"]
    last = replace(deep.seeds[1].epochs[-1], train_loss=0.001)
    fitted = replace(deep.seeds[1], epochs=(*deep.seeds[1].epochs[:-1], last))
    arms = DEGRADATION.arms | {"plain_deep": replace(deep, seeds=(deep.seeds[0], fitted, deep.seeds[2]))}
    result = replace(DEGRADATION, arms=arms, verdict=judge(arms, DEGRADATION.pictures))
    run = ended(store, "degradation", result, shallow_depth=8, deep_depth=14)
    app = view("degradation", **{PARAMETER: run.id})
    assert "**It did not come out here.**" in app.warning[-1].value
    assert "in 2 of 3 seeds" in app.warning[-1].value
    assert "challenge: True" in words(app)


def test_net_that_diverged_is_told(view: Any, store: Store) -> None:
    deep = DEGRADATION.arms["plain_deep"]
    broken = replace(deep.seeds[0], complete=False, error="The loss became nan at step 3 of an epoch [x].")
    arms = DEGRADATION.arms | {"plain_deep": replace(deep, seeds=(broken, *deep.seeds[1:]))}
    run = ended(store, "degradation", replace(DEGRADATION, arms=arms, verdict=judge(arms, DEGRADATION.pictures)))
    app = view("degradation", **{PARAMETER: run.id})
    assert app.warning[0].value == "Seed 0, 56 layers: The loss became nan at step 3 of an epoch \\[x\\]."
    assert "in 2 of 2 seeds" in words(app)


def test_stopped_run_without_a_whole_seed_says_that_nothing_can_be_said(view: Any, store: Store) -> None:
    arms = {"plain_shallow": DEGRADATION.arms["plain_shallow"]}
    result = DegradationResult(arms, Verdict(), DEGRADATION.criterion, DEGRADATION.pictures, 1.0)
    run = ended(store, "degradation", result, state="stopped", epochs=3)
    app = view("degradation", **{PARAMETER: run.id})
    assert not app.exception
    assert "nothing can be said yet" in words(app) and "challenge: False" in words(app)


def test_settings_that_make_no_experiment_are_refused(view: Any) -> None:
    app = view("degradation", architectures_shallow="56", architectures_deep="20")
    assert "The deep networks have 20 layers; expected more than the 56 of the shallow" in app.error[0].value
    assert app.button(key="architectures_start_degradation").disabled


def net(depth: int, residual: bool, batch_norm: bool) -> NetSignals:
    """Signals that change by a constant factor a layer."""
    growth = 1.1 if batch_norm and not residual else 1.0
    decay = 0.5 if not batch_norm and not residual else 1.0
    places = range(depth - 1)
    return NetSignals(
        depth,
        residual,
        batch_norm,
        layers=[f"conv{n}" for n in places],
        variance=[decay**n for n in places],
        gradient_norm=[growth ** (depth - 2 - n) for n in places],
        blocks=[],
        block_variance=[],
    )


def signals_of(*depths: int) -> Signals:
    kinds = [(norm, residual) for norm in (False, True) for residual in (False, True)]
    return Signals(tuple(net(depth, residual, norm) for depth in depths for norm, residual in kinds))


def begun(app: AppTest, store: Store, key: str) -> Run:
    """The run that a button begins, as a worker has claimed it."""
    app.button(key=f"{key}_begin").click().run()
    assert not app.exception
    run = store.claim(store.recent()[0].id, "w")
    assert run
    return run


def test_signals_are_a_run_that_is_found_again_and_told_in_words(view: Any, store: Store, engine: Any) -> None:
    app = view("degradation", architectures_part="Signals")
    assert charts(app) == 3 and "An example, computed before, not here" in words(app)
    example = published.example("signals", SignalsOptions, Signals)
    assert f"× {next(net for net in example.result.nets if net.depth == 56).rate:.3f}" in words(app)
    run = begun(app, store, "architectures_signals")
    assert (run.kind, run.spec, run.title) == (
        "signals",
        {"depths": [8, 20, 32, 56, 110]},
        "signals before training",
    )
    assert engine.submitted == [run.id]
    store.beat(run, {"phase": "following the signals, net 5 of 12", "fraction": 0.33})
    app.run()
    assert "net 5 of 12" in app.get("progress")[0].proto.text
    assert [button.key for button in app.button] == ["architectures_signals_stop"]
    store.finish(run, "done", result=signals_of(8, 20, 32, 56, 110).to_json())
    app.run()
    said = words(app)
    assert "plain, no BatchNorm: the signal **dies out**; towards the input the gradient **keeps its size**" in said
    assert "plain, with BatchNorm: the signal **is kept**; towards the input the gradient **grows and is huge**" in said
    assert "× 1.100" in said and f"{1.1**54:.0f}" in said
    assert charts(app) == 3 and "An example" not in said
    app.segmented_control(key="architectures_signal_depth").set_value(20).run()
    assert charts(app) == 3 and not app.button, "what is known is not asked again"

    elsewhere = view("degradation", architectures_part="Signals")  # another visit
    assert charts(elsewhere) == 3 and not elsewhere.button and "× 1.100" in words(elsewhere)


def test_signals_that_were_stopped_show_what_was_followed(view: Any, store: Store) -> None:
    app = view("degradation", architectures_part="Signals", architectures_signal_depth="8")
    run = begun(app, store, "architectures_signals")
    store.finish(run, "stopped", result=Signals(signals_of(8).nets[:2]).to_json())
    app.run()
    assert not app.exception
    assert "plain, no BatchNorm" in words(app) and "with BatchNorm: the signal" not in words(app)
    assert "architectures_signals_begin" in [button.key for button in app.button]
    app.segmented_control(key="architectures_signal_depth").set_value(56).run()
    assert not app.exception and "has not followed the signals through 56 layers" in words(app)


def test_identity_says_how_soon_and_how_near(view: Any, store: Store) -> None:
    slow, quick = [1.0, 0.5, 0.02, 0.02], [0.8, 0.005, 0.002, 0.001]
    app = view("degradation", architectures_part="Identity", architectures_blocks="2")
    assert charts(app) == 1 and "An example, computed before, not here" in words(app)
    run = begun(app, store, "architectures_identity_2")
    assert (run.kind, run.spec, run.title) == ("identity", {"blocks": 2}, "learning the identity, 2 blocks")
    found = Identity(seeds=[0, 1], plain=[slow, [*slow[:3], 0.0201]], residual=[quick, quick])
    store.finish(run, "done", result=found.to_json())
    said = words(app.run())
    assert "An example" not in said
    assert "The **plain** block begins at 1 and ends at 0.02, never below 0.01." in said
    assert "The **residual** block begins at 0.8 and ends at 0.001, below 0.01 after 1 steps." in said
    assert "**residual** one is nearer to the identity, by a factor of 20.0 (95% interval 19.4 to 20.7)" in said


def test_part_that_failed_says_so_and_can_be_tried_again(view: Any, store: Store, engine: Any) -> None:
    app = view("degradation", architectures_part="Identity")
    run = begun(app, store, "architectures_identity_1")
    store.finish(run, "failed", error="There was not enough memory.")
    app.run()
    assert app.error[0].value == "**The run failed.** There was not enough memory."
    app.button(key="architectures_identity_1_again").click().run()
    assert engine.submitted == [run.id, run.id] and not app.exception


# LeNet-5 -------------------------------------------------------------------------------------------------------------


def answer(probabilities: list[float]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {
        "c1": (28, 28, 6),
        "s2": (14, 14, 6),
        "c3": (10, 10, 16),
        "s4": (5, 5, 16),
        "c5": (1, 1, 120),
        "flatten": (120,),
        "f6": (84,),
        "logits": (10,),
        "probabilities": (10,),
    }
    maps = [{"name": name, "kind": "", "values": rng.normal(size=shape)} for name, shape in shapes.items()]
    small, picture = np.zeros((8, 8), np.float32), np.zeros((32, 32), np.float32)
    seen = [{"digit": digit, "pixels": small, "distance": 1.0 + (digit != 7)} for digit in range(10)]
    return {
        "small": small,
        "picture": picture,
        "probabilities": probabilities,
        "maps": maps,
        "seen": seen,
        "usual": 1.5,
    }


TORN = [0.0, 0.55, 0.0, 0.0, 0.0, 0.0, 0.0, 0.45, 0.0, 0.0]
INK = base64.b64encode(bytes([0, 255]) * (digit_canvas.SIDE**2 // 2)).decode()


def drawn(app: AppTest) -> AppTest:
    app.session_state["architectures_digit_kept"] = {"ink": INK, "strokes": []}
    return app.run()


def test_drawing_is_read_by_the_readers_own_net_layer_by_layer(view: Any, store: Store, engine: Any) -> None:
    asked: list[tuple[Any, ...]] = []

    def ask(question: str, *args: Any, **options: Any) -> Any:
        asked.append((question, args[0], args[1].shape, options["location"]))
        return answer(TORN)

    engine.ask = ask
    run = ended(store, "lenet", LENET)
    app = view("lenet", **{PARAMETER: run.id})
    assert "Draw a digit, large" in words(app) and not asked
    app = drawn(app)
    assert not app.exception
    assert asked == [("read_digit", run.id, (64, 64), store.location)]
    said = words(app)
    assert "It reads **1** (55.0%), then 7 (45.0%)" in said and "Read by **your** LeNet-5" in said
    assert "challenge: True" in said
    assert "the one most like yours is **a 7**: doubt its answer." in said, "it reads a 1"
    assert "nearly all their 7s have a bar" in said
    captions = [caption for image in app.image for caption in image.captions]
    first = next(n for n, caption in enumerate(captions) if caption.startswith("C1,"))
    named = [caption.partition(",")[0] for caption in captions[first : first + 7]]
    assert named == ["C1", "S2", "C3", "S4", "C5", "F6", "Output"]
    assert "28 × 28 × 6" in captions[first].replace("\u00a0", " ")


def test_what_ships_reads_under_its_own_name_and_wins_no_challenge(view: Any, engine: Any) -> None:
    engine.answers["read_digit"] = answer(TORN)
    app = drawn(view("lenet"))
    assert "**that ships**: it was trained before, not here" in words(app)
    assert "Read by **your**" not in words(app) and "challenge: False" in words(app)


def test_drawing_stays_when_the_engine_is_away(view: Any, engine: Any) -> None:
    engine.answers["read_digit"] = EngineUnreachable("The engine cannot be reached.")
    app = drawn(view("lenet"))
    assert not app.exception and app.error[0].value == "The engine cannot be reached."
    assert app.session_state["architectures_digit_kept"]["ink"] == INK


def test_kernels_of_a_shorter_run_are_shown_up_to_its_end(view: Any, store: Store) -> None:
    result = replace(LENET, kernels=LENET.kernels[:4], epochs=LENET.epochs[:3], errors=())
    run = ended(store, "lenet", result, epochs=3)
    app = view("lenet", architectures_epoch="15", **{PARAMETER: run.id})
    assert not app.exception
    assert app.slider(key="architectures_epoch").value == 3
    assert "None on these test digits." in words(app)


def test_browser_that_sends_no_drawing_is_not_believed() -> None:
    assert digit_canvas.grey("not base64!") is None
    assert digit_canvas.grey(base64.b64encode(bytes(100)).decode()) is None
    drawing = digit_canvas.grey(INK)
    assert drawing is not None and drawing.shape == (64, 64) and drawing[0, :2].tolist() == [0.0, 1.0]


# Inductive bias ------------------------------------------------------------------------------------------------------


def test_challenge_is_the_size_at_which_shuffling_costs_the_convnet_most(view: Any) -> None:
    found: dict[tuple[bool, int, str], list[float]] = {}
    for p in PRIOR.points:
        found.setdefault((p.shuffled, p.size, p.net), []).append(p.test_accuracy)
    mean = {key: float(np.mean(values)) for key, values in found.items()}
    sizes = sorted({size for _, size, _ in mean})
    worth = [
        sum(
            sign * (mean[order, size, "convnet"] - mean[order, size, "vit"]) for sign, order in ((1, False), (-1, True))
        )
        for size in sizes
    ]
    best = sizes[int(np.argmax(worth))]
    app = view("inductive_bias", architectures_size=str(best))
    assert "challenge: True" in words(app)
    other = next(size for size in sizes if size != best)
    app.segmented_control(key="architectures_size").set_value(other).run()
    assert "challenge: False" in words(app)


def test_run_without_the_control_says_nothing_of_it(view: Any, store: Store) -> None:
    points = tuple(point for point in PRIOR.points if not point.shuffled)
    rates = {net: {"natural": chosen["natural"]} for net, chosen in PRIOR.learning_rates.items()}
    natural = tuple(lead for lead in PRIOR.leads if not lead.shuffled)
    result = replace(PRIOR, points=points, learning_rates=rates, leads=natural)
    run = ended(store, "inductive_bias", result, shuffled=False)
    app = view("inductive_bias", **{PARAMETER: run.id})
    assert not app.exception
    assert "Shuffled, its lead" not in words(app) and charts(app) == 2
