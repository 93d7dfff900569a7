"""What is sent to the browser of a component: its script with the parts that it shares, its style."""

import re
from pathlib import Path

import pytest

from ui.widgets.frontend import script, style

WIDGETS = Path(__file__).parents[2] / "ui" / "widgets"


def test_parts_are_laid_before_who_uses_them_and_once(tmp_path: Path) -> None:
    (tmp_path / "least.js").write_text("export const least = 1;\n")
    (tmp_path / "more.js").write_text("import { least } from './least.js';\nexport const more = least + 1;\n")
    (tmp_path / "whole.js").write_text(
        "import { least } from './least.js';\nimport {\n  more,\n} from './more.js';\n"
        "export const seen = 0;\nexport default () => least + more;\n"
    )
    assert script(tmp_path / "whole.js").split("\n") == [
        "const least = 1;",
        "",
        "const more = least + 1;",
        "",
        "export const seen = 0;",
        "export default () => least + more;",
        "",
    ]


@pytest.mark.parametrize("file", sorted(WIDGETS.glob("*/*.html")), ids=lambda file: file.stem)
def test_scripts_and_styles_of_all_components_stand_alone(file: Path) -> None:
    text = script(file.with_suffix(".js"))
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    names = re.findall(r"^(?:export )?(?:const|let|function|class) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names)), "two parts use one name"
    assert "@import" not in style(file.with_suffix(".css"))
