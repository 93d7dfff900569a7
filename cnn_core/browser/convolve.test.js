import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PLAIN, activated, bordered, compared, crossCorrelate, paddings, planesOf, prepare } from './convolve.js';

/** @typedef {import('./convolve.js').Settings} Settings */

const SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
/** Six rows of the chapter's bar: 0 0 1 1 0 0. */
const BAR = Array.from({ length: 36 }, (_, n) => Number(n % 6 === 2 || n % 6 === 3));
/** @type {(how?: Settings, kernel?: number[], side?: number) => number[]} */
const map = (how = {}, kernel = SOBEL, side = 3) =>
  [...crossCorrelate(prepare([BAR], [6, 6], [side, side], how), kernel)];

test('the chapter\'s bar has no flat region', () => {
  assert.deepEqual(map(), [1, 2, 3, 4].flatMap(() => [4, 4, -4, -4]));
});

test('a kernel that is turned finds the opposite, and one alone brings out itself', () => {
  assert.deepEqual(map({ flip: true }), [1, 2, 3, 4].flatMap(() => [-4, -4, 4, 4]));
  const point = Array.from({ length: 25 }, (_, n) => Number(n === 12)), kernel = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const turned = prepare([point], [5, 5], [3, 3], { flip: true });
  assert.deepEqual([...crossCorrelate(turned, kernel)], kernel);
});

test('a stride skips, a dilation reaches, a padding adds', () => {
  assert.deepEqual(map({ stride: 3 }), [4, -4, 4, -4]);
  assert.deepEqual(map({ dilation: 2 }, [0, 0, 0, 1, 5, 0, 0, 0, 0]), [5, 5, 5, 5], 'cells 0 and 2, then 1 and 3');
  assert.equal(map({ padding: 'same' }).length, 36);
  assert.equal(map({ padding: 'full' }).length, 64);
  assert.deepEqual(map({ padding: 'same', edge: 'reflect' }).slice(0, 6), [0, 4, 4, -4, -4, 0]);
});

test('the odd pixel of an uneven padding goes after, as Keras has it', () => {
  assert.deepEqual(paddings(224, 3, { ...PLAIN, stride: 2, padding: 'same' }), [0, 1]);
  assert.deepEqual(paddings(5, 3, { ...PLAIN, stride: 2, padding: 'same' }), [1, 1]);
  assert.deepEqual(paddings(5, 3, { ...PLAIN, dilation: 2, padding: 'full' }), [4, 4]);
});

test('a border mirrors the picture at its outermost pixel, as often as need be', () => {
  assert.deepEqual([...bordered(3, 2, 1, 'reflect')], [2, 1, 0, 1, 2, 1]);
  assert.deepEqual([...bordered(2, 3, 0, 'reflect')], [1, 0, 1, 0, 1]);
  assert.deepEqual([...bordered(1, 1, 1, 'reflect')], [0, 0, 0]);
  assert.deepEqual([...bordered(2, 1, 1, 'zero')], [-1, 0, 1, -1]);
});

test('channels are added up', () => {
  const laid = prepare([[1, 2, 3, 4], [10, 20, 30, 40]], [2, 2], [1, 2]);
  assert.deepEqual([...crossCorrelate(laid, [1, 1, 0.5, 0])], [3 + 5, 7 + 15]);
});

test('what does not fit is refused with both sizes', () => {
  assert.throws(() => prepare([BAR], [6, 6], [7, 7]),
    /A kernel that spans 7 × 7 does not fit into a picture of 6 × 6, padding included/);
  assert.throws(() => crossCorrelate(prepare([BAR], [6, 6], [3, 3]), [1, 2]),
    /Here a kernel has 1 × 3 × 3 cells and its map 4 × 4; received 2 and 16 numbers/);
});

test('memory of the frame before is used again, and nothing of it is seen', () => {
  const first = prepare([BAR.map((n) => n + 5)], [6, 6], [3, 3], { padding: 'same' });
  const { values } = first, out = new Float64Array(36).fill(9);
  const next = prepare([BAR], [6, 6], [3, 3], { padding: 'same' }, first);
  assert.equal(next.values, values);
  assert.deepEqual([...crossCorrelate(next, SOBEL, out)], map({ padding: 'same' }));
});

test('a layer hands on what scale, shift and ReLU leave', () => {
  const sums = () => Float64Array.of(-1, 0.25, 9);
  assert.deepEqual([...activated(sums())], [-1, 0.25, 9]);
  assert.deepEqual([...activated(sums(), { relu: true })], [0, 0.25, 9]);
  assert.deepEqual([...activated(sums(), { scale: 2, shift: 1, relu: true, ceiling: 6 })], [0, 1.5, 6]);
});

test('a frame\'s grey, one of its colours, or all three rescaled', () => {
  const frame = { data: Uint8ClampedArray.of(255, 0, 51, 255, 10, 20, 30, 255), width: 2, height: 1 };
  const near = (/** @type {Float64Array} */ plane) => [...plane].map((n) => Number(n.toFixed(12)));
  assert.deepEqual(planesOf(frame, 'grey').map(near), [[0.3218, Number((18.15 / 255).toFixed(12))]]);
  assert.deepEqual(planesOf(frame, 'blue').map(near), [[0.2, Number((30 / 255).toFixed(12))]]);
  assert.deepEqual(planesOf(frame, 'colours', [127, 128]).map(near),
    [[1, -117 / 128], [-127 / 128, -107 / 128], [-76 / 128, -97 / 128]].map((plane) => near(Float64Array.from(plane))));
});

test('maps are compared where they differ most; what is no number differs', () => {
  assert.deepEqual(compared([1, 2, -8], [1, 2.5, -8]), { difference: 0.5, largest: 8 });
  assert.equal(compared([NaN, 1], [0, 0]).difference, Infinity);
  assert.throws(() => compared([1], [1, 2]), /The map has 1 cells here, and 2 on the server/);
});
