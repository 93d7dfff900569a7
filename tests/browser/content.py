"""What a part of a page holds, to the last number; how a browser draws it is not asked, since that differs by machine.

Two screenshots of the same are not the same: edges are smoothed by where they lie to a fraction of a pixel, what has
just been drawn is faded in, and a busy machine takes one of the two a moment earlier.
"""

from typing import Any

from playwright.sync_api import Locator

# Words as elements hold them, pixels as files hold them and not as large as they are shown, plots as numbers.
HELD = """async (place) => {
  const all = [];
  const collect = (root) => root.querySelectorAll('*').forEach((each) => {
    all.push(each);
    if (each.shadowRoot) collect(each.shadowRoot);
  });
  collect(place);
  const digest = async (source, width, height) => {
    const paper = new OffscreenCanvas(width, height).getContext('2d');
    paper.drawImage(source, 0, 0);
    const bytes = await crypto.subtle.digest('SHA-256', paper.getImageData(0, 0, width, height).data);
    return [...new Uint8Array(bytes)].map((each) => each.toString(16).padStart(2, '0')).join('');
  };
  const drawn = (each) => each.closest('svg, style, script, .js-plotly-plot') !== null;
  const words = all.filter((each) => !drawn(each)).flatMap((each) => [...each.childNodes])
    .filter((each) => each.nodeType === Node.TEXT_NODE).map((each) => each.data.trim()).filter(Boolean);
  const pictures = [];
  for (const each of all) {
    const image = each.tagName === 'IMG';
    if (!image && each.tagName !== 'CANVAS' || drawn(each)) continue;
    if (image) {
      try {
        await each.decode();
      } catch {
        pictures.push([each.alt, 0, 0, 'cannot be read']);
        continue;
      }
    }
    const [width, height] = image ? [each.naturalWidth, each.naturalHeight] : [each.width, each.height];
    pictures.push([image ? each.alt : '', width, height, width && height ? await digest(each, width, height) : '']);
  }
  const plots = all.filter((each) => each.matches('.js-plotly-plot')).map((each) => JSON.stringify(each.data));
  return { words, pictures, plots };
}"""


def held(place: Locator) -> dict[str, list[Any]]:
    """Return what an element holds now: its words, its pictures' names, sizes and pixels, its plots' data.

    A picture that the page replaces meanwhile "cannot be read": wait for it before.
    """
    found: dict[str, list[Any]] = place.evaluate(HELD)
    return found
