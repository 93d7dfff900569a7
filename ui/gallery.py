"""A contact sheet: thumbnails that can be chosen by mouse, touch and keyboard."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from ui.session import small

_CSS = """
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(76px, 88px)); gap: 6px;
         font-family: var(--st-font); }
figure { margin: 0; }
button { all: unset; box-sizing: border-box; display: block; width: 100%; aspect-ratio: 1; border-radius: 6px;
         overflow: hidden; border: 2px solid var(--st-border-color); cursor: pointer; }
button[disabled] { cursor: default; }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
button[aria-pressed=true] { border: 4px solid var(--st-primary-color); }
img { width: 100%; height: 100%; object-fit: cover; display: block; }
figcaption { font-size: 12px; line-height: 1.25; color: var(--st-text-color); margin-top: 2px;
             overflow-wrap: anywhere; }
"""
_JS = """
export default function ({ data, parentElement, setStateValue }) {
  const sheet = parentElement.querySelector('.sheet');
  const chosen = new Set(data.chosen);
  sheet.replaceChildren(...data.pictures.map((picture) => {
    const figure = document.createElement('figure');
    const button = document.createElement('button');
    const image = document.createElement('img');
    image.src = 'data:image/jpeg;base64,' + picture.jpeg;
    image.alt = picture.name;
    image.loading = 'lazy';
    button.title = picture.name;
    button.append(image);
    if (data.selectable) {
      button.setAttribute('aria-label', picture.name);
      button.setAttribute('aria-pressed', String(chosen.has(picture.id)));
      button.onclick = () => {
        if (!chosen.delete(picture.id)) chosen.add(picture.id);
        button.setAttribute('aria-pressed', String(chosen.has(picture.id)));
        setStateValue('chosen', [...chosen]);
      };
    } else {
      button.disabled = true;
    }
    figure.append(button);
    if (picture.caption) {
      const caption = document.createElement('figcaption');
      caption.textContent = picture.caption;
      figure.append(caption);
    }
    return figure;
  }));
}
"""
_sheet = component("convscope_gallery", html='<div class="sheet"></div>', css=_CSS, js=_JS)


def gallery(
    pictures: Sequence[tuple[str, str, str]],
    key: str,
    *,
    selectable: bool = False,
    on_change: Callable[[], Any] = lambda: None,
) -> list[str]:
    """Show pictures and return the digests of the chosen ones.

    Args:
        pictures: Digest, name (spoken and shown on hovering) and caption of each.
        key: Of the widget.
        selectable: Let the reader choose.
        on_change: Called when the choice changed.
    """
    known = {digest for digest, _, _ in pictures}
    before = [digest for digest in st.session_state.get(key, {}).get("chosen") or [] if digest in known]
    result = _sheet(
        data={
            "pictures": [
                {"id": digest, "name": name, "caption": caption, "jpeg": base64.b64encode(small(digest)).decode()}
                for digest, name, caption in pictures
            ],
            "selectable": selectable,
            "chosen": before,
        },
        default={"chosen": []},
        key=key,
        on_chosen_change=on_change,
    )
    return [digest for digest in result.chosen or [] if digest in known]
