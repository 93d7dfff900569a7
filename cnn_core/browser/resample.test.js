import assert from 'node:assert/strict';
import { test } from 'node:test';

import { roundEven, square, tensor, turned } from './resample.js';

/** A picture whose red channel holds these numbers. @type {(rows: number[][]) => import('./resample.js').Pixels} */
const picture = (rows) => {
  const data = new Uint8ClampedArray(rows.flat().flatMap((value) => [value, 0, 0, 255]));
  return { data, width: rows[0].length, height: rows.length };
};
const reds = (/** @type {{ data: ArrayLike<number>, width: number, height: number }} */ { data, width, height }) =>
  Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (__, column) => data[4 * (row * width + column)]));

test('halves are rounded to the even number, as in Python', () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6, 160.5].map(roundEven), [0, 2, 2, 2, 3, 160]);
});

test('the middle of a wide picture is taken', () => {
  const image = picture([[9, 1, 2, 9, 9], [9, 3, 4, 9, 9]]);  // (5 - 2) / 2 = 1.5, rounded to 2: Python's round
  assert.deepEqual([...square(image, 2, 1)].filter((_, at) => at % 3 === 0), [2, 9, 4, 9]);
});

test('what cannot be is refused', () => {
  for (const [size, crop] of [[0, 1], [2.5, 1], [2, 0], [2, 1.1]]) {
    const sentence = /a whole size from 1 and a crop in \(0, 1\]; received 1 x 1/;
    assert.throws(() => square(picture([[1]]), size, crop), sentence);
  }
});

test('a tensor has the same numbers', () => {
  assert.deepEqual(tensor(new Uint8Array([0, 7, 255])), new Float32Array([0, 7, 255]));
});

test('pictures are turned upright as EXIF says', () => {
  const image = picture([[1, 2, 3], [4, 5, 6]]);
  const upright = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => reds(turned(image, orientation)));
  assert.deepEqual(upright, [  // EXIF 2.3, tag 0x0112: which side of what is shown the first row and column are
    [[1, 2, 3], [4, 5, 6]],
    [[3, 2, 1], [6, 5, 4]],
    [[6, 5, 4], [3, 2, 1]],
    [[4, 5, 6], [1, 2, 3]],
    [[1, 4], [2, 5], [3, 6]],
    [[4, 1], [5, 2], [6, 3]],
    [[6, 3], [5, 2], [4, 1]],
    [[3, 6], [2, 5], [1, 4]],
  ]);
  assert.equal(turned(image, 1), image);
});
