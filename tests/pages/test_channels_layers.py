"""Three views of the page on channels: a layer as a tensor, cheaper convolutions, the rhythm."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks.layer_times import LayerTime, variants
from cnn_core.pictures.bundled import BUNDLED
from ui.channels import costs, layers, rhythm


def times(medians: tuple[float, ...], shapes: tuple[int, ...] = (14, 512, 512, 3, 32)) -> list[LayerTime]:
    named = variants(*shapes)
    return [
        LayerTime(v.name, v.cost.params, t, 0.9 * t, 1.1 * t, 0.5, 40, "CPU: a *fast* one, 2 cores")
        for v, t in zip(named, medians, strict=True)
    ]


MEASURED = times((10.0, 2.0, 1.0, 1.9, 4.0, 2.1))


def layer_script() -> None:
    import streamlit as st

    from ui.channels import layers
    from ui.shared import stage

    st.session_state.returned = layers.tensor(stage.room())


def cost_script() -> None:
    import streamlit as st

    from ui.channels import costs
    from ui.shared import stage

    st.session_state.returned = costs.costs(stage.room())


def rhythm_script() -> None:
    from ui.channels import rhythm
    from ui.shared import stage

    rhythm.rhythm(stage.room())


@pytest.fixture
def view(store: Any, engine: Any) -> Any:
    engine.answers["layer_times"] = MEASURED

    def show(script: Callable[[], None], **query: str) -> AppTest:
        app = AppTest.from_function(script, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return show


def words(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.mark.parametrize("script", [layer_script, cost_script, rhythm_script])
def test_channels_view_shows_without_exception_or_warning(view: Any, script: Callable[[], None]) -> None:
    app = view(script)
    assert not app.exception and not app.error and not app.warning


# A layer as a tensor -------------------------------------------------------------------------------------------------


def test_channels_layer_of_the_chapter_is_found(view: Any) -> None:
    app = view(layer_script)
    assert "**1,792** parameters" in words(app) and not app.session_state.returned
    app.number_input(key="channels_in").set_value(256)
    app.number_input(key="channels_out").set_value(256).run()
    assert r"(3^2 \cdot 256 + 1) \cdot 256 = \mathbf{590{,}080}" in words(app)
    assert "**590,080** parameters, 2.36 MB" in words(app)
    assert app.session_state.returned
    app.toggle(key="channels_bias").set_value(False).run()
    assert "**589,824** parameters" in words(app) and not app.session_state.returned


def test_channels_layer_link_values_are_used_and_clamped(view: Any) -> None:
    app = view(layer_script, channels_in="16", channels_out="2", channels_kernel="5", channels_weights="edges-y")
    assert f"**{(25 * 16 + 1) * 2}** parameters" in words(app)
    assert "Horizontal edges of the brightness" in words(app)
    assert "Drawn are 5 of 16 slices." in words(app)


@pytest.mark.parametrize("picture", ["chelsea", "bar", "digit-3"])
@pytest.mark.parametrize("size", ["1", "7"])
def test_channels_products_add_up_on_every_picture(
    view: Any, monkeypatch: pytest.MonkeyPatch, picture: str, size: str
) -> None:
    monkeypatch.setattr(layers, "the_picture", lambda: BUNDLED[picture].load())
    app = view(layer_script, channels_kernel=size, channels_offset="25", channels_weights="blue-yellow")
    assert not app.exception
    assert "rounding. One kernel always makes *one* map." in words(app)


def test_channels_layer_compares_with_dense(view: Any) -> None:
    dense = 64 * 3 * (64 * 64) + 64 * 64
    assert f"| 8² | 1,792 | {dense:,} | {round(dense / 1792)}× |" in words(view(layer_script))


@pytest.mark.parametrize("name", [*layers.SPATIAL, layers.RANDOM])
@pytest.mark.parametrize("size", layers.SIZES)
def test_channels_rgb_kernel_is_a_sum_over_channels_by_brute_force(name: str, size: int) -> None:
    kernel = layers.rgb_kernel(name, size)
    assert kernel.shape == (size, size, 3)
    image = np.random.default_rng(size).random((9, 8, 3))
    padded = np.pad(image, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    expected = [[(padded[i : i + size, j : j + size] * kernel).sum() for j in range(8)] for i in range(9)]
    np.testing.assert_allclose(ops.cross_correlate(image, kernel, padding="same"), expected, atol=1e-12)


def test_channels_edges_are_sobels_and_opponents_ignore_grey() -> None:
    sobel = kernels.preset("sobel_x").kernel()
    np.testing.assert_allclose(layers.edge(3), sobel / sobel[sobel > 0].sum())
    grey = np.full((9, 9, 3), 0.4)
    for name in ("red-green", "blue-yellow", "colour-edges"):
        assert np.abs(ops.cross_correlate(grey, layers.rgb_kernel(name, 3))).max() < 1e-12, name
    red = grey * [1, 0, 0]
    assert ops.cross_correlate(red, layers.rgb_kernel("red-green", 5)) == pytest.approx(np.full((5, 5), 0.4))


# Cheaper convolutions ------------------------------------------------------------------------------------------------


def test_channels_costs_are_those_of_mobilenet(view: Any) -> None:
    said = words(view(cost_script))
    assert "| separable | 266,752 | 52,283,392 | 8.84× |" in said
    assert r"\frac1{512} + \frac1{9} = 0.1131" in said and "**8.84× fewer** multiply-adds" in said
    assert "from 72 filters on" in said
    assert "Keras counts" not in said and "It counts the same parameters." in said
    assert r"a \*fast\* one" in said, "what the device is called is no markup"


def test_channels_costs_task_is_a_weak_saving(view: Any) -> None:
    app = view(cost_script)
    assert not app.session_state.returned
    app.number_input(key="channels_cost_out").set_value(8).run()
    assert not app.session_state.returned, "1 / (1/8 + 1/9) = 4.24"
    app.number_input(key="channels_cost_out").set_value(4).run()
    assert app.session_state.returned and "**2.77× fewer** multiply-adds" in words(app)


def test_channels_costs_say_more_where_the_separable_layer_costs_more(view: Any) -> None:
    """1 / 4 + 1 / 1 = 1.25 times the full 1 × 1 layer."""
    app = view(cost_script, channels_cost_out="4", channels_cost_kernel="1")
    assert "with **1.25× as many**" in words(app) and "× fewer" not in words(app).partition("from 72 filters")[0]


def test_channels_costs_small_maps_are_mostly_padding(view: Any) -> None:
    said = words(view(cost_script, channels_cost_map="1", channels_groups="1"))
    assert "only 1 of the 9 cells lie on the map" in said
    assert "Products that count are **1× as many**." in said


def test_channels_costs_say_which_groups_are_counted(view: Any) -> None:
    app = view(cost_script, channels_groups="48")
    assert "48 does not divide 512 and 512. Counted with 16" in app.warning[0].value
    assert "| grouped | 147,456 |" in words(app)


def test_channels_costs_measure_when_asked_and_not_at_each_move(view: Any, engine: Any) -> None:
    asked: list[tuple[Any, ...]] = []

    def ask(question: str, *shapes: Any, timeout: float) -> Any:
        asked.append((question, *shapes))
        return times((10.0, 2.0, 1.0, 1.9, 4.0, 2.1), shapes)

    engine.ask = ask
    app = view(cost_script)
    assert asked == [("layer_times", 14, 512, 512, 3, 32)]
    app.number_input(key="channels_cost_map").set_value(28).run()
    assert len(asked) == 1, "a control answers at once"
    app.button(key="channels_costs_measure").click().run()
    assert asked[1:] == [("layer_times", 28, 512, 512, 3, 32)]
    app.button(key="channels_costs_again").click().run()
    assert asked[2:] == [("layer_times", 28, 512, 512, 3, 32)], "measured anew"
    app.run()
    assert len(asked) == 3, "cached by shapes"


def test_channels_costs_do_not_ask_for_layers_that_are_too_large(view: Any, engine: Any) -> None:
    engine.answers.clear()
    app = view(cost_script, channels_cost_map="224", channels_cost_in="2048")
    assert "Choose a smaller map or fewer channels" in app.info[0].value


def test_channels_costs_go_on_without_an_engine(view: Any, engine: Any) -> None:
    engine.answers["layer_times"] = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    app = view(cost_script)
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert len(app.get("plotly_chart")) == 2, "what needs no engine is shown"
    engine.answers["layer_times"] = MEASURED
    app.button(key="channels_costs_retry").click().run()
    assert not app.error and len(app.get("plotly_chart")) == 3


def test_channels_costs_say_when_keras_counts_otherwise(view: Any, engine: Any) -> None:
    engine.answers["layer_times"] = times((10.0, 2.0, 1.0, 1.9, 4.0, 2.1), (14, 512, 256, 3, 32))
    assert "Keras counts other parameters" in view(cost_script).warning[0].value


def test_channels_verdict_names_what_is_not_faster() -> None:
    named = variants(14, 512, 512, 3, 32)
    said = costs.verdict(named, MEASURED)
    assert "slower than the full convolution" not in said
    assert "**Grouped** takes longer than 1×1, separable and bottleneck, with fewer MACs." in said
    # (462,422,016 / 10 ms) / (903,168 / 1 ms) = 51.2
    assert "in depthwise: **51.2 times** as long" in said and "512× fewer MACs it is 10× as fast" in said
    slow = costs.verdict(named, times((10.0, 2.0, 15.0, 1.9, 1.0, 2.1)))
    assert "**Fewer MACs, and yet slower than the full convolution: depthwise.**" in slow


def test_channels_verdict_says_when_the_order_is_kept_and_does_not_trust_overlapping_quartiles() -> None:
    named = variants(14, 512, 512, 3, 32)
    in_order = costs.verdict(named, times((40.0, 4.4, 0.1, 4.5, 1.2, 4.7)))
    assert "the order of the times is that of the MACs" in in_order
    close = costs.verdict(named, times((40.0, 4.4, 0.1, 4.5, 4.6, 4.7)))
    assert "takes longer" not in close, "4.6 ms and 4.4 ms lie within each other's quartiles"


# The rhythm ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "params", "giga_macs"), [("ResNet-18", 11_689_512, 1.81), ("ResNet-34", 21_797_672, 3.66)]
)
def test_channels_rhythm_counts_as_torchvision(network: str, params: int, giga_macs: float) -> None:
    """Parameters and "GFLOPS" (multiply-adds) as torchvision's tables of weights print them."""
    found = rhythm.stages(network)
    assert sum(stage.params for stage in found) == params
    assert round(sum(stage.macs for stage in found) / 1e9, 2) == giga_macs
    assert [(stage.size, stage.channels) for stage in found] == [
        (56, 64),
        (56, 64),
        (28, 128),
        (14, 256),
        (7, 512),
        (1, 1000),
    ]


def test_channels_rhythm_counts_every_map_of_resnet_18() -> None:
    """Written out by hand from He et al. 2016, table 1."""
    maps = [
        112**2 * 64 + 56**2 * 64,
        4 * 56**2 * 64,
        5 * 28**2 * 128,
        5 * 14**2 * 256,
        5 * 7**2 * 512,
        512 + 1000,
    ]
    assert [stage.numbers for stage in rhythm.stages("ResNet-18")] == maps


def test_channels_rhythm_says_where_memory_and_weights_are(view: Any) -> None:
    app = view(rhythm_script)
    said = words(app)
    assert "Most memory of maps is in **stem** (37%), most weights are in **stage 4** (72%)" in said
    assert "With 32 pictures in a batch the maps take 344 MB and the weights 46.8 MB" in said
    assert "costs the same in each stage, 115,605,504 " in said
    app.segmented_control(key="channels_batch").set_value(1).run()
    assert "With 1 picture in a batch the maps take 10.7 MB" in words(app)
    app.segmented_control(key="channels_rhythm_network").set_value("ResNet-34").run()
    assert "21,797,672 parameters" in words(app)


def test_channels_rhythm_break_even_batch_is_the_first_that_outweighs() -> None:
    found = rhythm.stages("ResNet-18")
    numbers, params = (sum(getattr(stage, name) for stage in found) for name in ("numbers", "params"))
    assert 4 * numbers < params <= 5 * numbers
    assert "From 5 pictures on" in rhythm.words(found, 1)


# Links ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (layer_script, "channels_in"),
        (layer_script, "channels_out"),
        (layer_script, "channels_kernel"),
        (layer_script, "channels_bias"),
        (layer_script, "channels_weights"),
        (layer_script, "channels_offset"),
        (cost_script, "channels_cost_map"),
        (cost_script, "channels_cost_in"),
        (cost_script, "channels_cost_out"),
        (cost_script, "channels_cost_kernel"),
        (cost_script, "channels_groups"),
        (rhythm_script, "channels_rhythm_network"),
        (rhythm_script, "channels_batch"),
    ],
)
@pytest.mark.parametrize("value", ["0.5", "nowhere", "", "1e309"])
def test_channels_links_refuse_what_no_control_can_show(
    view: Any, script: Callable[[], None], name: str, value: str
) -> None:
    app = view(script, **{name: value})
    assert not app.exception
    shown = f"{name}={value or 'nothing'}"
    assert [warning.value for warning in app.warning] == [
        f"The link says {shown}, which is not possible here; the default is used."
    ]


def test_channels_links_of_the_chapters_layer_are_taken(view: Any) -> None:
    asked = {"channels_in": "256", "channels_out": "256", "channels_kernel": "3", "channels_bias": "true"}
    app = view(layer_script, **asked)
    assert app.session_state.returned and not app.warning
    assert view(rhythm_script, channels_rhythm_network="ResNet-34").segmented_control[0].value == "ResNet-34"
