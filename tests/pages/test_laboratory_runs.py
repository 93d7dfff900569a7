"""Compare and keep: whose runs are listed, sorting and filtering, renaming, deletion, one chart, links and the CSV."""

import csv
import html
import io
import json
import re
from typing import Any

import pytest

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy, wilson
from cnn_core.figures import comparison as figures
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.comparison import COLUMNS, comparison_csv, summary
from cnn_core.training.kinds import KINDS
from cnn_core.training.lab.augmentation import AugmentationResult
from cnn_core.training.lab.backbones import BackbonesResult, Compared
from cnn_core.training.lab.depth import DepthResult, Stage
from cnn_core.training.lab.labels import LabelsResult
from cnn_core.training.lab.recipes import RecipesResult, Tried
from cnn_core.training.lab.results import LabResult
from cnn_core.training.lab.sabotage import Sabotaged, SabotageResult
from cnn_core.training.lab.size import SizeArm, SizePoint, SizeResult
from cnn_core.training.lab.studies import STUDIES
from cnn_core.training.transfer.results import Arm, EpochFigures, Transfer
from cnn_core.training.transfer.spec import Options
from ui.laboratory.study import EXAMPLE

ITEMS = [[f"d{i}", label, f"{label}{i}.png", ""] for label in ("cat", "dog") for i in range(6)]
FOLDS = FoldAccuracy((0.8, 0.9), 0.85, 0.85, 0.7, 0.95, 2)
PROBED = DepthResult(stages=(Stage(1, 17, "block 1 of 17", FOLDS, 8),))


def measured(accuracy: float) -> Transfer:
    """One arm with two epochs, and one that failed."""
    history = tuple(EpochFigures("blocks", n, 1.0, 0.1, 0.9, 0.1, accuracy - 0.1 * (2 - n)) for n in (1, 2))
    arm = Arm(
        wilson(round(20 * accuracy), 20), ((10, 0), (0, 10)), (), (), history, 2, 10, 100, 1000, {"training": 1.0}
    )
    sizes = {"train": 8, "validation": 2, "test": 20}
    return Transfer(("cat", "dog"), sizes, {"fine_tuned": arm}, failed={"frozen": "The loss became nan."})


def transfer(store: Store, title: str, accuracy: float, state: str = "done") -> Run:
    """A run of transfer learning that measured so much."""
    spec = {"items": ITEMS, "options": Options().to_json(), "source": "mine"}
    return ended(store, "transfer", spec, title, measured(accuracy).to_json(), state)


def ended(
    store: Store, kind: str, spec: dict[str, Any], title: str, result: dict[str, Any], state: str = "done"
) -> Run:
    run = store.create(kind, spec, title=title)
    claimed = store.claim(run.id, "w")
    assert claimed and store.finish(claimed, state, result=result)
    return store.get(run.id)


def lab(store: Store, kind: str, result: LabResult) -> Run:
    spec = {"items": ITEMS, "options": STUDIES[kind].options().to_json(), "source": "mine"}
    return ended(store, "lab", spec, STUDIES[kind].question, result.to_json())


def open_list(page: Any, *runs: Run, **query: str) -> Any:
    named = {"laboratory_runs": ",".join(run.id for run in runs)} if runs else {}
    app = page("laboratory", laboratory_view="Runs", **named, **query)
    assert not app.exception
    return app


def rows(app: Any) -> list[dict[str, str]]:
    """The table of runs, as it is read: a dictionary a row, and where its name leads."""
    (body,) = (each.proto.body for each in app.get("html") if 'class="rows"' in each.proto.body)
    head = re.findall(r"<th .*?>(.*?)</th>", body)
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", body.partition("<tbody>")[2]):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
        link = re.search(r'href="(.*?)"', cells[0])
        assert link
        words = (html.unescape(re.sub("<.*?>", "", cell)) for cell in cells)
        found.append(dict(zip(head, words, strict=True)) | {"open": html.unescape(link[1])})
    return found


def listed(app: Any) -> list[str]:
    return [row["Run"] for row in rows(app)]


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


# Whose ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "spec", "address"),
    [
        ("exports", {"run": "0123456789ab", "arm": "frozen"}, "transfer?run=0123456789ab"),
        ("live", {"run": "0123456789ab", "arms": ["frozen"]}, "transfer?run=0123456789ab"),
        ("signals", {"depths": [8, 20, 56]}, "&architectures_part=Signals&architectures_signal_depth=56"),
        ("identity", {"blocks": 4}, "&architectures_part=Identity&architectures_blocks=4"),
    ],
)
def test_run_that_answers_a_question_is_opened_where_the_question_is_asked(
    page: Any, store: Store, kind: str, spec: dict[str, Any], address: str
) -> None:
    run = ended(store, kind, spec, "asked", KINDS[kind].result().to_json())
    link = rows(open_list(page, run))[0]["open"]
    assert link.endswith(address) and run.id not in link


def test_strangers_runs_are_never_listed(page: Any, store: Store) -> None:
    transfer(store, "a stranger's", 0.9)
    app = open_list(page)
    assert "a stranger's" not in listed(app) and "/laboratory?laboratory_view=Depth" in rows(app)[0]["open"]
    assert f"**{EXAMPLE}.** There are no runs yet." in texts(app)
    mine = transfer(store, "mine", 0.8)
    assert listed(open_list(page, mine)) == ["mine"]


def test_runs_that_the_visit_opened_or_started_are_listed(page: Any, store: Store, engine: Any) -> None:
    seen = lab(store, "labels", LabelsResult(accuracy=wilson(9, 12)))
    app = open_list(page, seen)
    del app.query_params["laboratory_runs"]
    assert listed(app.run()) == [KINDS["lab/labels"].title], "still there without the link"
    assert store.lists.entries(keys.visit(app.session_state.visit)) == {seen.id: False}


def test_unknown_run_of_the_link_is_said_and_the_others_are_shown(page: Any, store: Store) -> None:
    run = transfer(store, "mine", 0.8)
    app = page("laboratory", laboratory_view="Runs", laboratory_runs=f"0123456789ab,{run.id}")
    assert "There is no run 0123456789ab on this server; it may have been deleted." in texts(app)
    assert listed(app) == ["mine"]
    for bad in ("../../x", ",".join([run.id] * 101)):
        app = page("laboratory", laboratory_view="Runs", laboratory_runs=bad)
        assert "which is not possible here; the default is used." in texts(app) and not app.exception


def test_only_whoever_started_a_run_may_rename_or_delete_it(page: Any, store: Store) -> None:
    run = transfer(store, "another's", 0.8)
    app = open_list(page, run)
    assert "Only whoever started a run can rename or delete it." in texts(app)
    assert not [button for button in app.button if button.key in ("laboratory_delete", "laboratory_private")]
    assert "can neither rename nor delete" in texts(app)


def test_private_link_carries_the_runs_over_to_another_visit(page: Any, store: Store, as_own: Any) -> None:
    mine, other = transfer(store, "mine", 0.8), transfer(store, "another's", 0.7)
    app = as_own(open_list(page, other), mine.id)
    app.multiselect(key="laboratory_picked").set_value([mine.id, other.id]).run()
    app.button(key="laboratory_private").click().run()
    (link,) = (code.value for code in app.code if "laboratory_key=" in code.value)
    key = link.rpartition("=")[2]
    again = open_list(page, laboratory_key=key)
    assert listed(again) == ["mine"] and store.owned(again.session_state.visit) == {mine.id}
    assert "laboratory_key" not in again.query_params, "the address that is copied next must not carry it"
    assert "The private link is not known" in texts(open_list(page, laboratory_key="0" * 32))


# The list -------------------------------------------------------------------------------------------------------------


def test_list_is_sorted_and_filtered(page: Any, store: Store) -> None:
    worse, better = transfer(store, "b worse", 0.6), transfer(store, "a better", 0.9)
    probe, asked = lab(store, "depth", PROBED), KINDS["lab/depth"].title
    app = open_list(page, worse, better, probe)
    assert listed(app) == [asked, "a better", "b worse"], "the newest first"
    app.selectbox(key="laboratory_sort").set_value("accuracy").run()
    assert listed(app) == ["a better", asked, "b worse"]
    app.selectbox(key="laboratory_sort").set_value("title").run()
    assert listed(app)[:2] == ["a better", "b worse"]
    app.text_input(key="laboratory_filter").set_value("EFFICIENT worse").run()
    assert listed(app) == ["b worse"]
    low, high = wilson(12, 20).low, wilson(12, 20).high
    (row,) = rows(app)
    assert (row["Best"], row["95% interval"], row["Pictures"]) == ("60.0%", f"{low:.1%} – {high:.1%}", "12")
    assert (row["Of"], row["Network"]) == ("fine-tuned", "EfficientNet-Lite0")
    app.text_input(key="laboratory_filter").set_value("nothing such").run()
    assert 'class="rows"' not in str([each.proto for each in app.get("html")]) and "No run matches." in texts(app)
    app.text_input(key="laboratory_filter").set_value("").run()
    app.multiselect(key="laboratory_kinds").set_value([asked]).run()
    assert listed(app) == [asked]
    (row,) = rows(app)
    assert (row["Best"], row["95% interval"], row["Pictures"]) == ("85.0%", "70.0% – 95.0%", "12")
    assert row["open"].endswith(f"/laboratory?laboratory_view=Depth&run={probe.id}")


def test_run_that_has_ended_is_read_whole_but_once(page: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = transfer(store, "mine", 0.8)
    read: list[str] = []
    whole = Store.get
    monkeypatch.setattr(Store, "get", lambda self, run_id: (read.append(run_id), whole(self, run_id))[1])
    app = open_list(page, run)
    app.selectbox(key="laboratory_sort").set_value("title").run()
    assert read == [run.id] and listed(app) == ["mine"]
    store.rename(run.id, "yours")
    assert listed(app.run()) == ["yours"] and read == [run.id]
    assert not store.reopen(run.id)


def test_result_that_cannot_be_read_is_said_and_the_others_are_shown(page: Any, store: Store) -> None:
    spec = {"items": ITEMS, "options": Options().to_json(), "source": "mine"}
    newer = ended(store, "transfer", spec, "newer", {"version": 99})
    app = open_list(page, newer, transfer(store, "mine", 0.8))
    assert "**newer**: This result is of version 99, and this ConvScope reads those up to 2." in texts(app)
    assert listed(app) == ["mine", "newer"]


def test_rename_reaches_the_store(page: Any, store: Store, as_own: Any) -> None:
    run = transfer(store, "old", 0.8)
    app = as_own(open_list(page, run), run.id)
    app.text_input(key=f"laboratory_title_{run.id}").set_value("  new\nname ")
    app.button(key="laboratory_rename").click().run()
    assert store.get(run.id).title == "new name"
    assert listed(app) == ["new name"]


def test_delete_asks_first_and_takes_the_models_along(page: Any, store: Store, as_own: Any) -> None:
    run, stays = transfer(store, "gone", 0.8), transfer(store, "stays", 0.7)
    store.write(f"runs/{run.id}/frozen.keras", b"weights")
    store.write("pictures/d0.png", b"pixels")
    app = as_own(open_list(page, run, stays), run.id, stays.id)
    app.multiselect(key="laboratory_picked").set_value([run.id]).run()
    assert "**Delete “gone”** with the trained networks" in texts(app)
    app.button(key="laboratory_delete").click().run()
    assert not app.exception
    assert listed(app) == ["stays"]
    assert not store.exists(f"runs/{run.id}/frozen.keras") and store.exists("pictures/d0.png")
    assert app.query_params["laboratory_runs"] == stays.id


def test_run_that_goes_on_is_not_deleted(page: Any, store: Store, as_own: Any) -> None:
    run = store.create("transfer", {"items": ITEMS, "options": {}, "source": "mine"}, title="going on")
    app = as_own(open_list(page, run), run.id)
    app.multiselect(key="laboratory_picked").set_value([run.id]).run()
    assert "must be stopped first" in texts(app)
    assert "None of these has measured anything yet." in texts(app)
    assert not [button for button in app.button if button.key == "laboratory_delete"]


def test_run_taken_off_the_list_stays_on_the_server(page: Any, store: Store) -> None:
    run = transfer(store, "another's", 0.8)
    app = open_list(page, run)
    app.button(key="laboratory_forget").click().run()
    assert "There are no runs yet." in texts(app)
    assert store.get(run.id).title == "another's"


# What is compared -----------------------------------------------------------------------------------------------------


def test_chosen_runs_share_a_chart_with_their_intervals(page: Any, store: Store) -> None:
    first, second = transfer(store, "one", 0.6), transfer(store, "two <b>", 0.9)
    app = open_list(page, first, second)
    shown, learnt = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert [trace["name"] for trace in shown["data"]] == ["two &lt;b&gt;", "one"]
    low, high = wilson(18, 20).low, wilson(18, 20).high
    bars = shown["data"][0]["error_x"]
    assert (bars["array"], bars["arrayminus"]) == ([pytest.approx(high - 0.9)], [pytest.approx(0.9 - low)])
    assert [trace["name"] for trace in learnt["data"]] == ["two &lt;b&gt; · fine-tuned", "one · fine-tuned"]
    app.multiselect(key="laboratory_picked").set_value([first.id]).run()
    shown, _ = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    assert [trace["name"] for trace in shown["data"]] == ["one"]


@pytest.mark.parametrize("key", KINDS)
def test_every_kind_of_run_is_summed_up_before_it_has_measured_anything(store: Store, key: str) -> None:
    kind, _, study = key.partition("/")
    found = summary(store.create(kind, {"options": {"kind": study}} if study else {}, title="waits"))
    assert (found.kind, found.accuracies, found.curves, found.best) == (KINDS[key].title, (), (), None)
    assert (found.labels, found.pictures, found.backbone, found.trouble) == ((), 0, "", "")


@pytest.mark.parametrize(
    ("kind", "measured", "arm"),
    [
        ("depth", PROBED, "probe after block 1 of 17"),
        ("size", SizeResult(arms=(SizeArm("frozen", (SizePoint(5, FOLDS),)),)), "frozen, 5 a class"),
        ("recipes", RecipesResult(recipes=(Tried("at_once", "At once", accuracy=FOLDS),)), "At once"),
        ("sabotage", SabotageResult(backbones=(Sabotaged("it", "It", right=FOLDS),)), "It, right"),
        ("backbones", BackbonesResult(backbones=(Compared("it", "It", "", 0.0, accuracy=FOLDS),)), "It"),
        ("labels", LabelsResult(accuracy=wilson(17, 20)), "out of fold"),
        ("augmentation", AugmentationResult(without={"frozen": FOLDS}), "frozen, none"),
    ],
)
def test_every_study_of_the_laboratory_tells_its_accuracy(
    store: Store, kind: str, measured: LabResult, arm: str
) -> None:
    (found,) = summary(lab(store, kind, measured)).accuracies
    assert found.arm == arm and found.low <= found.value == 0.85 <= found.high


def test_summary_of_a_run_is_what_it_measured(store: Store) -> None:
    found = summary(transfer(store, "mine", 0.9))
    expected = wilson(18, 20)
    assert found.accuracies == (Accuracy("fine-tuned", 0.9, expected.low, expected.high),)
    assert found.best == found.accuracies[0] and found.labels == ("cat", "dog") and found.pictures == 12
    (curve,) = found.curves
    assert (curve.arm, curve.epochs, curve.accuracy) == ("fine-tuned", (1, 2), pytest.approx((0.8, 0.9)))


def test_table_as_csv_has_a_row_a_run_and_arm(store: Store) -> None:
    run, waiting = transfer(store, 'a "quoted", title', 0.9), store.create("lenet", {}, title="waiting")
    rows = list(csv.reader(io.StringIO(comparison_csv((each, summary(each)) for each in (run, waiting)))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 3
    first = dict(zip(COLUMNS, rows[1], strict=True))
    assert (first["title"], first["arm"], float(first["accuracy"])) == ('a "quoted", title', "fine-tuned", 0.9)
    assert (first["pictures"], first["classes"], first["backbone"]) == ("12", "2", "EfficientNet-Lite0")
    expected = wilson(18, 20)
    assert (float(first["interval_low"]), float(first["interval_high"])) == (expected.low, expected.high)
    assert rows[2][1] == "waiting" and rows[2][-4:] == [""] * 4


def test_figures_of_nothing_are_empty_not_broken() -> None:
    assert len(figures.accuracies([]).data) == len(figures.curves([]).data) == 0
