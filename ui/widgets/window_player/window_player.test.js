import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { glided, kind, list, nearest, sentence, target, title, zeros } from './window_player.js';
import { open } from '../testing.js';

/** @typedef {import('./window_player.js').Data} Data */

/** @type {Data} Three cells padded by one on either side, windows of 3. */
const PADDED = {
  line: [null, 0, 1, 2, null], before: 1, after: 1, windows: [[0, 1, 2], [1, 2, 3], [2, 3, 4]],
  reads: [1, 2, 3, 2, 1], dimensions: 1,
};
/** @type {Data} Two cells with a zero between them, padded by two before. */
const STRETCHED = {
  line: [null, null, 0, null, 1], before: 2, after: 0, windows: [[0, 1, 2], [1, 2, 3], [2, 3, 4]],
  reads: [1, 2, 3, 2, 1], dimensions: 2,
};
/** @type {Data} Every second cell is read. */
const STRIDED = {
  line: [0, 1, 2, 3], before: 0, after: 0, windows: [[0], [2]], reads: [1, 0, 1, 0], dimensions: 1,
};

test('zeros within are not padding', () => {
  assert.deepEqual(STRETCHED.line.map((_, at) => kind(STRETCHED, at)), ['padding', 'padding', 'cell', 'zero', 'cell']);
  assert.deepEqual([PADDED, STRETCHED, STRIDED].map(zeros), ['padding', 'padding, inserted zeros', '']);
});

test('what a window reads is listed in order, like with like', () => {
  assert.equal(list(PADDED, [1, 2, 3]), '0, 1, 2');
  assert.equal(list(STRETCHED, [0, 1, 2]), '2 × padding, 0');
  assert.equal(list(STRETCHED, [2, 3, 4]), '0, zero, 1');
});

test('the sentence counts what a square window reads', () => {
  assert.equal(sentence(PADDED, 0, 2), 'Output 2 is written from input 1, 2, padding.');
  assert.equal(  // rows 0, zero, 1; columns 2 × padding, 0: of nine 2 cells, 1 zero and 6 of padding
    sentence(STRETCHED, 2, 0),
    'Output (2, 0) is written from rows 0, zero, 1 and columns 2 × padding, 0: '
      + '2 input cells, 1 inserted zero, 6 of padding.',
  );
  assert.equal(
    sentence({ ...STRIDED, dimensions: 2 }, 1, 0), 'Output (1, 0) is written from rows 2 and columns 0: 1 input cell.',
  );
});

test('the title says what was made of the input', () => {
  assert.equal(title(PADDED), 'Input: 3, padded to 5. Below: how often each cell is read, and the 3 outputs');
  assert.equal(title({ ...PADDED, dimensions: 2 }), 'Input: 3 × 3, padded to 5 × 5');
  assert.equal(title(STRETCHED), 'Input: 2 × 2, stretched and padded to 5 × 5');
  assert.equal(title({ ...STRETCHED, line: [0, null, 1], before: 0 }), 'Input: 2 × 2, stretched to 3 × 3');
  assert.equal(
    title({ ...STRIDED, windows: [[0]] }), 'Input: 4. Below: how often each cell is read, and the 1 output',
  );
});

test('keys lead to the next output, to the ends, and not beyond', () => {
  assert.deepEqual(target('ArrowRight', [1, 1], [3, 3]), [1, 2]);
  assert.deepEqual(target('ArrowRight', [1, 2], [3, 3]), [1, 2]);
  assert.deepEqual(target('ArrowUp', [1, 2], [3, 3]), [0, 2]);
  assert.deepEqual(target('End', [0, 0], [3, 4]), [2, 3]);
  assert.deepEqual(target('Home', [2, 3], [3, 4]), [0, 0]);
  assert.equal(target('ArrowDown', [0, 1], [1, 3]), null, 'a line has no down');
  assert.equal(target('x', [0, 1], [1, 3]), null);
});

test('the nearest window has its middle nearest to the pointer', () => {
  assert.deepEqual([0, 1.9, 2.1, 3.4].map((point) => nearest(PADDED.windows, point)), [-1, 0, 1, 2]);
  assert.deepEqual([0.5, 1.4, 1.6, 2.5].map((point) => nearest(STRIDED.windows, point)), [0, 0, 1, 1]);
  assert.equal(nearest([[0, 1, 2]], 1.5), 0);
});

test('a glide starts fast and ends at its place', () => {
  assert.deepEqual([0, 70, 140, 900].map(glided), [0, 0.75, 1, 1]);
});

const player = (/** @type {Data} */ data) => {
  const page = open('window_player', component);
  page.run(data);
  return { ...page, root: page.find('.player'), click: (/** @type {string} */ name) => page.find(name).click() };
};

test('the page says what is read, and shows the panels that there are', () => {
  const { run, text, find } = player(PADDED);
  assert.equal(text('.said'), 'Output 0 is written from input padding, 0, 1.');
  assert.equal(text('.position'), 'Window 1 of 3');
  assert.deepEqual(['.second', '.zeros', '.lost'].map((name) => find(name).hidden), [true, false, true]);
  run({ ...STRIDED, dimensions: 2 });
  assert.equal(text('.outputsize'), 'Output: 2 × 2');
  assert.equal(text('.position'), 'Window 1 of 4');
  assert.deepEqual(['.second', '.zeros', '.lost'].map((name) => find(name).hidden), [false, true, false]);
});

test('keys and buttons move the window; space plays on the player, not on a button', () => {
  const { text, press, click, root, find, pass } = player(PADDED);
  assert.ok(press(root, 'ArrowRight'));
  assert.equal(text('.position'), 'Window 2 of 3');
  assert.ok(!press(root, 'ArrowDown'));
  click('.next');
  click('.next');
  assert.equal(text('.position'), 'Window 1 of 3');
  click('.back');
  assert.equal(text('.position'), 'Window 3 of 3');
  assert.ok(!press(find('.next'), ' '));
  assert.ok(press(root, ' '));
  assert.equal(find('.said').getAttribute('aria-live'), 'off', 'not read out at every step');
  pass(500);
  assert.equal(text('.position'), 'Window 1 of 3');
  press(root, ' ');
  pass(5000);
  assert.equal(text('.position'), 'Window 1 of 3');
});

test('playing goes on with new data, one step at a time', () => {
  const { run, text, click, pass, watchers } = player(PADDED);
  click('.play');
  run(STRIDED);
  run(PADDED);
  assert.equal(text('.play'), 'Pause');
  pass(500);  // two a second
  assert.equal(text('.position'), 'Window 2 of 3');
  run(STRIDED);
  assert.equal(text('.position'), 'Window 2 of 2');
  pass(500);
  assert.equal(text('.position'), 'Window 1 of 2');
  assert.equal(watchers(), 1);
});
