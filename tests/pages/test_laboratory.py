"""The laboratory's study views: what is started, what is shown of a stored result, and at whose link."""

from typing import Any

import numpy as np
import pytest
from cnn_core.training.lab.statistics import METHOD, accuracy_summary, paired_comparison

from cnn_core.arithmetic.statistics import METHOD, accuracy_summary, paired_comparison
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Run, Store
from cnn_core.training.lab.size_job import fit_law
from cnn_core.training.lab.spec import RECIPES, LabOptions, Study
from ui.lab.runs import VIEW_OF
from ui.session import Album

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


def accuracy(*correct: int) -> dict[str, Any]:
    return accuracy_summary(correct, [20] * len(correct), 0.25)


def difference(*points: int, names: tuple[str, str] = ("it", "the right one")) -> dict[str, Any]:
    return paired_comparison([0.9 + p / 100 for p in points], [0.9] * len(points), 0.25, names)


def depth_result() -> dict[str, Any]:
    stages = [{"frozen_blocks": n, "blocks": 17, "name": f"block {n} of 17", "channels": 8} for n in (1, 17)]
    stages = [stage | accuracy(*right) for stage, right in zip(stages, ((11, 12, 13), (18, 19, 17)), strict=True)]
    return {"stages": stages, "cuts": [stages[0], stages[1]], "paired": [], "sentences": ["It rises with depth."]}


def size_result() -> dict[str, Any]:
    sizes = [1, 2, 5, 10]
    errors = np.array([0.5 * n**-0.7 for n in sizes])[:, None] + np.array([0.0, 0.01, -0.01, 0.005])
    points = [
        {"pictures": n} | accuracy_summary((100 * (1 - row)).round().astype(int).tolist(), [100] * 4, 0.25)
        for n, row in zip(sizes, errors, strict=True)
    ]
    arms = {"frozen": {"points": points, "law": fit_law(sizes, errors)}}
    arms["fine_tuned"] = {"points": points[2:], "law": {"words": "No law is fitted to 2 sizes."}}
    return {"arms": arms, "sentences": ["frozen: …"]}


def recipes_result() -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        {"name": "head_first", "title": "Head first", "distances": [0.01, 0.02], "statistics_drift": [0.0, 0.0]},
        {
            "name": "batchnorm_training",
            "title": "BatchNorm left training",
            "distances": [0.01, 0.02],
            "statistics_drift": [0.2, 0.137],
            "paired": difference(-3, -1, -4),
        },
    ]
    found = [entry | {"accuracy": accuracy(18, 19, 17), "losses": []} for entry in found]
    found.append({"name": "rate_100", "title": "Rate 100 times higher", "error": "The loss became nan in epoch 1."})
    blocks = ["block7a_expand_conv", "top_conv"]
    return {"recipes": found, "trained_blocks": blocks, "sentences": ["Weights moved by 2.0 % at most."]}


def sabotage_result() -> dict[str, Any]:
    distortions = [
        {
            "name": "raw_range",
            "title": "raw [0, 255]",
            "about": "x",
            "accuracy": accuracy(9, 10, 8),
            "loss": difference(-40, -45, -42),
            "agreement": 0.16,
            "agreement_interval": [0.12, 0.21],
        },
        {"name": "grey", "title": "grey", "about": "luminance", "not_applicable": "Here this is the right one."},
    ]
    found = [
        {
            "name": "efficientnet_lite0",
            "title": "EfficientNet-Lite0",
            "unavailable": "",
            "right": accuracy(18, 19, 17),
            "distortions": distortions,
        },
        {"name": "resnet50", "title": "ResNet-50", "unavailable": "ResNet-50 is away."},
    ]
    grey = "16 of 16 pictures are grey: train on grey."
    return {"backbones": found, "mismatches": [grey], "sentences": ["Raw is 42.3 points worse.", grey]}


def backbones_result() -> dict[str, Any]:
    found = [
        {
            "name": "efficientnet_lite0",
            "title": "EfficientNet-Lite0",
            "licence": "Apache-2.0",
            "imagenet_top1": 75.1,
            "unavailable": "",
            "accuracy": accuracy(18, 19, 17),
            "milliseconds": 38.1,
            "macs": 384e6,
            "params": 3_413_024,
            "megabytes": 13.65,
        },
        {
            "name": "resnet50",
            "title": "ResNet-50",
            "licence": "Apache-2.0",
            "imagenet_top1": 74.9,
            "unavailable": "ResNet-50 is away.",
        },
    ]
    return {"backbones": found, "sentences": ["EfficientNet-Lite0: accuracy 0.900.", "ResNet-50 is away."]}


RESULTS = {
    "depth": depth_result,
    "size": size_result,
    "recipes": recipes_result,
    "sabotage": sabotage_result,
    "backbones": backbones_result,
}


def stored(store: Store, items: tuple[Item, ...], kind: str, state: str = "done", **result: Any) -> Run:
    """Put an ended study of these pictures into the store."""
    run = store.create("lab", Study(items, LabOptions.of(kind), "my <set>").to_json(), title="my <set>: question")
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    common = {
        "classes": ["c*t", "dog"],
        "pictures": 16,
        "notes": [],
        "complete": state == "done",
        "intervals": METHOD,
        "seconds": 3.0,
        "cpu_seconds": 4.0,
    }
    found = common | RESULTS[kind]() | result
    store.finish(
        claimed,
        state,
        result=found if state != "failed" else None,
        environment=ENVIRONMENT,
        error="The worker died twice." if state == "failed" else "",
    )
    return store.get(run.id)


def test_page_begins_with_a_sample_its_counts_and_what_it_will_take(page: Any) -> None:
    app = page("laboratory")
    assert not app.exception and not app.warning
    assert "**192 pictures** of Brick, grass, gravel: brick 64, grass 64, gravel 64" in texts(app)
    assert "About 40 s of processor time" in texts(app), "62 s for 300 pictures were measured"
    assert not app.button(key="laboratory_start_depth").disabled


def test_start_creates_a_study_of_the_album_with_the_usual_settings(page: Any, store: Store, engine: Any) -> None:
    app = page("laboratory")
    for kind in RESULTS:
        app.session_state.laboratory_view = VIEW_OF[kind]
        app.run()
        app.button(key=f"laboratory_start_{kind}").click().run()
        assert not app.exception
        run = store.get(store.live()[-1].id)
        assert engine.submitted[-1] == run.id
        study = Study.from_json(run.spec)
        assert study.options == LabOptions.of(kind), "the page's defaults are the command's"
        assert len(study.items) == 192 and study.source == "Brick, grass, gravel"
        assert app.query_params["run"] in (run.id, [run.id])
        assert app.button(key=f"laboratory_start_{kind}").disabled, "one at a time"


def test_settings_reach_the_study(page: Any, store: Store, engine: Any) -> None:
    app = page("laboratory", laboratory_view="Recipes")
    app.number_input(key="laboratory_recipes_epochs").set_value(1)
    app.number_input(key="laboratory_recipes_training_splits").set_value(2)
    app.get("button_group")[1].set_value(["batchnorm_training"]).run()
    app.button(key="laboratory_start_recipes").click().run()
    options = Study.from_json(store.get(store.live()[0].id).spec).options
    assert (options.epochs, options.training_splits) == (1, 2)
    assert options.recipes == (RECIPES[0], "batchnorm_training")


def test_too_many_folds_switch_the_button_off_and_say_why(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    app = page("laboratory", run=run.id)
    app.number_input(key="laboratory_depth_folds").set_value(9).run()
    assert app.button(key="laboratory_start_depth").disabled
    assert "has 8 pictures and there are 9 folds. Choose fewer folds or add pictures" in texts(app)
    app.number_input(key="laboratory_depth_folds").set_value(4)
    app.number_input(key="laboratory_depth_training_splits").set_value(20).run()
    assert "training\\_splits is 20; expected 1 to 8." in texts(app)
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
        ("depth", "It rises with depth.", "blocks above trained, below frozen"),
        ("size", "Doubling 10 pictures a class to 20 would buy", "Frozen: fitted law"),
        ("recipes", "Only “BatchNorm left training” moved them.", "% of its norm"),
        ("sabotage", "**These pictures are likely to suffer:**", "pictures answered as before"),
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
    assert "of my \\<set\\>: c\\*t 8, dog 8" in texts(app), "names are no markup"
    assert f"run={app.session_state.laboratory_linked}" in app.code[0].value


def test_recipe_that_diverged_is_named(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory", run=stored(store, items, "recipes").id)
    assert "**Rate 100 times higher** did not come through: The loss became nan in epoch 1." in texts(app)


def test_switching_views_loses_nothing(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    depth, size = stored(store, items, "depth"), stored(store, items, "size")
    app = page("laboratory", run=depth.id)
    app.session_state.laboratory_view = "Pictures"
    app.run()
    assert not charts(app) and "run" not in app.query_params, "nobody has shown that study here"
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
    extra = {
        "classes": ["a"],
        "pictures": 192,
        "notes": [],
        "complete": True,
        "intervals": METHOD,
        "seconds": 1.0,
        "cpu_seconds": 1.0,
    }
    store.finish(claimed, "done", result=depth_result() | extra, environment=ENVIRONMENT)
    again = page("laboratory")  # no link, another session, the same sample set
    assert "linear probe" in charts(again) and "were measured on this server before" in texts(again)
    again.number_input(key="laboratory_depth_epochs").set_value(5).run()
    assert "The figures below are of other settings than those above." in texts(again)


def test_study_that_goes_on_is_nobody_elses(page: Any, store: Store, engine: Any) -> None:
    page("laboratory").button(key="laboratory_start_depth").click().run()
    other = page("laboratory")
    assert not other.get("progress") and not other.button(key="laboratory_start_depth").disabled


def test_study_of_other_pictures_is_said_to_be_one(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth")
    app = page("laboratory")
    app.query_params["run"] = run.id
    app.run()
    assert "This is a study of other pictures: my \\<set\\>\\: question." in texts(app)
    assert app.session_state.album.is_sample, "nothing of the reader's is exchanged"
    app.button(key="laboratory_mine_depth").click().run()
    assert not charts(app) and "run" not in app.query_params


def test_running_study_shows_its_phase_and_can_be_stopped(
    page: Any, store: Store, items: tuple[Item, ...], engine: Any, as_own: Any
) -> None:
    run = store.create("lab", Study(items, LabOptions.of("depth"), "set").to_json(), title="set")
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    store.beat(claimed, {"phase": "5 blocks frozen", "fraction": 0.25, "arm": ""})
    app = page("laboratory", run=run.id)
    assert "5 blocks frozen" in app.get("progress")[0].proto.text
    as_own(app, run.id).button(key="laboratory_stop").click().run()
    assert engine.stopped == [run.id]
    assert not app.exception


def test_stopped_study_shows_what_was_known(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    run = stored(store, items, "depth", "stopped", cuts=[], sentences=["Stopped early: the figures are those known."])
    app = page("laboratory", run=run.id)
    assert "Stopped early" in texts(app) and "linear probe" in charts(app)
    assert not app.exception


@pytest.mark.parametrize("kind", list(RESULTS))
def test_study_stopped_before_any_figure_is_no_traceback(
    page: Any, store: Store, items: tuple[Item, ...], kind: str
) -> None:
    empty = dict.fromkeys(RESULTS[kind](), None)
    bare = {key: {} if key == "arms" else [] for key in empty}
    app = page("laboratory", run=stored(store, items, kind, "stopped", **bare | {"sentences": ["Stopped early."]}).id)
    assert not app.exception and not charts(app)
    assert "Stopped early." in texts(app)


def test_failed_study_says_what_happened(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory", run=stored(store, items, "size", "failed").id)
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
    assert "There is no run" in app.error[0].value


def test_own_album_stays_in_the_link(page: Any, store: Store, items: tuple[Item, ...]) -> None:
    app = page("laboratory")
    app.session_state.album = Album("abcdef", "your pictures", list(items))
    app.run()
    assert app.query_params["set"] in ("abcdef", ["abcdef"])
    assert page("laboratory", set="abcdef").session_state.album.counts == {"c*t": 8, "dog": 8}
