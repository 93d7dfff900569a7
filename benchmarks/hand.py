# ruff: noqa: TID251
"""What a hand does with a control: another value of it, at random."""

import random

from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.wire import Drawn


def another(control: Drawn, kept: WidgetState | None, chance: random.Random) -> WidgetState | None:
    """Return another value of a control, or None if it has no other.

    Args:
        control: Of `Reader.controls`.
        kept: `Reader.kept` of it.
        chance: Draws the value.
    """
    proto, state = control.proto, WidgetState()
    if control.kind == "slider":
        if proto.options:  # a select slider sends words
            ends = sorted(chance.randrange(len(proto.options)) for _ in proto.default)
            state.string_array_value.data.extend(proto.options[end] for end in ends)
        else:
            steps = max(1, round((proto.max - proto.min) / (proto.step or 1)))
            places = sorted(proto.min + chance.randint(0, steps) * proto.step for _ in proto.default)
            state.double_array_value.data.extend(min(proto.max, place) for place in places)
    elif control.kind == "checkbox":
        state.bool_value = not (kept.bool_value if kept else proto.value if proto.set_value else proto.default)
    elif control.kind == "number_input":
        low = proto.min if proto.has_min else proto.default - 3 * proto.step
        high = proto.max if proto.has_max else proto.default + 3 * proto.step
        state.double_value = min(high, max(low, proto.default + chance.randint(-3, 3) * proto.step))
    elif control.kind == "button_group":
        options = [option.content for option in proto.options]
        chosen = list(kept.string_array_value.data if kept else [options[place] for place in proto.default])
        if not (others := [option for option in options if option not in chosen]):
            return None
        state.string_array_value.data.append(chance.choice(others))
    else:  # a list or a radio
        now = kept.string_value if kept else proto.options[proto.default] if proto.HasField("default") else ""
        if not (others := [option for option in proto.options if option != now]):
            return None
        state.string_value = chance.choice(others)
    return state
