import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component, { step } from './wall.js';

const show = (chosen = 'b', columns = 2) => {
  const page = open('wall', component);
  const pictures = ['a', 'b', 'c'].map(
    (id) => ({ id, title: id.toUpperCase(), about: `about ${id}`, source: 'data:,' }),
  );
  const data = { label: 'Kernel', pictures, chosen, columns, sharp: false, shape: '1 / 1' };
  page.run(data);
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

test('arrow keys go from picture to picture and no further than the wall', () => {
  const keys = ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'x'];
  assert.deepEqual(keys.map((key) => step(key, 1, 3, 5)), [2, 0, 4, 1, 1]);
  assert.equal(step('ArrowDown', 4, 3, 5), 4);
  assert.deepEqual([step('Home', 3, 3, 5), step('End', 0, 3, 5)], [0, 4]);
});

test('it is named, and each picture by its title', () => {
  const page = show();
  assert.equal(page.find('.wall').getAttribute('aria-label'), 'Kernel');
  assert.equal(page.text('[aria-checked=true]'), 'B');
});
