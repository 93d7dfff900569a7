"""The laboratory's study views: what is started, what is shown of a stored result, and at whose link."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic.measures import FoldAccuracy, wilson
from cnn_core.arithmetic.statistics import METHOD, accuracy_summary, paired_comparison
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.lab.backbones import BackbonesResult, Compared, Costs
from cnn_core.training.lab.depth import Cut, DepthOptions, DepthResult, Stage
from cnn_core.training.lab.labels import LabelsOptions
from cnn_core.training.lab.recipes import RIGHT, RecipesResult, Tried
from cnn_core.training.lab.results import STOPPED, LabResult
from cnn_core.training.lab.sabotage import Mistake, Sabotaged, SabotageResult
from cnn_core.training.lab.size import Law, SizeArm, SizePoint, SizeResult
from cnn_core.training.lab.size_job import fit_law
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.studies import STUDIES, read
from ui.laboratory.runs import fingerprint
from ui.laboratory.study import EXAMPLE
from ui.laboratory.views import VIEW_OF, VIEWS
from ui.shared.session import Album
from ui.shared.text import plain

OLD_RESULTS = Path(__file__).parents[1] / "training" / "lab" / "version_0_1.json"
ENVIRONMENT = {"device": "CPU", "keras": "3", "tensorflow": "2", "python": "3.11", "commit": "abc", "seed": 0}


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def charts(app: Any) -> str:
    return "".join(chart.proto.spec for chart in app.get("plotly_chart"))


@pytest.fixture
def items(store: Store) -> tuple[Item, ...]:
    return tuple(
        sets.keep(store, Picture(np.full((30, 30, 3), 60 * n + 5 * i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("c*t", "dog"))
        for i in range(8)
    )


def accuracy(*correct: int) -> FoldAccuracy:
    return accuracy_summary(correct, [20] * len(correct), 0.25)


def difference(*points: int, names: tuple[str, str] = ("it", "the right one")) -> PairedDifference:
    return paired_comparison([0.9 + p / 100 for p in points], [0.9] * len(points), 0.25, names)


def depth_result() -> DepthResult:
    lower, upper = accuracy(11, 12, 13), accuracy(18, 19, 17)
    return DepthResult(
        stages=(Stage(1, 17, "block 1 of 17", lower, 8), Stage(17, 17, "block 17 of 17", upper, 8)),
        cuts=(Cut(1, 17, "block 1 of 17", lower, difference(-30, -31)), Cut(17, 17, "block 17 of 17", upper)),
        sentences=("It rises with depth.",),
    )


def size_result() -> SizeResult:
    sizes = [1, 2, 5, 10]
    errors = np.array([0.5 * n**-0.7 for n in sizes])[:, None] + np.array([0.0, 0.01, -0.01, 0.005])
    points = tuple(
        SizePoint(n, accuracy_summary((100 * (1 - row)).round().astype(int).tolist(), [100] * 4, 0.25))
        for n, row in zip(sizes, errors, strict=True)
    )
    frozen = SizeArm("frozen", points, fit_law(sizes, errors))
    tuned = SizeArm("fine_tuned", points[2:], Law("No law is fitted to 2 sizes."))
    return SizeResult(arms=(frozen, tuned), sentences=("frozen: …",))


def recipes_result() -> RecipesResult:
    right = Tried("head_first", "Head first", "", accuracy(18, 19, 17), None, (0.01, 0.02), (0.0, 0.0))
    trap = replace(
        right,
        name="batchnorm_training",
        title="BatchNorm left training",
        paired=difference(-3, -1, -4),
        statistics_drift=(0.2, 0.137),
    )
    lost = Tried("rate_100", "Rate 100 times higher", "The loss became nan in epoch 1.")
    return RecipesResult(
        trained_blocks=("block7a_expand_conv", "top_conv"),
        recipes=(right, trap, lost),
        sentences=("Weights moved by 2.0% at most.",),
    )


def sabotage_result() -> SabotageResult:
    raw = Mistake("raw_range", "raw [0, 255]", "x", "", accuracy(9, 10, 8), difference(-40, -45, -42), wilson(16, 100))
    grey = Mistake("grey", "grey", "luminance", "Here this is the right one.")
    here = Sabotaged("efficientnet_lite0", "EfficientNet-Lite0", "", accuracy(18, 19, 17), (raw, grey))
    suffers = "16 of 16 pictures are grey: train on grey."
    return SabotageResult(
        backbones=(here, Sabotaged("resnet50", "ResNet-50", "ResNet-50 is away.")),
        mismatches=(suffers,),
        sentences=("Raw is 42.3 points worse.", suffers),
    )


def backbones_result() -> BackbonesResult:
    costs = Costs(milliseconds=38.1, macs=384_000_000, params=3_413_024, megabytes=13.65)
    here = Compared(
        "efficientnet_lite0", "EfficientNet-Lite0", "Apache-2.0", 75.1, accuracy=accuracy(18, 19, 17), costs=costs
    )
    away = Compared("resnet50", "ResNet-50", "Apache-2.0", 74.9, unavailable="ResNet-50 is away.")
    return BackbonesResult(
        backbones=(here, away), sentences=("EfficientNet-Lite0: accuracy 0.900.", "ResNet-50 is away.")
    )


RESULTS: dict[str, Callable[[], LabResult]] = {
    "depth": depth_result,
    "size": size_result,
    "recipes": recipes_result,
    "sabotage": sabotage_result,
    "backbones": backbones_result,
}


def whole(result: LabResult, **more: Any) -> LabResult:
    """A result with what every study tells."""
    common = {"classes": ("c*t", "dog"), "pictures": 16, "intervals": METHOD, "seconds": 3.0, "cpu_seconds": 4.0}
    return replace(result, **common | more)


def stored(
    store: Store,
    items: tuple[Item, ...],
    kind: str,
    state: str = "done",
    result: LabResult | None = None,
    error: str = "",
) -> Run:
    """Put an ended study of these pictures into the store."""
    study = STUDIES[kind]
    spec = LabSpec(items, study.options(), "my <set>").to_json()
    claimed = store.claim(store.create("lab", spec, title="my <set>: question").id, "w")
    assert claimed is not None
    found = whole(result or RESULTS[kind](), complete=state == "done").to_json()
    environment = None if state in ("failed", "partial") else ENVIRONMENT
    store.finish(claimed, state, result=None if state == "failed" else found, environment=environment, error=error)
    return store.get(claimed.id)


def test_page_begins_with_a_sample_its_counts_and_what_it_will_take(page: Any) -> None:
    app = page("laboratory")
    assert not app.exception and not app.warning
    assert "**144 pictures** would be measured: brick 48, grass 48, gravel 48" in texts(app)
    assert "Set aside as a test, and not looked at here: 48." in texts(app)
    estimate = next(caption for caption in app.caption if caption.value.startswith("About "))
    assert estimate.value == "About 40 seconds.", "62 s for 300 pictures were measured, and 11 s to read them"
    assert (
        "30 s of processor time" in estimate.proto.help
        and "`python -m cnn_core lab depth FOLDER`" in estimate.proto.help
    )
    assert not app.button(key="laboratory_start_depth").disabled


def test_start_creates_a_study_of_the_album_with_the_usual_settings(
    page: Any, store: Store, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_LIMIT_QUEUED", "0")  # more studies than one visitor may have waiting
    engine.answers["augmented_sheet"] = np.zeros((6, 5, 8, 8, 3), np.uint8)
    app = page("laboratory")
    for kind in STUDIES:
        app.session_state.laboratory_view = VIEW_OF[kind]
        app.run()
        app.button(key=f"laboratory_start_{kind}").click().run()
        assert not app.exception
        run = store.get(store.live()[-1].id)
        assert engine.submitted[-1] == run.id
        spec = read(run.spec)
        assert spec.options == STUDIES[kind].options(), "the page's defaults are the command's"
        assert len(spec.items) == 192 and spec.source == "Brick, grass, gravel"
        assert app.query_params["run"] in (run.id, [run.id])
        assert app.button(key=f"laboratory_start_{kind}").disabled, "one at a time"


def test_settings_reach_the_study(page: Any, store: Store, engine: Any) -> None:
    app = page("laboratory", laboratory_view="Recipes")
    app.number_input(key="laboratory_recipes_epochs").set_value(1)
    app.number_input(key="laboratory_recipes_training_splits").set_value(2)
    next(g for g in app.get("button_group") if g.key == "laboratory_recipes_recipes").set_value(
        ["batchnorm_training"]
    ).run()
    app.button(key="laboratory_start_recipes").click().run()
    options: Any = read(store.get(store.live()[0].id).spec).options
    assert (options.epochs, options.training_splits) == (1, 2)
    assert options.recipes == (RIGHT, "batchnorm_training")


def test_two_divisions_are_enough_where_nobody_has_chosen_trainings(page: Any, store: Store, engine: Any) -> None:
    app = page("laboratory", laboratory_view="Recipes")
    app.number_input(key="laboratory_recipes_folds").set_value(2)
    app.number_input(key="laboratory_recipes_repeats").set_value(1).run()
    app.button(key="laboratory_start_recipes").click().run()
    options: Any = read(store.get(store.live()[0].id).spec).options
    assert (options.folds, options.repeats, options.training_splits) == (2, 1, 2)


def test_exchanged_labels_and_blocks_reach_the_study(page: Any, store: Store, engine: Any) -> None:
    app = page("laboratory", laboratory_view="Data")
    app.slider(key="laboratory_labels_flip").set_value(10).run()
    app.button(key="laboratory_start_labels").click().run()
    assert read(store.get(store.live()[0].id).spec).options == LabelsOptions(flip=0.1)
    app = page("laboratory", laboratory_view="Depth")
    app.multiselect(key="laboratory_depth_frozen_blocks_17").set_value([5, 0])
    app.select_slider(key="laboratory_depth_head_learning_rate").set_value(3e-3).run()
    app.button(key="laboratory_start_depth").click().run()
    asked = read(store.get(store.live()[-1].id).spec).options
    assert asked == DepthOptions(frozen_blocks=(0, 5), head_learning_rate=3e-3)


def test_too_many_folds_switch_the_button_off_and_say_why(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    app = page("laboratory", run=run.id)
    app.number_input(key="laboratory_depth_folds").set_value(9).run()
    assert app.button(key="laboratory_start_depth").disabled
    assert "has 8 pictures and there are 9 folds. Choose fewer folds or add pictures" in texts(app)
    app.number_input(key="laboratory_depth_folds").set_value(4)
    app.number_input(key="laboratory_depth_training_splits").set_value(20).run()
    assert "Trainings is 20; expected 1 to 8, which is folds × repeats." in texts(app)
    assert "linear probe" in charts(app), "what was there stays"


def test_backbone_without_weights_is_refused_with_the_reason(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnn_core.networks import backbones

    def no_network(*_: Any, **__: Any) -> Any:
        raise OSError("no route")

    monkeypatch.setattr(backbones.socket, "create_connection", no_network)
    monkeypatch.setenv("KERAS_HOME", "/nonexistent")
    app = page("laboratory")
    app.selectbox(key="laboratory_depth_backbone").set_value("resnet50").run()
    assert app.button(key="laboratory_start_depth").disabled
    assert "ResNet-50 is not on this machine and its weights cannot be downloaded" in texts(app)


@pytest.mark.parametrize(
    ("kind", "said", "drawn"),
    [
        ("depth", "highest after block 17 of 17, the top.", "blocks above trained, below frozen"),
        ("size", "Doubling 10 pictures a class to 20 would buy", "Frozen: fitted law"),
        ("recipes", "Only “BatchNorm left training” moved them.", "% of its norm"),
        ("sabotage", "**Of these pictures some may suffer:**", "pictures answered as before"),
        ("backbones", "Not compared, for they are not here:\n\n- ResNet-50 is away.", "milliseconds a picture"),
    ],
)
def test_strangers_link_opens_the_view_the_result_and_its_pictures(
    page: Any, store: Store, items: tuple[Item, ...], kind: str, said: str, drawn: str
) -> None:
    app = page("laboratory", run=stored(store, items, kind).id)
    assert not app.exception
    assert app.session_state.laboratory_view == VIEW_OF[kind]
    assert said in texts(app) and drawn in charts(app).encode().decode("unicode_escape")
    assert app.session_state.album.counts == {"c*t": 8, "dog": 8}
    assert "**16 pictures** would be measured: c\\*t 8, dog 8" in texts(app), "names are no markup"
    assert "my \\<set\\>: question" in texts(app)
    assert f"run={app.session_state.laboratory_linked}" in app.code[0].value


def test_recipe_that_diverged_is_named(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory", run=stored(store, items, "recipes").id)
    assert "**Rate 100 times higher** did not come through: The loss became nan in epoch 1." in texts(app)


def test_switching_views_loses_nothing(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    depth, size = stored(store, items, "depth"), stored(store, items, "size")
    app = page("laboratory", run=depth.id)
    app.session_state.laboratory_view = "Pictures"
    app.run()
    assert EXAMPLE in texts(app) and "run" not in app.query_params, "nobody has shown that study here"
    app.query_params["run"] = size.id
    app.run()
    for view, mark in (("Depth", "linear probe"), ("Pictures", "fitted law"), ("Depth", "linear probe")):
        app.session_state.laboratory_view = view
        app.run()
        assert mark in charts(app)


def test_newest_study_of_the_same_pictures_is_found_in_a_new_visit(page: Any, store: Store, engine: Any) -> None:
    first = page("laboratory")
    first.button(key="laboratory_start_depth").click().run()
    (run,) = store.live()
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    store.finish(claimed, "done", result=whole(depth_result()).to_json(), environment=ENVIRONMENT)
    again = page("laboratory")  # no link, another session, the same sample set
    assert "linear probe" in charts(again) and "were measured on this server before" in texts(again)
    again.number_input(key="laboratory_depth_epochs").set_value(5).run()
    assert "The figures are of other settings than those chosen now." in texts(again)


def test_study_that_goes_on_is_nobody_elses(page: Any, store: Store, engine: Any) -> None:
    page("laboratory").button(key="laboratory_start_depth").click().run()
    other = page("laboratory")
    assert not other.get("progress") and not other.button(key="laboratory_start_depth").disabled


def test_study_of_other_pictures_is_said_to_be_one(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    app = page("laboratory")
    app.query_params["run"] = run.id
    app.run()
    assert "This is a study of other pictures: my \\<set\\>: question." in texts(app)
    assert app.session_state.album.is_sample, "nothing of the reader's is exchanged"
    app.button(key="laboratory_mine_depth").click().run()
    assert EXAMPLE in texts(app) and "run" not in app.query_params


def test_running_study_shows_its_phase_and_can_be_stopped(
    page: Any, store: Store, items: tuple[Item, ...], engine: Any, as_own: Any
) -> None:
    run = store.create("lab", LabSpec(items, DepthOptions(), "set").to_json(), title="set")
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    store.beat(claimed, {"phase": "5 blocks frozen", "fraction": 0.25, "arm": ""})
    app = page("laboratory", run=run.id)
    assert "5 blocks frozen" in app.get("progress")[0].proto.text
    as_own(app, run.id).button(key="laboratory_stop").click().run()
    assert engine.stopped == [run.id]
    assert not app.exception


def test_stopped_study_shows_what_was_known(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    known = replace(depth_result(), cuts=(), sentences=(STOPPED,))
    run = stored(store, items, "depth", "stopped", known)
    app = page("laboratory", run=run.id)
    assert "Stopped early" in texts(app) and "linear probe" in charts(app)
    assert not app.exception


@pytest.mark.parametrize("kind", list(RESULTS))
def test_study_stopped_before_any_figure_is_no_traceback(
    page: Any, store: Store, items: tuple[Item, ...], kind: str
) -> None:
    empty = STUDIES[kind].result(sentences=(STOPPED,))
    app = page("laboratory", run=stored(store, items, kind, "stopped", empty).id)
    assert not app.exception and not charts(app)
    assert plain(STOPPED) in texts(app)


def test_study_done_in_part_shows_its_parts_and_only_the_rest_is_measured(
    page: Any, store: Store, items: tuple[Item, ...], engine: Any, as_own: Any
) -> None:
    known = replace(recipes_result(), recipes=recipes_result().recipes[:1])
    run = stored(store, items, "recipes", "partial", known, "There was not enough memory.")
    app = page("laboratory", run=run.id)
    assert not app.exception and "There was not enough memory." in texts(app) and "% of its norm" in charts(app)
    assert not [button for button in app.button if button.key == "laboratory_rest_recipes"], "a stranger's"
    app = as_own(app, run.id)
    app.button(key="laboratory_rest_recipes").click().run()
    again = store.get(run.id)
    assert engine.submitted == [run.id] and again.live and again.result == run.result, "it keeps what it has"


def test_result_of_version_0_1_is_shown(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    old = json.loads(OLD_RESULTS.read_text(encoding="utf-8"))
    for kind in RESULTS.keys() & old:
        spec = LabSpec(items, STUDIES[kind].options(), "old").to_json()
        claimed = store.claim(store.create("lab", spec, title="old").id, "w")
        assert claimed is not None
        store.finish(claimed, "done", result=old[kind], environment=ENVIRONMENT)
        app = page("laboratory", run=claimed.id)
        assert not app.exception and not app.error and charts(app), kind


def test_result_that_cannot_be_read_is_said_in_a_sentence(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    newer = store.claim(store.create("lab", run.spec, title="newer").id, "w")
    assert newer is not None
    store.finish(newer, "done", result=run.result | {"version": 3}, environment=ENVIRONMENT)
    app = page("laboratory", run=newer.id)
    assert "This result is of version 3" in app.error[0].value and not app.exception and EXAMPLE in texts(app)


def test_every_study_has_a_view_under_its_key() -> None:
    assert list(VIEWS) == list(STUDIES)
    for view in VIEWS.values():
        assert callable(getattr(importlib.import_module(view.module), view.function))


def test_failed_study_says_what_happened(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory", run=stored(store, items, "size", "failed", error="The worker died twice.").id)
    assert "The worker died twice." in app.error[0].value
    assert not app.exception and not app.button(key="laboratory_start_size").disabled


@pytest.mark.parametrize("wanted", ["0123456789ab", "transfer"])
def test_link_that_names_no_study_is_said_and_the_page_can_be_used(page: Any, store: Store, wanted: str) -> None:
    run_id = store.create("transfer", {"options": {}}, title="other").id if wanted == "transfer" else wanted
    app = page("laboratory", run=run_id)
    assert f"There is no study {run_id} on this server." in app.error[0].value
    assert not app.exception and not app.button(key="laboratory_start_depth").disabled


def test_transfer_page_leaves_studies_to_the_laboratory(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("transfer", run=stored(store, items, "size").id)
    assert not app.exception
    assert "There is no training" in app.error[0].value


def test_own_album_stays_without_a_word_in_the_link(
    page: Any, store: Store, items: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = "d" * 40
    monkeypatch.setattr("ui.shared.session.visit", lambda: visit)
    Album(store, visit, "abcdef", "your pictures", list(items)).save()
    app = page("laboratory")
    assert app.session_state.album.counts == {"c*t": 8, "dog": 8} and app.session_state.album.id == "abcdef"
    assert "set" not in app.query_params
    monkeypatch.setattr("ui.shared.session.visit", lambda: "e" * 40)
    app = page("laboratory", set="abcdef")
    assert app.session_state.album.counts == {"c*t": 8, "dog": 8} and app.session_state.album.id != "abcdef", "a copy"


@pytest.mark.parametrize("kind", list(STUDIES))
def test_every_study_opens_with_an_example_that_is_stamped_and_has_a_receipt(page: Any, engine: Any, kind: str) -> None:
    engine.answers["augmented_sheet"] = np.zeros((2, 6, 8, 8, 3), np.uint8)
    app = page("laboratory", laboratory_view=VIEW_OF[kind])
    assert not app.exception and not app.error and not app.warning
    assert EXAMPLE in "\n".join(info.value for info in app.info), "whose pictures"
    drawn = app.get("plotly_chart")
    assert drawn and all("an example: clothing" in chart.proto.spec for chart in drawn)
    assert all(chart.proto.alt.startswith("An example, five kinds of clothing: ") for chart in drawn)
    command = f"python -m cnn_core lab {kind} clothing5/train"
    assert any(code.value.startswith(command) and code.value.endswith("--json") for code in app.code)
    told = texts(app)
    for part in ("300 pictures in 5 classes; 20", "Seed 0; CPU", "Keras 3", "Computed before, not here, on two cores"):
        assert part in told.replace("\\", ""), part


def test_study_of_ones_own_takes_the_place_of_the_example(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory", run=stored(store, items, "depth").id)
    assert EXAMPLE not in texts(app) and "an example" not in charts(app)


def test_renamed_study_is_called_by_its_new_name(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    store.rename(run.id, "Monday's pets")
    app = page("laboratory", run=run.id)
    assert "**Monday's pets**" in texts(app) and "my \\<set\\>" not in texts(app)


def test_study_of_the_pictures_before_a_change_stays_in_sight_until_they_are_measured_again(
    page: Any, store: Store, items: tuple[Item, ...], engine: Any, as_own: Any
) -> None:
    depth, size = stored(store, items, "depth"), stored(store, items, "size")
    for kind, run in (("depth", depth), ("size", size)):
        store.lists.add(keys.studies(fingerprint(items), kind), run.id)
    older = "**This result is older than your pictures**: 1 picture moved since. Measure again when you are done."
    app = as_own(page("laboratory", run=depth.id), depth.id, size.id)
    album = app.session_state.album
    album.move({items[0].digest}, "c*t", "dog")
    app.run()
    assert older in texts(app) and "linear probe" in charts(app) and app.query_params["run"] in (depth.id, [depth.id])
    assert not [button for button in app.button if button.key == "laboratory_mine_depth"], "they are its own"
    app.session_state.laboratory_view = "Pictures"
    app.run()
    assert older in texts(app) and "fitted law" in charts(app), "another step's too"
    app.session_state.laboratory_view = "Depth"
    app.run()
    app.button(key="laboratory_start_depth").click().run()
    (live,) = store.live()
    claimed = store.claim(live.id, "w")
    assert claimed is not None
    store.finish(claimed, "done", result=whole(depth_result()).to_json(), environment=ENVIRONMENT)
    app.run()
    assert older not in texts(app) and app.query_params["run"] in (live.id, [live.id])
    album.undo()
    app.run()
    assert older not in texts(app) and app.query_params["run"] in (depth.id, [depth.id]), "of these it was measured"
