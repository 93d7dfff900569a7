import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component, { words } from './shifter.js';

/** @typedef {import('./shifter.js').Data} Data */

/** @type {Data} A picture of 80 × 112, seen through a frame of 64 × 96. */
const DATA = {
  picture: 'data:image/png;base64,AAAA', size: [80, 112], most: 8, at: [0, 1], label: 'Your picture', sharp: false,
  still: false,
};
const show = (/** @type {Partial<Data>} */ more = {}) => {
  const page = open('shifter', component);
  page.lay('.frame', [0, 0, 192, 128]);  // (128 / 2 − 10) / 8: a hand goes 6 pixels for one
  page.run({ ...DATA, ...more });
  return { ...page, frame: page.find('.frame'), root: page.find('.shifter') };
};

test('it is said in words how far it went', () => {
  assert.deepEqual([[0, 3], [-2, 1], [4, -1], [0, 0]].map((at) => words(/** @type {[number, number]} */ (at))),
    ['3 px right', '1 px right, 2 px up', '1 px left, 4 px down', 'not moved: drag it']);
});

test('the frame is smaller than the picture, so that what comes in was there before', () => {
  const { find, text } = show({ at: [-8, 8] });
  const { width, left, top } = find('.picture').style;
  assert.deepEqual([Number.parseFloat(width).toFixed(2), left, top], ['116.67', '0%', '-25%']);
  assert.equal(text('.said'), '8 px right, 8 px up');
});

test('the picture follows a hand, and the page is told when it lets go', () => {
  const { point, frame, text, sent, pass } = show();
  point(frame, 'down', 100, 100);
  point(frame, 'move', 112, 82);
  assert.equal(text('.said'), '3 px right, 3 px up');
  assert.deepEqual(sent, []);
  point(frame, 'up', 112, 82);
  assert.deepEqual(sent, [['at', '-3,3']]);
  point(frame, 'move', 0, 0);
  pass(1000);
  assert.equal(sent.length, 1, 'nobody holds it');
});

test('it is told while a hand rests, too, and goes no further than it can', () => {
  const { point, frame, sent, pass } = show();
  point(frame, 'down', 100, 100);
  point(frame, 'move', 900, 100);
  pass(250);
  assert.deepEqual(sent, [['at', '0,8']]);
  point(frame, 'up', 900, 100);
  assert.equal(sent.length, 1);
});

test('arrow keys move it, Home brings it back', () => {
  const { press, root, text, sent, pass } = show();
  assert.ok(press(root, 'ArrowDown'));
  press(root, 'ArrowLeft');
  press(root, 'ArrowLeft');
  assert.equal(text('.said'), '1 px left, 1 px down');
  pass(250);
  assert.deepEqual(sent, [['at', '1,-1']]);
  press(root, 'Home');
  pass(250);
  assert.deepEqual(sent[1], ['at', '0,0']);
  assert.ok(!press(root, 'a'), 'another key is left to the browser');
});

test('an answer does not undo what a hand is doing, a link moves it', () => {
  const { point, frame, run, text } = show();
  point(frame, 'down', 100, 100);
  point(frame, 'move', 130, 100);
  run({ ...DATA, at: [0, 2] });
  assert.equal(text('.said'), '6 px right');
  point(frame, 'up', 130, 100);
  run({ ...DATA, at: [4, 0] });
  assert.equal(text('.said'), '4 px down');
});

test('where nobody is to move it, nobody does', () => {
  const { point, press, frame, root, sent, pass, text } = show({ still: true, at: [0, 0] });
  point(frame, 'down', 100, 100);
  point(frame, 'move', 130, 100);
  assert.ok(!press(root, 'ArrowRight'));
  pass(1000);
  assert.deepEqual([sent, text('.said'), root.tabIndex], [[], 'not moved', -1]);
});
