// A wall of small pictures to look at, of which one can be chosen, or gone into. This function runs again on every
// change of data, and so after every choice: pictures and keyboard stay where they were.

import { lay, lensIn, sheets } from '../parts/tiles.js';

/** @typedef {import('../parts/tiles.js').Tile} Tile */
/** @typedef {import('../parts/tiles.js').Sheet} Sheet */
/** @typedef {import('../parts/tiles.js').Host} Host */
/**
 * @typedef {object} Data
 * @property {string} label Of the whole, spoken.
 * @property {Tile[]} tiles
 * @property {Sheet | null} sheet That they lie in; none where each has a picture of its own.
 * @property {string} chosen Its id; empty if none is.
 * @property {number} columns In a row, at most.
 * @property {number} least Pixels of a tile from left to right: rather than less there are fewer in a row.
 * @property {boolean} titled Each has its title beneath it; else it is in the lens, and spoken.
 * @property {boolean} sharp Show pixels as squares.
 * @property {string} shape Width to height, as CSS writes it.
 * @property {boolean} enters Arrow keys move, Enter goes in; else they choose at once.
 * @property {boolean} [looks] Nothing is chosen: a tap enlarges.
 */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ chosen: string }, Data>} Args */

/** Pixels between two tiles, as in wall.css. */
const GAP = 8;

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const parent = /** @type {HTMLElement} */ (parentElement);
  const wall = /** @type {Host & { observer?: ResizeObserver }} */ (parent.querySelector('.wall'));
  const arrange = () => {
    const room = Math.floor(((wall.clientWidth || 400) + GAP) / (data.least + GAP));
    wall.style.gridTemplateColumns = `repeat(${Math.min(data.columns, Math.max(2, room))}, minmax(0, 1fr))`;
  };
  wall.setAttribute('role', data.enters ? 'group' : 'radiogroup');
  wall.setAttribute('aria-label', data.label);
  wall.style.setProperty('--shape', data.shape);
  sheets(parent, data.sheet ? { sheet: data.sheet.source } : {});
  const { tiles, chosen, titled, sharp, enters, sheet } = data, lens = lensIn(parent);
  lay(wall, { tiles, sheet: 'sheet', laid: sheet, chosen, titled, sharp, enters }, lens, {
    take: (id, tile) => {
      const looked = data.looks && tiles.find((each) => each.id === id);
      if (looked) lens.show(tile, looked);
      else setTriggerValue('chosen', id);
    },
  });
  wall.observer?.disconnect();
  wall.observer = new ResizeObserver(arrange);
  wall.observer.observe(wall);
  arrange();
}
