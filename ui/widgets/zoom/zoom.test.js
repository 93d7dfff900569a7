import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { open } from '../testing.js';
import component, { boxOf, placed, written } from './zoom.js';

/** @typedef {import('./types').Scene} Scene */

/** @type {Record<'strip' | 'maps' | 'map' | 'cell', Scene>} What ui/zoom makes of random maps; a test there says so. */
const SCENES = JSON.parse(readFileSync(new URL('scenes.json', import.meta.url), 'utf8'));
const { strip, maps, map, cell } = SCENES;

const show = (/** @type {Scene} */ scene, motion = false, search = '') => {
  const page = open('zoom', component, { motion, search });
  page.run(scene);
  const hit = (/** @type {string} */ selector, /** @type {number} */ x, /** @type {number} */ y) =>
    page.pointer(page.find(selector), 'click', { x, y });
  return { ...page, hit, box: () => /** @type {HTMLElement} */ (page.find('.picture .box')).style };
};
const output = (/** @type {Scene} */ scene) => {
  const panel = scene.panels.find((each) => each.values);
  if (!panel?.shape || !panel.values) throw new Error('no output');
  const bytes = Buffer.from(panel.values, 'base64');
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    bytes.readFloatLE(4 * (row * /** @type {number[]} */ (panel.shape)[1] + column));
  return { panel, shape: panel.shape, at };
};

test('a window lies where the arithmetic says, and a field ends at the border', () => {
  const window = /** @type {import('./types').Window} */ (
    { size: [3, 5], stride: [2, 1], before: [1, 2], dilation: [1, 2] });
  assert.deepEqual(boxOf(window, [10, 20], [2, 4], false), [30, 10, 30, 45]);
  assert.deepEqual(boxOf(window, [10, 20], [0, 0], false), [-10, -10, 30, 45]);
  assert.deepEqual(boxOf(window, [10, 20], [0, 0], true), [0, 0, 20, 35]);
});

test('a place takes the place of another in the address, and nothing else', () => {
  assert.equal(placed('?a=1%2C2&zoom=b.1.2.3&c=+', 'b.1.2.4'), '?a=1%2C2&zoom=b.1.2.4&c=+');
  assert.equal(placed('?zoomed=1', 'b'), '?zoomed=1');
});

test('numbers have four digits that count', () => {
  assert.deepEqual([3.14159, -0.00012346, 0].map(written), ['3.142', '−0.0001235', '0']);
});

test('the strip shows each stage, and a tile leads into its map', () => {
  const page = show(strip), sheets = strip.panels.filter((panel) => panel.kind === 'sheet');
  assert.equal(page.all('.tiles').length, sheets.length);
  const tile = sheets[1].tiles?.[2];
  page.find(`[data-id="${tile?.id}"]`).click();
  assert.deepEqual(page.sent, [['go', tile?.go]]);
});

test('the title of a stage leads to all its maps', () => {
  const page = show(strip), first = strip.panels.find((panel) => panel.kind === 'sheet');
  page.find('.all').click();
  assert.deepEqual(page.sent, [['go', first?.go]]);
});

test('a tile that is looked at draws its field in the picture', () => {
  const page = show(maps), tile = maps.panels.find((panel) => panel.kind === 'sheet')?.tiles?.[1];
  const picture = maps.panels.find((panel) => panel.kind === 'picture');
  if (!tile?.at || !picture?.window || !picture.shape) throw new Error('no field');
  assert.ok(page.find('.picture .box').hidden);
  page.pointer(page.find(`[data-id="${tile.id}"]`), 'pointerover');
  page.pass(80);
  const [top, left, height, width] = boxOf(picture.window, picture.shape, tile.at, true);
  const { style, hidden } = page.find('.picture .box');
  assert.ok(!hidden);
  const found = [style.top, style.left, style.height, style.width].map(parseFloat);
  [top, left, height, width].forEach((n, at) => assert.ok(Math.abs(found[at] - n) < 1e-3));
});

test('the pointer moves the cell, and the page says its number; nothing is sent', () => {
  const page = show(map), { shape, at } = output(map);
  page.lay('.output .frame', [0, 0, 10 * shape[1], 10 * shape[0]]);
  page.pointer(page.find('.output .frame'), 'pointermove', { x: 35, y: 25 });
  assert.ok(page.text('.said').startsWith(`Row 2, column 3: ${written(at(2, 3))}.`), page.text('.said'));
  assert.deepEqual(page.sent, []);
});

test('a click holds the cell, a second one goes into it', () => {
  const page = show(map), { shape } = output(map);
  page.lay('.output .frame', [0, 0, 10 * shape[1], 10 * shape[0]]);
  page.hit('.output .frame', 35, 25);
  page.pointer(page.find('.output .frame'), 'pointermove', { x: 5, y: 5 });
  assert.ok(page.text('.said').startsWith('Row 2, column 3'), 'held');
  page.hit('.output .frame', 36, 24);
  assert.deepEqual(page.sent, [['go', `${map.place}.2.3`]]);
});

test('arrow keys move the cell, Enter goes in, Escape goes up', () => {
  const page = show(map), frame = page.find('.output .frame'), [row, column] = map.at ?? [0, 0];
  page.press(frame, row ? 'ArrowUp' : 'ArrowDown');
  page.press(frame, 'Enter');
  assert.deepEqual(page.sent, [['go', `${map.place}.${row ? row - 1 : 1}.${column}`]]);
  page.press(frame, 'Escape');
  assert.deepEqual(page.sent.at(-1), ['go', map.trail.at(-2)?.place]);
});

test('Escape on a tile goes up too, and nowhere from the whole', () => {
  const page = show(maps);
  assert.ok(page.press(page.find('.tiles button'), 'Escape'));
  assert.deepEqual(page.sent, [['go', '-']]);
  const whole = show(strip);
  assert.ok(!whole.press(whole.find('.tiles button'), 'Escape'));
});

test('a cell that has moved is told when it rests, and the address is put right without a new entry', () => {
  const [row, column] = cell.at ?? [0, 0];
  const page = show(cell, false, `?x=1&zoom=${cell.place}.${row}.${column}`), frame = page.find('.output .frame');
  const down = row === 0;
  page.press(frame, down ? 'ArrowDown' : 'ArrowUp');
  page.pass(119);
  assert.deepEqual(page.sent, []);
  page.pass(1);
  const there = [down ? 1 : row - 1, column];
  assert.deepEqual(page.sent, [['at', there.join(',')]]);
  assert.equal(page.search(), `?x=1&zoom=${cell.place}.${there.join('.')}`);
});

test('a moved cell draws nothing anew, and the page may move it', () => {
  const page = show(cell), frame = page.find('.output .frame');
  page.run({ ...cell, at: [1, 1] });
  assert.equal(page.find('.output .frame'), frame);
  assert.ok(page.text('.said').startsWith('Row 1, column 1'));
  assert.equal(page.find('.trail').lastElementChild?.textContent, 'row 1, column 1');
});

test('a page that sends the same scene after a move leaves the cell where the reader is', () => {
  const page = show(cell), frame = page.find('.output .frame'), [row, column] = cell.at ?? [0, 0];
  page.press(frame, row ? 'ArrowUp' : 'ArrowDown');
  page.pass(120);
  page.run(cell);
  assert.ok(page.text('.said').startsWith(`Row ${row ? row - 1 : 1}, column ${column}`));
});

test('what two scenes share flies, the rest fades in', () => {
  const page = show(maps, true);
  page.lay('.tiles button', [10, 10, 20, 20]);
  page.lay('.frame .face', [300, 10, 200, 200]);
  page.run(map);
  const flights = page.moved.filter(({ frames }) => 'transform' in frames[0]);
  assert.deepEqual(flights.map(({ on }) => /** @type {HTMLElement} */ (on).dataset.id), [map.place]);
  assert.equal(flights[0].frames[0].transform, 'translate(-290px, 0px) scale(0.1, 0.1)');
  assert.equal(flights[0].milliseconds, 300);
  assert.ok(page.moved.some(({ frames }) => frames[0].opacity === 0));
});

test('what was clicked grows at once', () => {
  const page = show(maps, true);
  page.lay('.tiles button', [10, 10, 20, 20]);
  page.find('.tiles button').click();
  assert.ok(page.find('.ghost'));
  page.run(map);
  assert.equal(page.all('.ghost').length, 0);
});

test('where motion is reduced nothing moves', () => {
  const page = show(maps);
  page.lay('.tiles button', [10, 10, 20, 20]);
  page.lay('.frame .face', [300, 10, 200, 200]);
  page.find('.tiles button').click();
  page.run(map);
  assert.equal(page.all('.ghost').length, 0);
  assert.deepEqual(page.moved, []);
});

test('the keyboard goes down with the reader and comes back to the tile', () => {
  const page = show(maps), tile = page.find(`[data-id="${map.place}"]`);
  tile.focus();
  page.run(map);
  assert.equal(page.focused(), page.find('.output .frame'));
  page.run(maps);
  assert.equal(page.focused(), page.find(`[data-id="${map.place}"]`));
});

test('a run without news draws nothing, and leaves one observer', () => {
  const page = show(maps), before = page.all('.panel');
  page.run({ ...maps });
  assert.deepEqual(page.all('.panel'), before);
  assert.equal(page.watchers(), 1);
});
