"""The last level of a walk, as plain HTML: the products of one window, and the formula with the numbers in it.

Tables that can be printed and read aloud; nothing here needs the component.
"""

from collections.abc import Sequence

import numpy as np

from cnn_core.arithmetic.escaping import html
from cnn_core.networks.zoom.answers import Cell
from cnn_core.networks.zoom.plan import Plan
from ui.zoom.scenes import called, node_title
from ui.zoom.sums import number, signed

_DIGITS = 6  # of the numbers in the formula
_FUNCTIONS = {"relu6": "ReLU6", "relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "scaled_tanh": "1.7159 · tanh ⅔"}
STYLE = """<style>
.products { display: flex; flex-wrap: wrap; gap: 14px 18px; font-size: 14px; font-variant-numeric: tabular-nums; }
.products table { border-collapse: collapse; }
.products caption { text-align: left; font-weight: 600; padding-bottom: 3px; }
.products td, .products th { border: 1px solid var(--cs-line); padding: 3px 6px; text-align: right; line-height: 1.25; }
.products th { text-align: left; font-weight: 400; }
.products small { display: block; color: var(--cs-soft); font-size: 12px; white-space: nowrap; }
.products .padding { background: repeating-linear-gradient(135deg, transparent 0 5px, var(--cs-line) 5px 6px); }
.products tfoot td { font-weight: 600; }
.formula { margin: 12px 0 4px; line-height: 1.7; font-size: 16px; font-variant-numeric: tabular-nums; }
.formula b { white-space: nowrap; }
@media (max-width: 640px) { .products { overflow-x: auto; } }
</style>"""


def products(plan: Plan, cell: Cell) -> str:
    """Return the tables of a cell's products.

    Args:
        plan: Of the network.
        cell: With the windows of its strongest inputs.
    """
    many = len({name for name, _ in cell.inputs}) > 1
    titles = [_title(plan, name, channel, many) for name, channel in cell.inputs]
    if cell.values.shape[1:] == (1, 1):
        tables = _column(cell, titles)
    else:
        tables = "".join(_window(cell, place, title) for place, title in enumerate(titles))
    return f'{STYLE}<div class="products" tabindex="0" role="group" aria-label="Products">{tables}</div>'


def formula(cell: Cell) -> str:
    """Return how the products become the cell's number, and how far that is from what the network itself says.

    Args:
        cell: The cell.
    """
    said = " + ".join(number(float(part), _DIGITS) for part in cell.sums)
    if cell.others:
        said += f" + {number(float(cell.rest), _DIGITS)} (the other {cell.others:,})"
    total = float(np.sum(cell.sums)) + float(cell.rest)
    alone = len(cell.sums) == 1 and not cell.others
    lines = [f"Σ = {said.replace('+ −', '− ')}" + ("" if alone else f" = <b>{number(total, _DIGITS)}</b>")]
    inner = f"(Σ {signed(cell.bias, _DIGITS)})" if cell.bias else "Σ"
    normed = cell.scale != 1 or bool(cell.shift)
    if normed or cell.bias:
        outer = (
            f"{number(cell.scale, _DIGITS)} · {inner} {signed(cell.shift, _DIGITS)}" if normed else inner.strip("()")
        )
        lines.append(f"z = {outer} = <b>{number(cell.before, _DIGITS)}</b>")
    if cell.activation:
        name = _FUNCTIONS.get(cell.activation, html(cell.activation))
        lines.append(f"{name}({'z' if len(lines) > 1 else 'Σ'}) = <b>{number(cell.value, _DIGITS)}</b>")
    return f'<div class="formula">{"<br>".join(lines)}</div>'


def agreement(cell: Cell) -> str:
    """Say how NumPy's number and the network's own agree; empty where the network gives none of its own.

    Args:
        cell: The cell.
    """
    if cell.engine is None:
        return ""
    said = f"NumPy says {number(cell.value, _DIGITS)}, the network ({cell.by}) says {number(cell.engine, _DIGITS)}: "
    apart = abs(cell.value - cell.engine) / cell.range if cell.range else 0.0
    return said + (f"{100 * apart:.1g}% of the range apart." if apart else "the same number.")


def _title(plan: Plan, name: str, channel: int, many: bool) -> str:
    node = next((each for each in plan.nodes if each.name == name), None)
    if node is None:  # the picture itself, before the network scales it
        return f"{name}, {called(plan, plan.nodes[0], channel)}"
    title = called(plan, node, channel)
    return f"{node_title(node)}, {title}" if many else title


def _window(cell: Cell, place: int, title: str) -> str:
    """One input's window: what is read, times its weight, cell by cell."""
    values, weights = cell.values[place], cell.weights[place]
    winner = cell.kind == "max_pool"
    beyond = "not counted" if winner or cell.kind == "average_pool" else "0"
    rows = []
    for row in range(values.shape[0]):
        cells = []
        for column in range(values.shape[1]):
            value, weight = float(values[row, column]), float(weights[row, column])
            mark = "" if cell.inside[row, column] else f' class="padding" title="padding: {beyond}"'
            if winner:
                cells.append(f"<td{mark}>{f'<b>{number(value)}</b>' if weight else number(value)}</td>")
                continue
            small = f"<small>{number(value, 3)} × {number(weight, 3)}</small>"
            cells.append(f"<td{mark}>{small}{number(value * weight)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    said = "largest" if winner else "sum"
    foot = f'<tr><td colspan="{values.shape[1]}">{said} {number(float(cell.sums[place]), _DIGITS)}</td></tr>'
    return f"<table><caption>{html(title)}</caption><tbody>{''.join(rows)}</tbody><tfoot>{foot}</tfoot></table>"


def _column(cell: Cell, titles: Sequence[str]) -> str:
    """Windows of one cell each: a line an input."""
    rows = []
    for place, title in enumerate(titles):
        numbers = (cell.values[place, 0, 0], cell.weights[place, 0, 0], cell.sums[place])
        cells = "".join(f"<td>{number(float(each), _DIGITS)}</td>" for each in numbers)
        rows.append(f"<tr><th>{html(title)}</th>{cells}</tr>")
    if cell.others:
        rest = number(float(cell.rest), _DIGITS)
        rows.append(f'<tr><th>the other {cell.others:,}</th><td colspan="2"></td><td>{rest}</td></tr>')
    head = "<tr><th>input</th><th>value</th><th>weight</th><th>product</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
