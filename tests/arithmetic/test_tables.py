"""One table a file, read back by others; no cell that a spreadsheet would execute."""

import csv
import io

import pytest

from cnn_core.arithmetic.tables import csv_text

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
HARMLESS = ["cat", "1-1", "a=b", "", "two, with a comma", 'a "quoted" one', "line\nbreak", "ソファ"]


@pytest.mark.parametrize("text", HOSTILE)
def test_formula_gets_an_apostrophe(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(("class",), [(text,)]), newline="")))
    assert rows == [["class"], ["'" + text.replace("\r", "\n")]]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(("class", "n"), [(text, 1)]), newline="")))
    assert rows == [["class", "n"], [text, "1"]]


def test_numbers_stay_numbers() -> None:
    values = (-0.25, -3, 0.1 + 0.2, 1e-12)
    row = csv_text("abcde", [(*values, None)]).splitlines()[1].split(",")
    assert [float(cell) for cell in row[:4]] == list(values) and row[4] == ""


def test_pandas_reads_the_same() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.StringIO(csv_text(("arm", "loss"), [("frozen", -0.5), ("@scratch", None)])))
    assert frame["arm"].tolist() == ["frozen", "'@scratch"] and frame["loss"].dtype == float


def test_uneven_row_is_refused() -> None:
    with pytest.raises(ValueError, match=r"A row has 1 cells and the table 2 columns: \['cat'\]\."):
        csv_text(("class", "n"), [("cat",)])
