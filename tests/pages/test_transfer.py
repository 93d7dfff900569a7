"""The transfer page: pictures in, controls, a run's panel and its result."""

import io
import json
import re
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.arithmetic.measures import wilson
from cnn_core.engine.errors import EngineError
from cnn_core.networks.backbones import DEFAULT, backbone, weights_id
from cnn_core.pictures import kept, sets
from cnn_core.pictures.images import Picture, decode
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import how_it_ended
from cnn_core.store.runs import Store
from cnn_core.training.lab.labels import Evidence, Neighbour
from cnn_core.training.transfer import onnx_extra
from cnn_core.training.transfer.evaluation import compare, evaluate
from cnn_core.training.transfer.export import bundle
from cnn_core.training.transfer.results import Arm, ClassFigures, EpochFigures, SelfTest, Transfer
from cnn_core.training.transfer.shift import Fall, Missed, Shift, Trait
from cnn_core.training.transfer.spec import Experiment, Options
from tests.pages.test_every_control import controls, dead, shown
from ui.shared.navigation import PAGES
from ui.shared.text import plain
from ui.transfer import live


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def archive(**classes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for number, (label, count) in enumerate(classes.items()):
            for index in range(count):
                packed.writestr(f"{label}/{index}.jpg", jpeg(100 * number + index))
    return buffer.getvalue()


def upload_zip(app: Any, data: bytes) -> Any:
    return app.file_uploader(key=f"transfer_zip_{app.session_state.transfer_serial}").upload("set.zip", data).run()


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def edit(app: Any, label: str) -> Any:
    """Open the dialog of a class, as its tile does."""
    assert not any(str(each.key).startswith("transfer_name_") for each in app.text_input), "none is open"
    app.session_state.transfer_edited = label
    return app.run()


def start(app: Any) -> Any:
    return app.button(key="transfer_start")


def test_page_begins_with_a_sample_set_and_its_credit(page: Any) -> None:
    app = page("transfer")
    assert not app.exception
    assert "192 pictures in 3 classes" in texts(app)
    assert "CC0" in texts(app)
    assert not start(app).disabled


def test_zip_takes_the_samples_place_and_classes_are_its_folders(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=12))
    assert "18 added." in texts(app)
    assert app.session_state.album.counts == {"cats": 6, "dogs": 12}
    assert "Fewer than 10 pictures of cats" in texts(app)
    assert not start(app).disabled


def test_files_are_dropped_on_the_card_of_their_class(page: Any) -> None:
    app = page("transfer")
    assert not [box for box in app.file_uploader if str(box.key).startswith("transfer_files_")], "samples take none"
    app = upload_zip(app, archive(hats=5))
    assert start(app).disabled
    assert "There is 1 class; at least 2 are needed." in texts(app)
    app.file_uploader(key="transfer_files_1_hats").upload("a.jpg", jpeg(999)).run()
    assert app.session_state.album.counts == {"hats": 6}


def add_class(app: Any, name: str) -> Any:
    app.text_input(key="transfer_new_class").set_value(name)
    return app.button(key="transfer_new_go").click().run()


def test_new_class_takes_the_samples_place_and_has_a_card_for_its_pictures(page: Any) -> None:
    app = add_class(page("transfer"), " hats\n")
    assert app.session_state.album.counts == {"hats": 0}
    assert start(app).disabled
    app = add_class(app, "shoes")
    app.file_uploader(key="transfer_files_0_shoes").upload("a.jpg", jpeg(1)).run()
    assert app.session_state.album.counts == {"hats": 0, "shoes": 1}
    app = add_class(app, "shoes")
    assert app.session_state.album.counts == {"hats": 0, "shoes": 1}, "it is there already"
    app = add_class(app, "h" * 300)
    assert "has a name of 300 characters" in app.error[0].value
    assert not app.exception


def test_class_without_pictures_is_named_before_the_button_can_be_pressed(page: Any) -> None:
    app = add_class(upload_zip(page("transfer"), archive(cats=6, dogs=6)), "cows")
    assert start(app).disabled
    assert "The class 'cows' has no pictures. Add some or remove the class." in texts(app)


def test_phone_is_told_that_it_cannot_choose_folders(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Many phones cannot choose folders" not in texts(page("transfer"))
    monkeypatch.setattr("ui.transfer.pictures_in._is_phone", lambda: True)
    assert "Many phones cannot choose folders" in texts(page("transfer"))


def test_example_is_stamped_with_its_provenance_before_anything_is_trained(page: Any) -> None:
    said = texts(page("transfer")).replace("\\", "")
    assert "**Example, not yours: 57 and 57 of 60: a tie.**" in said and "Five kinds of clothing: 300 photos" in said
    assert "README, “What to expect”: seed 0" in said
    assert "95.0%" in said


def test_every_setting_changes_what_is_expected_of_the_run(page: Any) -> None:
    app = page("transfer")
    assert {control.key for control in controls(app)} & SETTINGS == SETTINGS
    assert [control for control in dead(app) if control in SETTINGS] == []
    for name, other in {"batch": 4, "head_rate": 1e-4, "ratio": 100}.items():
        before, control = shown(app), app.select_slider(key=f"transfer_{name}")
        kept = control.value
        control.set_value(other).run()
        assert shown(app) != before, name
        app.select_slider(key=f"transfer_{name}").set_value(kept).run()
        assert shown(app) == before


SETTINGS = {
    *(f"transfer_{name}" for name in ("arms", "backbone", "epochs", "seed", "augment")),
    "transfer_blocks_efficientnet_lite0",
}


def test_refused_file_is_named_with_reason_and_remedy_and_the_rest_stays(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    mixed = io.BytesIO()
    with zipfile.ZipFile(mixed, "w") as packed:
        packed.writestr("cats/new.jpg", jpeg(999))
        packed.writestr("cats/broken.jpg", jpeg(998)[:300])
        packed.writestr("stray.jpg", jpeg(997))
    app = upload_zip(app, mixed.getvalue())
    assert "1 added, 2 skipped." in texts(app)
    assert "broken.jpg" in texts(app)
    assert "damaged or cut short" in texts(app)
    assert "put it into a folder named after its class" in texts(app)
    assert app.session_state.album.counts == {"cats": 7, "dogs": 6}


def test_archive_that_is_none_is_refused_in_a_sentence(page: Any) -> None:
    app = upload_zip(page("transfer"), b"PK but not really")
    assert "0 added, 1 skipped." in texts(app)
    assert "set.zip" in texts(app)
    assert app.session_state.album.is_sample


def test_too_few_pictures_switch_the_button_off_and_say_why(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=4))
    assert start(app).disabled
    assert "The class 'dogs' has 4 pictures; at least 5 are needed. Add 1 more." in texts(app)


def test_same_picture_twice_is_counted_once(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    app = upload_zip(app, archive(cats=6, dogs=6))
    assert "0 added, 12 there already" in texts(app)


def test_class_can_be_renamed_joined_and_removed(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6, cows=5))
    album = app.session_state.album
    edit(app, "cats").text_input(key=f"transfer_name_{album.id}_cats").set_value("lions").run()
    assert album.counts == {"cows": 5, "dogs": 6, "lions": 6}
    edit(app, "cows").text_input(key=f"transfer_name_{album.id}_cows").set_value("dogs").run()
    assert album.counts == {"dogs": 11, "lions": 6}
    edit(app, "lions").button(key=f"transfer_drop_{album.id}_lions").click().run()
    assert album.counts == {"dogs": 11}


def test_chosen_pictures_can_be_moved_and_removed(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    album = app.session_state.album
    first, second, *_ = (item.digest for item in album.of("cats"))
    album.move({first}, "cats", "dogs")
    album.remove({second}, "cats")
    assert album.counts == {"cats": 4, "dogs": 7}
    assert first in {item.digest for item in album.of("dogs")}


def test_pictures_survive_another_page_and_a_reload(page: Any, store: Store) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    kept = app.session_state.album.id
    app.switch_page(str(PAGES / "home.py")).run()
    app.switch_page(str(PAGES / "transfer.py")).run()
    assert app.session_state.album.counts == {"cats": 6, "dogs": 6}
    again = page("transfer", set=kept)
    assert again.session_state.album.counts == {"cats": 6, "dogs": 6}
    assert again.session_state.album.id != kept  # a copy: changes do not reach whoever shared the link


def upload_tests(app: Any, data: bytes) -> Any:
    key = f"transfer_test_zip_{app.session_state.transfer_serial}"
    return app.file_uploader(key=key).upload("test.zip", data).run()


def test_test_set_of_ones_own_is_matched_to_the_classes_and_nothing_is_learnt_from_it(page: Any, store: Store) -> None:
    app = page("transfer")
    assert "Give photos to learn from first" in texts(app)
    app = upload_zip(app, archive(cats=6, dogs=7))
    app.file_uploader(key=f"transfer_test_files_{app.session_state.transfer_serial}").upload("a.jpg", jpeg(901)).run()
    assert "1 added. They are tested on, and not learnt from." in texts(app)
    app.segmented_control(key="transfer_test_way").set_value("Zip").run()
    before = app.session_state.album.items
    app = upload_tests(app, archive(cats=2, rats=2))
    assert "has a class rats that your pictures lack; they have cats, dogs. Nothing was added" in texts(app)
    assert app.session_state.album.items == before
    with io.BytesIO() as other:
        with zipfile.ZipFile(other, "w") as packed:
            packed.writestr("Dogs/new.jpg", jpeg(902))
            packed.writestr("Cats/new.jpg", jpeg(0))  # one that is learnt from, too
        app = upload_tests(app, other.getvalue())
    assert not app.exception
    tested = [(item.label, item.part) for item in app.session_state.album.items if item.part]
    assert sorted(tested) == [("cats", "test"), ("cats", "test"), ("dogs", "test")]
    said = texts(app)
    assert "**13 pictures in 2 classes**" in said and "**cats** · 6, 2 to test" in said
    assert "**3 pictures to test on**, from which nothing is learnt: cats 2, dogs 1." in said
    start(app).click().run()
    (run,) = (store.get(glance.id) for glance in store.live())
    parts = sets.split(Experiment.from_json(run.spec).items, 0)
    assert len(parts.test) == 3 and len(parts.train) + len(parts.validation) == 12
    assert parts.notes == ("1 picture left out of training: also in the test part.",)
    app = page("transfer", run=finish(store, run, found=measured_of(run)).id)
    assert "that no arm has seen: a test set that was given for it" in texts(app)
    app.button(key="transfer_back").click().run()
    app.button(key="transfer_test_clear").click().run()
    assert not [item for item in app.session_state.album.items if item.part]
    assert app.session_state.album.counts == {"cats": 6, "dogs": 7}
    app.button(key="set_undo").click().run()
    assert app.session_state.album.counts == {"cats": 8, "dogs": 8}


def test_start_creates_a_run_of_exactly_what_was_chosen(page: Any, store: Store, engine: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    app.slider(key="transfer_epochs").set_value(3)
    app.number_input(key="transfer_seed").set_value(7)
    start(app).click().run()
    (run,) = (store.get(glance.id) for glance in store.live())
    assert engine.submitted == [run.id]
    experiment = Experiment.from_json(run.spec)
    assert experiment.options == Options(epochs=3, seed=7)
    assert {item.label for item in experiment.items} == {"cats", "dogs"}
    assert app.query_params["run"] == run.id


def test_backbone_without_weights_is_refused_with_the_reason(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnn_core.networks import backbones

    def no_network(*_: Any, **__: Any) -> Any:
        raise OSError("no route")

    monkeypatch.setattr(backbones.socket, "create_connection", no_network)
    monkeypatch.setenv("KERAS_HOME", "/nonexistent")
    app = page("transfer")
    app.selectbox(key="transfer_backbone").set_value("resnet50").run()
    assert start(app).disabled
    assert "ResNet-50 is not on this machine and its weights cannot be downloaded" in texts(app)
    assert "no route" in texts(app)


# A run ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(store: Store) -> Run:
    pictures = [
        sets.keep(store, Picture(np.full((30, 30, 3), 100 * n + 5 * i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    ]
    return store.create("transfer", Experiment(tuple(pictures)).to_json(), title="two kinds")


def measured_of(run: Run) -> Transfer:
    """Figures of a run of cats and dogs."""
    items = Experiment.from_json(run.spec).items
    two = [next(item for item in items if item.label == label) for label in ("cats", "dogs")]
    figures = evaluate(np.array([[0.9, 0.1], [0.1, 0.9]]), two, ("cats", "dogs"))
    arm = Arm(
        **vars(figures),
        history=(),
        best_epoch=1,
        trainable_params=1,
        total_params=2,
        model_bytes=3,
        seconds={"features": 0.5, "training": 3.0},
    )
    return Transfer(("cats", "dogs"), {"train": 9, "validation": 3, "test": 2}, {"frozen": arm})


ENVIRONMENT = {"device": "CPU", "keras": "3", "tensorflow": "2", "python": "3.11", "commit": "abc"}


def measured(run: Run) -> Transfer:
    """Figures of a known right and wrong answer."""
    items = Experiment.from_json(run.spec).items[5:7]  # one cat, one dog
    said = {"frozen": [[0.9, 0.1], [0.8, 0.2]], "fine_tuned": [[0.9, 0.1], [0.3, 0.7]]}
    arms = {
        name: Arm(
            **vars(evaluate(np.array(rows), items, ("cat", "dog"))),
            history=(EpochFigures("head", 1, 0.5, 0.7, 0.5, 0.6, 0.5),),
            best_epoch=2,
            trainable_params=2562,
            total_params=3_415_586,
            model_bytes=14_000_000,
            seconds={"features": 0.5, "training": 3.0, "testing": 0.2},
        )
        for name, rows in said.items()
    }
    sizes = {"train": 6, "validation": 2, "test": 2}
    return Transfer(("cat", "dog"), sizes, arms, compare(arms), seconds=4.0)


def finish(store: Store, run: Run, state: str = "done", error: str = "", found: Transfer | None = None) -> Run:
    """End a run, with figures unless it has failed: by default of both arms."""
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    result = None if state == "failed" else (found or measured(run)).to_json()
    store.finish(claimed, state, result=result, error=error, environment=ENVIRONMENT)
    return store.get(run.id)


def lose(store: Store, run: Run, why: str, found: Transfer) -> Run:
    """End a run whose job did not return: what it had handed over stays, and there is no environment."""
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    store.beat(claimed, {}, found.to_json())
    store.finish(claimed, **how_it_ended(None, why, False, found.to_json()))
    return store.get(run.id)


def test_running_run_shows_progress_curves_and_stop(
    page: Any, store: Store, run: Run, engine: Any, as_own: Any
) -> None:
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    epoch = EpochFigures("head", 1, 0.5, loss=0.7, accuracy=0.5, val_loss=0.6, val_accuracy=0.5)
    curves = {"frozen": {"batches": [[0.5, 0.8, 0.4]], "epochs": [asdict(epoch)]}}
    store.beat(claimed, {"phase": "head", "arm": "frozen", "fraction": 0.25, "curves": curves})
    app = page("transfer", run=run.id)
    assert not app.exception
    assert "training the head" in app.get("progress")[0].proto.text
    assert "Frozen, validation" in app.get("plotly_chart")[0].proto.spec
    assert "Only whoever started this run can stop it." in [caption.value for caption in app.caption]
    assert "transfer_stop" not in [button.key for button in app.button], "it is a stranger's"
    as_own(app, run.id).button(key="transfer_stop").click().run()
    assert engine.stopped == [run.id]


def test_waiting_run_says_what_it_waits_for(page: Any, store: Store, run: Run) -> None:
    later = store.create("transfer", run.spec, title="second")
    app = page("transfer", run=later.id)
    assert "Waiting: 1 run is before this one." in app.get("progress")[0].proto.text


def test_test_pictures_of_another_kind_are_said_first(page: Any, store: Store, run: Run) -> None:
    (like, missed), known = Experiment.from_json(run.spec).items[:2], measured(run)
    nearest = (Neighbour(like.digest, "cat [0]", "cat", 0.8),)
    shift = Shift(
        (Fall("frozen", wilson(58, 64), wilson(173, 394), 1e-9),),
        told_apart=wilson(700, 788),
        classes=(
            Fall("cat", wilson(30, 32), wilson(60, 200), 1e-6),
            Fall("dog", wilson(28, 32), wilson(150, 194), 0.4),
        ),
        traits=(Trait("brightness", 134.0, 92.0, 0.001), Trait("contrast", 30.0, 31.0, 0.6)),
        missed=(Missed(missed.digest, "x", "cat", "dog", nearest),),
    )
    notes = ("244 pictures left out of training: also in the test part.", "3 pictures: turned upright (a.jpg first).")
    app = page("transfer", run=finish(store, run, found=replace(known, shift=shift, notes=notes)).id)
    assert not app.exception
    assert app.title[0].value == "Validation 90.6%, test 43.9%: the test pictures are not like the training ones"
    assert "In what are the test pictures different?" in [header.value for header in app.header]
    shown = texts(app).replace("\\", "")
    assert "tells test pictures from training pictures of the same class: 88.8% of 788" in shown
    assert "Classes that fall beyond chance: cat (93.8% of 32 to 30.0% of 200)." in shown
    assert "their brightness is lower (median 92 against 134)." in shown and "their contrast" not in shown
    assert "| cat | 94% | 30% | 200 |" in shown
    assert ":material/info: 244 pictures left out of training: also in the test part." in shown
    assert ":material/info: 3 pictures" not in shown, "only what was left out, not what was done to pictures"


def test_result_names_the_mistake_and_the_uncertainty(page: Any, store: Store, run: Run) -> None:
    app = page("transfer", run=finish(store, run).id)
    assert not app.exception
    shown = texts(app).replace("\\", "")
    assert "Fine-tuned gets 1 picture more right than frozen: too few pictures to call it a difference" in shown
    assert "| On other photos, likely | between 9 and 91% | between 34 and 100% |" in shown  # Wilson's, 1 and 2 of 2
    assert app.title[0].value == "1 and 2 of 2: not clearly better than guessing", "two pictures tell nothing"
    figures = [large for large in ("50.0%", "100.0%") if f"<b>{large}</b>" in shown]
    assert figures == ["50.0%", "100.0%"]
    assert "**1 picture** missed (frozen 1), the surest mistakes first" in shown
    assert "**Fine-tuned**: no mistake on 2 test pictures." in shown
    assert "Accuracies repeat to a picture or two" in shown
    assert "they would likely land elsewhere: frozen between 9 and 91% and fine-tuned between 34 and 100%." in shown


def open_mistake(app: Any) -> Any:
    """Look into the first picture on the wall of those that were missed."""
    next(each for each in app.button if str(each.key).startswith("transfer_mistakes_wall_")).click().run()
    assert not app.exception
    return app


def test_missed_pictures_are_a_wall_each_named_by_what_it_is_and_what_was_said(
    page: Any, store: Store, run: Run, walls: None
) -> None:
    app = page("transfer", run=finish(store, run).id)
    (missed,) = (answer for answer in measured(run).arms["frozen"].answers if not answer.right)
    (tile,) = (each for each in app.button if str(each.key).startswith("transfer_mistakes_wall_"))
    assert tile.label == f"is dog, said cat {missed.probability:.0%}"
    assert tile.help == (f"{missed.name}. Frozen: cat {missed.probability:.0%}. Open: why, and is the label right?")


def test_wrong_label_is_moved_in_the_runs_pictures_and_back_even_where_the_engine_is_away(
    page: Any, store: Store, run: Run, engine: Any, walls: None
) -> None:
    engine.answers["evidence"] = EngineError("The engine is away.")
    app = open_mistake(page("transfer", run=finish(store, run).id))
    (missed,) = (answer for answer in measured(run).arms["frozen"].answers if not answer.right)
    before = app.session_state.album.counts if "album" in app.session_state else {"cat": 6, "dog": 6}
    button = next(each for each in app.button if str(each.key).startswith("transfer_relabel_"))
    assert button.label == "Relabel as cat"
    button.click().run()
    assert not app.exception
    assert app.session_state.album.counts == {"cat": 7, "dog": 5} != before
    assert missed.digest in {item.digest for item in app.session_state.album.of("cat")}
    assert ":material/check: now **cat**" in texts(app)
    next(each for each in app.button if str(each.key).startswith("transfer_unmove_")).click().run()
    assert app.session_state.album.counts == {"cat": 6, "dog": 6}


def test_label_that_all_networks_doubt_is_corrected_without_a_detour(page: Any, store: Store, run: Run) -> None:
    one = measured(run)
    app = page(
        "transfer", run=finish(store, run, found=replace(one, arms=dict.fromkeys(one.arms, one.arms["frozen"]))).id
    )
    (missed,) = one.arms["frozen"].wrong
    assert f"Both networks say **cat** of **{plain(missed.name)}**, labelled dog." in texts(app)
    (button,) = (each for each in app.button if str(each.key).startswith("transfer_relabel_"))
    assert button.label == "Relabel as cat"
    button.click().run()
    assert app.session_state.album.counts == {"cat": 7, "dog": 5}
    assert "Both networks say" not in texts(app), "each is offered once"
    app = page("transfer", run=finish(store, store.create("transfer", run.spec, title="again"), found=one).id)
    assert "networks say" not in texts(app), "the fine-tuned network does not doubt it"


def test_mistake_is_looked_into_when_it_is_opened(page: Any, store: Store, run: Run, engine: Any, walls: None) -> None:
    seen, strong = np.zeros((8, 8, 3), np.uint8), np.zeros((3, 3), np.float32)
    strong[0, 2] = 2.0
    near = tuple(Neighbour(run.spec["items"][n][0], f"{n}.png", label, 0.9) for n, label in ((0, "cat"), (11, "dog")))
    found = Evidence("dog", "cat", {"cat": 0.8, "dog": 0.2}, {"cat": strong, "dog": 0 * strong}, seen, near)
    engine.answers["evidence"] = found
    asked: list[tuple[Any, ...]] = []
    engine.ask = lambda question, *args, **named: asked.append((question, *args)) or engine.answers[question]
    app = page("transfer", run=finish(store, run).id)
    assert "evidence" not in [question for question, *_ in asked], "nothing is computed before it is asked for"
    open_mistake(app)
    (missed,) = (answer for answer in measured(run).arms["frozen"].answers if not answer.right)
    assert asked[-1] == ("evidence", run.id, "frozen", missed.digest), "of the arm that missed it alone"
    assert "**Frozen** says cat at 80%, dog at 20%." in texts(app)
    spoken = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert "Frozen: evidence for cat (what it says), strongest at the top right" in spoken
    assert "Frozen: evidence for dog (its label), strongest nowhere" in spoken
    assert "1 of these 2 are not called “dog”." in texts(app)
    alike = [each for each in app.button if str(each.key).startswith("transfer_nearest_")]
    assert [(each.label, each.help) for each in alike] == [("cat 0.90", "0.png"), ("dog 0.90", "11.png")]
    moved = next(each for each in app.button if str(each.key).startswith("transfer_relabel_"))
    moved.click().run()
    assert app.session_state.album.counts == {"cat": 7, "dog": 5}, "the label is corrected where one has looked"


def test_moved_label_leaves_the_result_and_leads_on_with_the_corrected_pictures(
    page: Any, store: Store, run: Run, engine: Any, walls: None
) -> None:
    engine.answers["evidence"] = EngineError("The engine is away.")
    app = open_mistake(page("transfer", run=finish(store, run).id))
    next(each for each in app.button if str(each.key).startswith("transfer_relabel_")).click().run()
    app.button(key="transfer_back").click().run()
    assert app.session_state.album.counts == {"cat": 7, "dog": 5}
    assert "12 pictures in 2 classes" in texts(app)


def test_pictures_of_a_run_are_studied_next(page: Any, store: Store, run: Run) -> None:
    app = upload_zip(page("transfer"), archive(rats=6, mice=7))
    app.query_params["run"] = finish(store, run).id
    app.run()
    app.button(key="transfer_study").click().run()
    assert not app.exception
    assert app.session_state.album.counts == {"cat": 6, "dog": 6}


def test_training_again_begins_with_the_runs_settings(page: Any, store: Store, run: Run) -> None:
    changed = replace(Experiment.from_json(run.spec), options=Options(epochs=3, seed=7, arms=("frozen",)))
    again = store.create("transfer", changed.to_json(), title="seven")
    both = measured(run)
    frozen = replace(both, arms={"frozen": both.arms["frozen"]}, compared=())
    app = page("transfer", run=finish(store, again, found=frozen).id)
    assert app.title[0].value == "1 of 2: not clearly better than guessing"
    app.button(key="transfer_back").click().run()
    assert (app.slider(key="transfer_epochs").value, app.number_input(key="transfer_seed").value) == (3, 7)
    assert app.button_group(key="transfer_arms").value == ["frozen"]


def test_stopped_run_names_the_arm_that_is_missing(page: Any, store: Store, run: Run) -> None:
    both = measured(run)
    found = replace(both, arms={"frozen": both.arms["frozen"]}, compared=())
    said = texts(page("transfer", run=finish(store, run, "stopped", found=found).id))
    assert "Fine-tuned is missing: the run ended before it had learnt anything." in said


def test_unequal_classes_have_their_balanced_accuracy_beside(page: Any, store: Store, run: Run) -> None:
    both = measured(run)
    assert "balanced accuracy" not in texts(page("transfer", run=finish(store, run).id))
    rows = [ClassFigures("cat", 0.9, 1.0, 0.9, 9), ClassFigures("dog", 1.0, 0.0, 0.0, 1)]
    lopsided = {name: replace(arm, per_class=tuple(rows)) for name, arm in both.arms.items()}
    other = store.create("transfer", run.spec, title="lopsided")
    app = page("transfer", run=finish(store, other, found=replace(both, arms=lopsided)).id)
    said = texts(app)
    assert "the mean of the classes' own shares of right answers): frozen 50.0% and fine-tuned 50.0%." in said
    assert said.count("· balanced 50.0%") == 2, "beside each large figure"
    assert "Train again with “Let every class count the same”" in said


def test_classes_can_count_the_same_only_where_they_are_unequal(page: Any, store: Store) -> None:
    app = page("transfer")
    toggle = app.toggle(key="transfer_class_weights")
    assert toggle.disabled and "equally many pictures" in toggle.help
    app = upload_zip(app, archive(cats=9, dogs=6))
    toggle = app.toggle(key="transfer_class_weights")
    assert not toggle.disabled and "half as many counts twice" in toggle.help
    toggle.set_value(True).run()
    assert "let every class count the same on" in texts(app)
    start(app).click().run()
    (run,) = (store.get(glance.id) for glance in store.live())
    assert Experiment.from_json(run.spec).options == Options(class_weights=True)
    app = page("transfer", run=finish(store, run, found=measured_of(run)).id)
    app.button(key="transfer_back").click().run()
    assert app.toggle(key="transfer_class_weights").value is True


def test_three_arms_are_told_apart_and_no_sentence_says_both(page: Any, store: Store, run: Run) -> None:
    both = measured(run)
    three = {"scratch": both.arms["frozen"], **both.arms}
    options = Options(arms=("scratch", "frozen", "fine_tuned")).to_json()
    asked = store.create("transfer", run.spec | {"options": options}, title="three kinds")
    app = page("transfer", run=finish(store, asked, found=replace(both, arms=three, compared=compare(three))).id)
    assert not app.exception
    assert app.title[0].value == "1, 1 and 2 of 2: not clearly better than guessing"
    assert not re.search(r"\bboth\b", texts(app))


def test_try_shows_both_arms_answers(page: Any, store: Store, run: Run, engine: Any) -> None:
    engine.answers["predict"] = {"frozen": {"cat": 0.25, "dog": 0.75}, "fine_tuned": {"cat": 0.03, "dog": 0.97}}
    seen, strong = np.zeros((8, 8, 3), np.uint8), np.eye(3, dtype=np.float32)
    engine.answers["evidence"] = Evidence(
        "", "dog", {"cat": 0.25, "dog": 0.75}, {"dog": strong, "cat": strong}, seen, ()
    )
    app = page("transfer", run=finish(store, run).id)
    app.file_uploader(key="transfer_try").upload("new.jpg", jpeg(5)).run()
    assert not app.exception
    spoken = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert "Fine-tuned: evidence for dog (what it says), strongest at the top left" in spoken
    assert "Frozen: evidence for cat (its second guess), strongest at the top left" in spoken
    spec = "".join(chart.proto.spec for chart in app.get("plotly_chart"))
    assert "75.0%" in spec
    assert "97.0%" in spec


def test_many_pictures_give_a_wall_the_doubtful_first_and_files_to_take_along(
    page: Any, store: Store, run: Run, engine: Any, walls: None
) -> None:
    shares = {decode(jpeg(seed), "").digest: share for seed, share in ((5, 0.9), (6, 0.6), (8, 0.95))}

    def predict(_run: str, pixels: np.ndarray, **_: Any) -> Any:
        sure = shares[Picture(pixels, "").digest]
        return {"frozen": {"cat": sure, "dog": 1 - sure}, "fine_tuned": {"cat": abs(sure - 0.35), "dog": 0.0}}

    engine.answers |= {"predict": predict, "evidence": EngineError("Away.")}
    app = page("transfer", run=finish(store, run).id)
    given = [(f"{name}.jpg", jpeg(seed), "") for name, seed in (("a", 5), ("b", 6), ("d", 8))]
    app.file_uploader(key="transfer_try").set_value([*given, ("c.jpg", jpeg(7)[:200], "")])
    app.run()
    assert not app.exception
    said = texts(app)
    assert "The networks agree on **3 of 3 pictures**." in said
    tiles = [button for button in app.button if (button.key or "").startswith("transfer_try_wall")]
    assert [tile.label for tile in tiles] == ["cat 25–60%", "cat 55–90%", "cat 60–95%"], "the least sure first"
    assert tiles[0].help == "b.jpg. Frozen says cat at 60%; Fine-tuned says cat at 25%."
    assert "c.jpg" in app.warning[0].value, "why one was refused is said, and the others are answered"
    labels = [button.proto.label for button in app.get("download_button")]
    assert {"Answers (CSV)", "Sorted into folders (zip)"} <= set(labels)
    tiles[0].click().run()
    assert app.get("dialog")[0].proto.dialog.title == "b.jpg"
    assert "60.0%" in "".join(chart.proto.spec for chart in app.get("plotly_chart"))


def test_pictures_on_which_the_networks_differ_come_first(
    page: Any, store: Store, run: Run, engine: Any, walls: None
) -> None:
    engine.answers["predict"] = {"frozen": {"cat": 0.25, "dog": 0.75}, "fine_tuned": {"cat": 0.97, "dog": 0.03}}
    app = page("transfer", run=finish(store, run).id)
    app.file_uploader(key="transfer_try").set_value([("a.jpg", jpeg(5), ""), ("b.jpg", jpeg(6), "")]).run()
    assert "The networks agree on **0 of 2 pictures**." in texts(app)
    assert [button.label for button in app.button if "try_wall" in (button.key or "")] == ["dog / cat"] * 2


def test_page_that_was_open_before_the_run_began_is_drawn_anew_when_the_first_arm_can_be_tried(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew: list[str] = []
    monkeypatch.setattr(live.st, "rerun", lambda: anew.append("anew"))
    monkeypatch.setattr(live, "draw_curves", lambda run: None)
    draw = live._drawn(run)  # it waits: nothing is known of any arm
    draw(replace(run, progress={"arm": "frozen"}))
    assert not anew
    draw(replace(run, progress={"arm": "fine_tuned"}))
    assert anew


def test_arm_that_has_learnt_can_be_tried_while_the_other_learns(
    page: Any, store: Store, run: Run, engine: Any
) -> None:
    engine.answers["predict"] = {"frozen": {"cat": 0.25, "dog": 0.75}}
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    both = measured(run)
    found = replace(both, arms={"frozen": both.arms["frozen"]}, compared=())
    progress = {"phase": "blocks", "arm": "fine_tuned", "fraction": 0.5, "curves": {}}
    store.beat(claimed, progress, found.to_json())
    app = page("transfer", run=run.id)
    assert "Frozen · 1 of 2" in texts(app)
    app.file_uploader(key="transfer_try").set_value([("new.jpg", jpeg(5), "")])
    app.run()
    assert "75.0%" in "".join(chart.proto.spec for chart in app.get("plotly_chart"))


def test_run_shows_where_its_curves_will_be_before_the_first_point(page: Any, store: Store, run: Run) -> None:
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    empty = {arm: {"batches": [], "epochs": []} for arm in ("frozen", "fine_tuned")}
    store.beat(claimed, {"phase": "features", "arm": "frozen", "fraction": 0.06, "curves": empty})
    app = page("transfer", run=run.id)
    spec = app.get("plotly_chart")[0].proto.spec
    assert "Reading your photos" in spec and "Frozen" in spec and "Fine-tuned" in spec
    assert " left" not in app.get("progress")[0].proto.text, "too little is done to tell"
    store.beat(claimed, {"phase": "features", "arm": "frozen", "fraction": 0.5, "curves": empty})
    assert " left" in page("transfer", run=run.id).get("progress")[0].proto.text
    store.beat(claimed, {"phase": "features", "arm": "frozen", "fraction": 0.5, "left": 75.0, "curves": empty})
    assert "about 1 min 15 s left" in page("transfer", run=run.id).get("progress")[0].proto.text, "as the run tells it"
    store.beat(claimed, {"phase": "testing", "arm": "frozen", "fraction": 1.0, "left": 0.0, "curves": empty})
    assert " left" not in page("transfer", run=run.id).get("progress")[0].proto.text, "0.0 s says nothing"


def test_renamed_run_is_called_by_its_new_name(page: Any, store: Store, run: Run) -> None:
    store.rename(run.id, "cats against dogs")
    app = page("transfer", run=run.id)
    assert app.title[0].value == "Teaching: cats against dogs"
    app = page("transfer", run=finish(store, run).id)
    assert "**cats against dogs**: on 2 test pictures" in texts(app) and "two kinds" not in texts(app)
    app = page("transfer", run=finish(store, store.create("transfer", run.spec, title="old"), "failed", "Lost.").id)
    store.rename(app.query_params["run"], "new")
    assert app.run().title[0].value == "new"


def test_download_sizes_count_the_pictures(page: Any, store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.transfer.take_home.kept.file", lambda store, digest: (bytes(1_000_000), "jpg"))
    app = page("transfer", run=finish(store, run).id)
    labels = [button.proto.label for button in app.get("download_button")]
    assert "Frozen model (26 MB)" in labels, "14 MB and twelve pictures"
    app.toggle(key="transfer_bundle_pictures").set_value(False).run()
    assert "Frozen model (14 MB)" in [button.proto.label for button in app.get("download_button")]


def test_download_size_counts_the_network_that_the_arm_began_with(page: Any, store: Store, run: Run) -> None:
    store.write(keys.backbone(weights_id(DEFAULT)), bytes(5_000_000))
    app = page("transfer", run=finish(store, run).id)
    app.toggle(key="transfer_bundle_pictures").set_value(False).run()
    labels = [button.proto.label for button in app.get("download_button")]
    assert {"Frozen model (14 MB)", "Fine-tuned model (19 MB)"} <= set(labels), "the frozen one holds it itself"


def test_failed_run_says_what_happened(page: Any, store: Store, run: Run) -> None:
    app = page("transfer", run=finish(store, run, "failed", "The worker died twice while training this run.").id)
    assert "The worker died twice" in app.error[0].value
    assert not app.exception


def test_arm_that_failed_says_why_beside_the_figures_of_the_other(page: Any, store: Store, run: Run) -> None:
    both = measured(run)
    found = replace(both, arms={"frozen": both.arms["frozen"]}, compared=(), failed={"fine_tuned": "No [memory]."})
    app = page("transfer", run=finish(store, run, "partial", found.trouble, found).id)
    assert not app.exception
    assert [error.value for error in app.error] == ["**Fine-tuned**: No \\[memory\\]."]
    assert "**Done in part.** Fine-tuned failed; what the others found is kept." in texts(app)
    assert "| Right | 50.0% |" in texts(app) and "**1 picture** missed (frozen 1), the surest mistakes first" in texts(
        app
    )
    assert "Fine-tuned is missing" not in texts(app), "it is said why it failed"


def test_run_that_failed_before_it_wrote_its_environment_shows_what_it_had_found(
    page: Any, store: Store, run: Run
) -> None:
    both = measured(run)
    found = replace(both, arms={"frozen": both.arms["frozen"]}, compared=())
    app = page("transfer", run=lose(store, run, "The worker died twice while training this run.", found).id)
    assert not app.exception
    assert "**Done in part.** The worker died twice while training this run." in texts(app)
    assert "| Right | 50.0% |" in texts(app)
    assert "Device and versions are not known: the run ended before it wrote them." in texts(app)
    assert "test pictures; duplicates and near-duplicates never on two sides." in texts(app)


def test_result_of_version_01_is_shown(page: Any, store: Store, run: Run) -> None:
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    old = json.loads((Path(__file__).parents[1] / "training" / "transfer" / "version_01.json").read_text("utf-8"))
    for answer in old["arms"]["frozen"]["answers"]:
        pixels = kept.pixels(store, run.spec["items"][0][0])
        store.write(keys.picture(answer["digest"]), Picture(pixels, "old.png").png())
    store.finish(claimed, "done", result=old, environment=ENVIRONMENT)
    app = page("transfer", run=run.id)
    assert not app.exception
    assert "Fine-tuned gets 1 picture more right than frozen: too few pictures" in texts(app).replace("\\", "")
    assert "**From scratch**: The loss became nan in epoch 1" in texts(app)
    assert "test pictures; duplicates never on two sides." in texts(app), "it looked for copies only"


def test_result_of_a_newer_version_says_so(page: Any, store: Store, run: Run) -> None:
    claimed = store.claim(run.id, "w")
    assert claimed is not None
    store.finish(claimed, "done", result=measured(run).to_json() | {"version": 99}, environment=ENVIRONMENT)
    app = page("transfer", run=run.id)
    assert not app.exception
    assert "This result is of version 99" in app.error[0].value


@pytest.mark.parametrize("state", ["failed", "partial"])
def test_own_run_that_failed_is_tried_again_under_its_id(
    page: Any, store: Store, run: Run, engine: Any, as_own: Any, state: str
) -> None:
    words = "There was not enough memory."
    ended = finish(store, run, state, words)
    app = page("transfer", run=run.id)
    assert "transfer_again" not in [button.key for button in app.button], "it is a stranger's"
    assert "Only whoever started this run can try it again." in texts(app)
    button = as_own(app, run.id).button(key="transfer_again")
    assert button.label == "Try again what failed" and words in texts(app)
    app = button.click().run()
    assert not app.exception
    assert engine.submitted == [run.id]
    again = store.get(run.id)
    assert (again.state, again.attempt, again.error, again.result) == ("queued", 0, "", ended.result)
    assert "Waiting for the worker" in app.get("progress")[0].proto.text


@pytest.mark.parametrize("state", ["done", "stopped"])
def test_run_that_did_not_fail_is_not_offered_again(page: Any, store: Store, run: Run, as_own: Any, state: str) -> None:
    app = as_own(page("transfer", run=finish(store, run, state).id), run.id)
    assert "transfer_again" not in [button.key for button in app.button]


def test_unknown_run_is_said_and_the_page_can_be_used(page: Any) -> None:
    app = page("transfer", run="0123456789ab")
    assert "There is no training 0123456789ab on this server." in app.error[0].value
    assert not start(app).disabled


def test_back_brings_the_runs_pictures(page: Any, store: Store, run: Run) -> None:
    app = page("transfer", run=finish(store, run).id)
    app.button(key="transfer_back").click().run()
    assert app.session_state.album.counts == {"cat": 6, "dog": 6}
    assert not app.exception


# Taken home, and back ------------------------------------------------------------------------------------------------


def self_test(**failed: str) -> dict[str, Any]:
    formats = [
        {
            "name": name,
            "file": f"frozen.{name}",
            "tolerance": tolerance,
            "passed": name not in failed,
            "largest_difference": 2.5e-7,
            "agreement": 0.9,
            "bytes": 13_000_000,
            "words": failed.get(name, "fine"),
            "batch": 1,
        }
        for name, tolerance in (("keras", 1e-4), ("tflite", 1e-3), ("int8", None))
    ]
    absent = {"name": "onnx", "passed": False, "words": "ONNX is not offered: that one lacked tf2onnx."}
    return {"pictures": [f"{i}.png" for i in range(10)], "formats": [*formats, absent]}


def export_run(store: Store) -> Run:
    """The newest run of a test of exports, claimed by a worker."""
    found = store.claim(next(run.id for run in store.recent() if run.kind == "exports"), "w")
    assert found
    return found


def keep_test(store: Store, run: Run, told: dict[str, Any]) -> None:
    store.write(keys.self_test(run.id, "frozen"), json.dumps(told).encode())


def test_formats_are_tested_by_a_run_and_the_failed_one_is_not_offered(
    page: Any, store: Store, run: Run, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_extra, "missing", lambda: "ONNX is not offered here.")
    app = page("transfer", run=finish(store, run).id)
    assert not app.get("pills"), "nothing is offered before it was tested"
    app.button(key="transfer_export_frozen_begin").click().run()
    assert not app.exception
    test = export_run(store)
    assert (test.spec, test.title) == ({"run": run.id, "arm": "frozen"}, "exports of two kinds, frozen")
    assert engine.submitted == [test.id]
    store.beat(test, {"phase": "testing LiteRT (8-bit weights), 3 of 4", "fraction": 0.5})
    app.run()
    assert "testing LiteRT (8-bit weights), 3 of 4" in app.get("progress")[0].proto.text
    assert "transfer_export_frozen_begin" not in [button.key for button in app.button]
    app.button(key="transfer_export_frozen_stop").click().run()
    assert engine.stopped == [test.id]

    told = self_test(tflite="frozen.tflite: beyond 1e-03: not offered.")
    keep_test(store, run, told)
    store.finish(test, "done", result=SelfTest(**told).to_json())
    app.run()
    assert "| LiteRT (8-bit weights), 13 MB | 9 of 10 | 2.5e-07 | reported |" in texts(app)
    assert "| LiteRT (float), 13 MB | 9 of 10 | 2.5e-07 | :red[**failed**], ≤ 0.001 |" in texts(app)
    (error,) = app.error
    assert error.value.replace("\\", "") == "**LiteRT (float)**: frozen.tflite: beyond 1e-03: not offered."
    assert "that one lacked tf2onnx" in texts(app)
    assert list(app.button_group(key="transfer_formats_frozen").options) == ["LiteRT (8-bit weights)"]
    assert "transfer_export_frozen_begin" not in [button.key for button in app.button]


def test_onnx_that_is_not_installed_is_said_with_the_command_and_tested_once_it_is(
    page: Any, store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ONNX is not offered: this installation lacks onnx, which you get by “make app ONNX=1”."
    monkeypatch.setattr(onnx_extra, "missing", lambda: said)
    told = self_test()
    keep_test(store, finish(store, run), told)
    spec = {"run": run.id, "arm": "frozen"}
    test = store.create("exports", spec, title="exports")
    store.lists.add(keys.asked("exports", spec), test.id)
    store.finish(export_run(store), "done", result=SelfTest(**told).to_json())
    app = page("transfer", run=run.id)
    assert said in texts(app).replace("\\", "")
    assert "transfer_export_frozen_begin" not in [button.key for button in app.button], "it would say the same again"

    monkeypatch.setattr(onnx_extra, "missing", lambda: "")
    app.run()
    assert said not in texts(app).replace("\\", "")
    app.button(key="transfer_export_frozen_begin").click().run()
    assert not app.exception
    assert export_run(store).spec == spec | {"again": "onnx"}


def test_page_for_the_browser_goes_along_if_its_network_passed(page: Any, store: Store, run: Run) -> None:
    keep_test(store, finish(store, run), self_test())
    app = page("transfer", run=run.id)
    switch = app.toggle(key="transfer_page_frozen")
    (before,) = [button.proto.label for button in app.get("download_button") if "Frozen" in button.proto.label]
    assert switch.value and switch.label == "A page for the browser (`web/`, 18.8 MB)"
    assert "Up to ten of the test pictures go with it: whoever can open the page can see them." in texts(app)
    app.toggle(key="transfer_bundle_pictures").set_value(False).run()
    assert "Ten of the test pictures" not in texts(app) and "--directory web" in texts(app)
    app.toggle(key="transfer_page_frozen").set_value(False).run()
    (after,) = [button.proto.label for button in app.get("download_button") if "Frozen" in button.proto.label]
    assert "--directory web" not in texts(app)
    sizes = [float(re.search(r"\(([\d.]+) MB\)", label)[1]) for label in (before, after)]
    assert sizes[0] - sizes[1] == pytest.approx(19, abs=1)
    assert not app.exception


def test_page_for_the_browser_needs_a_network_that_passed(page: Any, store: Store, run: Run) -> None:
    keep_test(store, finish(store, run), self_test(tflite="frozen.tflite: beyond 1e-03: not offered."))
    app = page("transfer", run=run.id)
    assert "transfer_page_frozen" not in [toggle.key for toggle in app.toggle] and not app.exception


def test_litert_files_of_an_earlier_version_are_offered_to_be_made_anew(page: Any, store: Store, run: Run) -> None:
    told = self_test()
    for entry in told["formats"]:
        entry.pop("batch", None)
    keep_test(store, finish(store, run), told)
    app = page("transfer", run=run.id)
    app.button(key="transfer_export_frozen_begin").click().run()
    assert not app.exception
    assert export_run(store).spec == {"run": run.id, "arm": "frozen", "again": "tflite, int8, onnx"}


def test_export_test_of_another_visit_is_found_and_not_begun_twice(page: Any, store: Store, run: Run) -> None:
    finish(store, run)
    spec = {"run": run.id, "arm": "frozen"}
    theirs = store.create("exports", spec, title="theirs")
    store.lists.add(keys.asked("exports", spec), theirs.id)
    app = page("transfer", run=run.id)
    shown = [button.key for button in app.button]
    assert "transfer_export_frozen_begin" not in shown and "transfer_export_fine_tuned_begin" in shown
    assert "Only whoever started this run can stop it." in texts(app)


def test_export_test_is_begun_by_the_runs_owner_who_pays_for_its_files(
    page: Any, store: Store, run: Run, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, berta = "a" * 40, "b" * 40
    key, said = "transfer_export_frozen_begin", "Only whoever started this run can test its exports."

    def opened(who: str) -> Any:
        monkeypatch.setattr("ui.shared.session._visit_of_cookie", lambda: who)
        return page("transfer", run=run.id)

    finish(store, run)
    store.give([run.id], anna)
    theirs = opened(berta)
    assert theirs.button(key=key).disabled and said in [caption.value for caption in theirs.caption]
    mine = opened(anna)
    assert not mine.button(key=key).disabled and said not in [caption.value for caption in mine.caption]
    store.give([run.id], berta)  # while Anna's page is open
    mine.button(key=key).click().run()
    assert mine.button(key=key).disabled and said in [caption.value for caption in mine.caption]
    assert not mine.exception and engine.submitted == []
    opened(berta).button(key=key).click().run()
    test = export_run(store)
    assert engine.submitted == [test.id] and test.owner == berta


def test_export_test_that_failed_in_part_shows_what_passed_and_can_be_tried_again(
    page: Any, store: Store, run: Run, engine: Any
) -> None:
    app = page("transfer", run=finish(store, run).id)
    app.button(key="transfer_export_frozen_begin").click().run()
    test, told = export_run(store), self_test()
    told["formats"] = told["formats"][:2]
    keep_test(store, run, told)
    store.beat(test, {}, SelfTest(**told).to_json())
    store.finish(test, "partial", error="There was not enough memory.")
    app.run()
    assert "**Done in part.** There was not enough memory." in texts(app)
    assert list(app.button_group(key="transfer_formats_frozen").options) == ["LiteRT (float)"]
    app.button(key="transfer_export_frozen_again").click().run()
    assert engine.submitted == [test.id, test.id] and store.glance(test.id).state == "queued"


def test_earlier_test_is_shown_and_a_keras_file_that_failed_it_is_withheld(page: Any, store: Store, run: Run) -> None:
    told = json.dumps(self_test(keras="frozen.keras: beyond 1e-04: not offered.")).encode()
    store.write(keys.self_test(run.id, "frozen"), told)
    app = page("transfer", run=finish(store, run).id)
    assert "**Keras**: frozen.keras: beyond 1e-04" in texts(app).replace("\\", "")
    labels = [button.proto.label for button in app.get("download_button")]
    assert not any(label.startswith("Frozen model") for label in labels)
    assert any(label.startswith("Fine-tuned model") for label in labels)


def test_engine_that_fails_to_test_says_so_and_the_download_stays(page: Any, store: Store, run: Run) -> None:
    app = page("transfer", run=finish(store, run).id)
    app.button(key="transfer_export_frozen_begin").click().run()
    store.finish(export_run(store), "failed", error="The worker died twice while training this run.")
    app.run()
    assert "The worker died twice" in app.error[0].value
    assert "Frozen model (14 MB)" in [button.proto.label for button in app.get("download_button")]


def packed(store: Store, run: Run, *, pictures: bool = True) -> bytes:
    """The bundle of a run whose network is only bytes: no weights are looked at."""
    store.write(keys.file(run.id, "frozen"), b"weights")
    return bundle(store, run, "frozen", backbone("efficientnet_lite0"), pictures=pictures)


def test_bundle_brings_pictures_classes_and_settings_to_another_server(page: Any, store: Store, tmp_path: Path) -> None:
    elsewhere = Store(tmp_path / "elsewhere")
    items = tuple(
        sets.keep(elsewhere, Picture(np.full((30, 30, 3), 40 * n + i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    )
    options = Options(
        epochs=80,
        batch_size=8,
        head_learning_rate=3e-3,
        fine_tune_learning_rate=3e-5,
        seed=7,
        arms=("frozen",),
        unfreeze_blocks=2,
        augment=True,
    )
    made = elsewhere.create("transfer", Experiment(items, options).to_json(), title="two kinds")
    data = packed(elsewhere, finish(elsewhere, made))
    elsewhere.close()

    app = upload_zip(page("transfer"), archive(rats=6, mice=6))
    app = upload_zip(app, data)
    assert not app.exception
    assert app.session_state.album.counts == {"cat": 6, "dog": 6}
    said = "12 pictures in 2 classes, and the settings below. Epochs: 80 became 50."
    assert said in texts(app).replace("\\", "")
    assert not store.exists(keys.file(made.id, "frozen")), "never the weights"
    start(app).click().run()
    (run,) = (store.get(glance.id) for glance in store.live())
    assert Experiment.from_json(run.spec).options == replace(options, epochs=50)
    assert {item.digest for item in Experiment.from_json(run.spec).items} == {item.digest for item in items}


def test_pictures_that_a_bundle_replaced_can_be_taken_back(page: Any, store: Store, run: Run) -> None:
    app = upload_zip(page("transfer"), archive(rats=6, mice=7))
    app = upload_zip(app, packed(store, finish(store, run)))
    assert app.session_state.album.counts == {"cat": 6, "dog": 6}
    app.button(key="transfer_unrestore").click().run()
    assert app.session_state.album.counts == {"mice": 7, "rats": 6}


def test_bundle_that_is_damaged_or_hostile_changes_nothing(page: Any, store: Store, run: Run) -> None:
    ended = finish(store, run)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("settings/experiment.json", b" " * 50_000_000)  # thousands to one
    cases = {
        packed(store, ended, pictures=False): "Download it with its pictures",
        bomb.getvalue(): "settings/experiment.json: this file unpacks to 50.0 MB and the limit is 25 MB",
    }
    app = upload_zip(page("transfer"), archive(rats=6, mice=7))
    for data, message in cases.items():
        app = upload_zip(app, data)
        assert not app.exception
        assert message in app.error[0].value.replace("\\", "")
        assert "Nothing has changed." in app.error[0].value
        assert app.session_state.album.counts == {"mice": 7, "rats": 6}


def test_what_was_taught_so_far_is_found_without_a_link(page: Any, store: Store, run: Run, as_own: Any) -> None:
    ended = finish(store, run)
    going = store.create("transfer", run.spec, title="<b> & more")
    other = store.create("lab", {}, title="a study")
    app = page("transfer")
    assert "Taught so far" not in "".join(element.proto.body for element in app.get("html"))
    as_own(app, ended.id, going.id, other.id)
    (said,) = (element.proto.body for element in app.get("html") if "Taught so far" in element.proto.body)
    assert said.index(f"transfer?run={going.id}") < said.index(f"transfer?run={ended.id}"), "the newest first"
    assert "&lt;b&gt; &amp; more</a>, <b>goes on</b>" in said and "UTC</li>" in said
    assert "a study" not in said and "All my runs" not in said
    guest = page("transfer", run=ended.id)
    del guest.query_params["run"]
    (said,) = (element.proto.body for element in guest.run().get("html") if "Taught so far" in element.proto.body)
    assert "UTC, opened by its link</li>" in said and going.id not in said


def test_run_is_called_by_its_sets_name_and_what_was_changed_in_its_settings(page: Any, store: Store) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    app.text_input(key=f"set_name_{app.session_state.album.id}").set_value("Pets").run()
    app.number_input(key="transfer_seed").set_value(7)
    start(app).click().run()
    (run,) = store.live()
    assert run.title == "Pets, 2 classes (seed 7)"


def test_notice_goes_with_the_set_that_it_is_about(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    assert "12 added" in texts(app)
    app.button(key="set_new").click().run()
    assert "12 added" not in texts(app)


def test_picture_under_two_labels_is_named_before_anything_is_trained(page: Any) -> None:
    app = upload_zip(page("transfer"), archive(cats=6, dogs=6))
    assert "The same picture" not in texts(app)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("dogs/twin.jpg", jpeg(0))  # the first cat
        packed.writestr("cats/new.jpg", jpeg(999))
    said = texts(upload_zip(app, buffer.getvalue()))
    assert "The same picture is in cats (0.jpg) and in dogs. It is left out" in said
