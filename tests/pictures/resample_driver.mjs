// Resamples what a test hands over: a JSON list of cases, and after it the pictures, RGBA, one after another.

import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

import { square } from '../../cnn_core/browser/resample.js';

const [, , cases, pixels, results] = process.argv;
const bytes = readFileSync(pixels);
let at = 0;
const found = JSON.parse(readFileSync(cases, 'utf8')).map(({ width, height, size, crop }) => {
  const data = new Uint8ClampedArray(bytes.subarray(at, at + 4 * width * height));
  at += data.length;
  return square({ data, width, height }, size, crop);
});
writeFileSync(results, Buffer.concat(found));
