import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { nearest, percent, sentence, share } from './unit_picker.js';
import { open } from '../testing.js';

/** @type {import('./unit_picker.js').Interval[]} Fields of 4 pixels, 2 apart, on a picture of 6. */
const FIELDS = [[-2, 1, 0, 1], [0, 3, 0, 3], [2, 5, 2, 5], [4, 7, 4, 5], [6, 9, null, null]];
const PICTURE = 'data:image/png;base64,AAAA';

test('the share of a field counts its pixels in the picture', () => {
  assert.deepEqual(FIELDS.map(share), [0.5, 1, 1, 0.5, 0]);
});

test('a little padding is not said to be none', () => {
  const said = [0, 0.0001, 0.01, 0.254, 0.99, 0.9999, 1].map(percent);
  assert.deepEqual(said, ['0', 'less than 1', '1', '25', '99', 'more than 99', '100']);
});

test('the sentence tells rows, columns and padding', () => {
  assert.equal(
    sentence([0, 2], 'conv', FIELDS), 'Neuron (0, 2) of conv sees rows 0–1, columns 2–5; 50% of its field is padding.',
  );
  assert.equal(sentence([4, 2], 'conv', FIELDS), 'Neuron (4, 2) of conv sees nothing but padding.');
});

test('the nearest field is the one whose middle is nearest', () => {
  assert.deepEqual([-9, -0.5, 0.4, 0.6, 3.5, 99].map((pixel) => nearest(FIELDS, pixel)), [0, 0, 0, 1, 2, 4]);
});

const picker = () => {
  const page = open('unit_picker', component);
  /** @type {(unit: [number, number], layer?: string) => void} */
  const show = (unit, layer = 'conv') => page.run({ picture: PICTURE, size: 6, layer, intervals: FIELDS, unit });
  const said = () => page.text('.said')?.match(/\(\d, \d\)/)?.[0];
  return { ...page, show, said, press: (/** @type {string} */ key) => page.press(page.find('.picker'), key) };
};

test('the page shows what Python chose', () => {
  const { show, said, text, find } = picker();
  show([1, 2]);
  assert.equal(said(), '(1, 2)');
  assert.equal(text('.title'), 'Neurons of conv');
  assert.equal(text('.mapsize'), '5 × 5');
  assert.equal(find('.seen').getAttribute('aria-label'), text('.said'));
  assert.equal(find('.units').getAttribute('aria-label'), '5 × 5 neurons of conv; row 1, column 2 is chosen');
});

test('arrow keys move the unit at once, and Python hears the last place when it rests', () => {
  const { show, said, press, pass, sent } = picker();
  show([1, 4]);
  assert.ok(press('ArrowRight'), 'at the border');
  press('ArrowDown');
  pass(200);
  press('ArrowLeft');
  assert.equal(said(), '(2, 3)');
  pass(249);
  assert.equal(sent.length, 0);
  pass(1);
  assert.deepEqual(sent, [['unit', [2, 3]]]);
});

test('an answer that comes late does not move the unit back', () => {
  const { show, said, press, pass, sent, watchers } = picker();
  show([1, 1]);
  press('ArrowDown');
  pass(250);
  press('ArrowDown');
  show([2, 1]);  // the answer to the first
  assert.equal(said(), '(3, 1)');
  pass(250);
  show([3, 1]);
  assert.equal(said(), '(3, 1)');
  assert.deepEqual(sent, [['unit', [2, 1]], ['unit', [3, 1]]]);
  show([0, 0], 'pool');
  assert.equal(said(), '(0, 0)', 'a choice of Python itself is followed');
  assert.equal(watchers(), 1);
});

test('a pointer picks a unit, or a place in the picture', () => {
  const { show, said, point, find } = picker();
  show([0, 0]);
  point(find('.units'), 'down', 119, 25);  // of 120 pixels
  assert.equal(said(), '(1, 4)');
  point(find('.seen'), 'move', 60, 10);  // its margin is 10 of 120 pixels, and a pixel of the picture is 16.67
  assert.equal(said(), '(0, 1)');
});
