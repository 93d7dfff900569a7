import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import { lay, lensIn, sprite, step } from './tiles.js';

/** @typedef {import('./tiles.js').Tiles} Tiles */

const IDS = ['a', 'b', 'c', 'd', 'e'];
/** @type {Tiles} */
const DATA = {
  tiles: IDS.map((id) => ({ id, title: `map ${id}`, about: `from 0 to ${id}` })),
  sheet: 'one', laid: { source: '', across: 3, down: 2, cell: [4, 4], gap: 1 },
  chosen: '', columns: 3, titled: false, sharp: true, enters: true,
};
/** A page that lays tiles into what a wall is. */
const show = (/** @type {Partial<Tiles>} */ more = {}) => {
  /** @type {string[]} */
  const taken = [], /** @type {string[]} */ looked = [];
  const page = open('wall', (/** @type {any} */ { data, parentElement }) => {
    lay(parentElement.querySelector('.wall'), data, lensIn(parentElement), {
      take: (id) => taken.push(id),
      look: (id) => looked.push(id),
    });
  });
  page.run({ ...DATA, ...more });
  return { ...page, taken, looked, tile: (/** @type {string} */ id) => page.find(`[data-id=${id}]`) };
};

test('an arrow key goes no further than the tiles', () => {
  const keys = ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'x'];
  assert.deepEqual(keys.map((key) => step(key, 1, 3, 5)), [2, 0, 4, 1, 1]);
  assert.equal(step('ArrowDown', 4, 3, 5), 4);
  assert.deepEqual([step('Home', 3, 3, 5), step('End', 0, 3, 5)], [0, 4]);
});

test('a sprite is placed as CSS places backgrounds', () => {
  // A tile of 40 px shows a sheet of 14 × 9 px tenfold; the fifth tile begins at 5, 5: the background moves by −50 px.
  const { size, place } = sprite({ across: 3, down: 2, cell: [4, 4], gap: 1 }, 4);
  const [wide, high] = size.split(' ').map((part) => parseFloat(part) / 100 * 40);
  const [x, y] = place.split(' ').map((part) => parseFloat(part) / 100);
  assert.deepEqual([wide, high], [140, 90]);
  assert.deepEqual([(40 - wide) * x, (40 - high) * y], [-50, -50]);
  assert.equal(sprite({ across: 1, down: 1, cell: [7, 7], gap: 1 }, 0).place, '0% 0%');
});

test('tiles stay as long as their ids do', () => {
  const page = show(), before = page.all('button');
  page.run({ ...DATA, chosen: 'c' });
  assert.deepEqual(page.all('button'), before);
  assert.equal(page.tile('c').getAttribute('aria-current'), 'true');
  page.run({ ...DATA, tiles: DATA.tiles.slice(1) });
  assert.equal(page.all('button').length, 4);
  assert.ok(!before.includes(page.all('button')[0]));
});

test('the keyboard stays on its tile when others are laid', () => {
  const page = show();
  page.tile('c').focus();
  page.run({ ...DATA, tiles: [...DATA.tiles].reverse() });
  assert.equal(page.focused(), page.tile('c'));
});

test('a pointer that rests enlarges, one that passes does not', () => {
  const page = show();
  page.pointer(page.tile('b'), 'pointerover');
  page.pass(79);
  assert.ok(page.find('.lens').hidden);
  page.pass(1);
  assert.ok(!page.find('.lens').hidden);
  assert.equal(page.text('.lens'), 'map bfrom 0 to b');
  page.pointer(page.tile('c'), 'pointerover');
  assert.equal(page.text('.lens b'), 'map c', 'from tile to tile at once');
  page.pointer(page.find('.wall'), 'pointerleave');
  assert.ok(page.find('.lens').hidden);
  assert.deepEqual(page.looked, ['b', 'c', '']);
});

test('a lens is thrice its tile, and no larger than it may be', () => {
  const page = show();
  page.lay('.wall button', [100, 300, 40, 40]);
  page.pointer(page.tile('b'), 'pointerover');
  page.pass(80);
  assert.equal(page.find('.lens .face').style.width, '120px');
  page.lay('.wall button', [100, 300, 112, 56]);
  page.pointer(page.tile('c'), 'pointerover');
  assert.equal(page.find('.lens .face').style.width, '224px');
  assert.equal(page.find('.lens .face').style.height, '112px');
});

test('a finger that rests enlarges and does not take', () => {
  const page = show(), tile = page.tile('d');
  page.pointer(tile, 'pointerdown', { by: 'touch' });
  page.pass(400);
  assert.equal(page.text('.lens b'), 'map d');
  page.pointer(tile, 'pointerup', { by: 'touch' });
  tile.click();
  assert.deepEqual(page.taken, []);
  assert.ok(page.find('.lens').hidden);
});

test('a tap takes; a finger that scrolls neither takes nor enlarges', () => {
  const page = show(), tile = page.tile('d');
  page.pointer(tile, 'pointerdown', { by: 'touch' });
  page.pass(100);
  page.pointer(tile, 'pointerup', { by: 'touch' });
  tile.click();
  assert.deepEqual(page.taken, ['d']);
  page.pointer(tile, 'pointerdown', { by: 'touch' });
  page.pointer(tile, 'pointermove', { by: 'touch', y: 30 });
  page.pass(400);
  assert.ok(page.find('.lens').hidden);
});

test('they are one stop of the keyboard', () => {
  const page = show(), stops = () => page.all('button').map((each) => /** @type {HTMLElement} */ (each).tabIndex);
  assert.deepEqual(stops(), [0, -1, -1, -1, -1]);
  page.press(page.tile('a'), 'ArrowDown');
  assert.deepEqual(stops(), [-1, -1, -1, 0, -1]);
  assert.equal(page.focused(), page.tile('d'));
  page.run(DATA);
  assert.deepEqual(stops(), [-1, -1, -1, 0, -1], 'new data leave it where it is');
});
