import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component from './wall.js';

/** @typedef {import('./wall.js').Data} Data */

/** @type {Data} */
const DATA = {
  label: 'Kernel', sheet: null, chosen: 'b', columns: 2, least: 72, sharp: false, shape: '1 / 1', enters: false,
  titled: true,
  tiles: ['a', 'b', 'c'].map((id) => ({ id, title: id.toUpperCase(), about: `about ${id}`, source: 'data:,' })),
};
const show = (chosen = 'b', /** @type {Partial<Data>} */ more = {}) => {
  const page = open('wall', component);
  page.run({ ...DATA, chosen, ...more });
  return page;
};
const stops = (/** @type {ReturnType<typeof show>} */ page) =>
  page.all('button').map((each) => /** @type {HTMLElement} */ (each).tabIndex);

test('the chosen picture is the only stop of the keyboard', () => {
  assert.deepEqual(stops(show()), [-1, 0, -1]);
  assert.deepEqual(stops(show('')), [0, -1, -1], 'without a choice it is the first');
});

test('a click chooses, and tells Python once', () => {
  const page = show();
  /** @type {HTMLElement} */ (page.all('button')[2]).click();
  assert.deepEqual(page.sent, [['chosen', 'c']]);
  assert.equal(page.all('[aria-checked=true]').length, 1);
  assert.deepEqual(stops(page), [-1, -1, 0]);
});

test('arrow keys choose at once, as in a radio group', () => {
  const page = show();
  assert.ok(page.press(page.find('[data-id=b]'), 'ArrowRight'));
  assert.deepEqual(page.sent, [['chosen', 'c']]);
  assert.equal(page.focused(), page.find('[data-id=c]'));
  assert.ok(!page.press(page.find('[data-id=c]'), 'x'), 'other keys are for others');
});

test('where one goes in, arrow keys only move', () => {
  const page = show('b', { enters: true });
  page.press(page.find('[data-id=b]'), 'ArrowRight');
  assert.deepEqual(page.sent, []);
  assert.equal(page.focused(), page.find('[data-id=c]'));
  assert.equal(page.find('[data-id=b]').getAttribute('aria-current'), 'true');
  /** @type {HTMLElement} */ (page.focused()).click();  // what a browser makes of Enter
  assert.deepEqual(page.sent, [['chosen', 'c']]);
});

test('pictures in one sheet are sent once, and shown each in its place', () => {
  const tiles = DATA.tiles.map(({ id, title, about }) => ({ id, title, about }));
  const source = 'data:image/png;base64,AAAA';
  const page = show('b', { tiles, sheet: { source, across: 2, down: 2, cell: [8, 4], gap: 1 } });
  assert.equal(page.text('style.sheets'), '.sheet { background-image: url("data:image/png;base64,AAAA"); }');
  const places = page.all('.face.sheet').map((each) => /** @type {HTMLElement} */ (each).style.backgroundPosition);
  assert.deepEqual(places, ['0% 0%', '100% 0%', '0% 100%']);
});

test('where one only looks, a tap enlarges and tells nobody', () => {
  const page = show('', { enters: true, looks: true });
  /** @type {HTMLElement} */ (page.all('button')[2]).click();
  assert.deepEqual(page.sent, []);
  assert.equal(page.text('.lens b'), 'C');
  assert.equal(/** @type {HTMLElement} */ (page.find('.lens')).hidden, false);
  assert.equal(page.all('[aria-checked], [aria-current]').length, 0);
  page.press(page.find('[data-id=c]'), 'Escape');
  assert.equal(/** @type {HTMLElement} */ (page.find('.lens')).hidden, true, 'and Escape lets go of it');
});

test('where there is little room, fewer are in a row', () => {
  const style = (/** @type {ReturnType<typeof show>} */ page) =>
    /** @type {HTMLElement} */ (page.find('.wall')).style.gridTemplateColumns;
  assert.equal(style(show('b', { columns: 8 })), 'repeat(5, minmax(0, 1fr))', '400 pixels wide');
  assert.equal(style(show('b', { columns: 8, least: 30 })), 'repeat(8, minmax(0, 1fr))');
  assert.equal(style(show('b', { columns: 8, least: 300 })), 'repeat(2, minmax(0, 1fr))');
});

test('a phone that is turned has more in a row at once', () => {
  const page = show('b', { columns: 8 }), wall = page.find('.wall');
  Object.defineProperty(wall, 'clientWidth', { value: 800 });
  page.resized();
  assert.equal(wall.style.gridTemplateColumns, 'repeat(8, minmax(0, 1fr))');
  page.run({ ...DATA, columns: 6 });
  page.resized();
  assert.equal(wall.style.gridTemplateColumns, 'repeat(6, minmax(0, 1fr))', 'of what it shows now');
  assert.equal(page.watchers(), 1);
});

test('it is named, and each picture by its title', () => {
  const page = show();
  assert.equal(page.find('.wall').getAttribute('aria-label'), 'Kernel');
  assert.equal(page.text('[aria-checked=true]'), 'B');
});
