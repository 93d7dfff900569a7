// What a frame of 320 × 240 pixels takes: for `benchmarks.kernel`, which says by which kernels, and reads the answer.

import process from 'node:process';

import { activated, crossCorrelate, planesOf, prepare } from '../cnn_core/browser/convolve.js';

const [WIDTH, HEIGHT] = [320, 240];
/** @typedef {'grey' | 'colours'} Channel */
/** @typedef {{ channel: Channel, cells: [number, number], how: {}, kernels: number[][], relu: boolean }} Case */

/** @type {(of: Case, frames: number) => number[]} Milliseconds of each frame. */
const timed = ({ channel, cells, how, kernels, relu }, frames) => {
  const data = Uint8ClampedArray.from({ length: 4 * WIDTH * HEIGHT }, (_, n) => (n * 2654435761) >>> 24);
  /** @type {import('../cnn_core/browser/convolve.js').Laid | undefined} */
  let laid;
  return Array.from({ length: frames }, () => {
    const start = performance.now();
    laid = prepare(planesOf({ data, width: WIDTH, height: HEIGHT }, channel), [HEIGHT, WIDTH], cells, how, laid);
    for (const kernel of kernels) activated(crossCorrelate(laid, kernel), { relu, ceiling: 6 });
    return performance.now() - start;
  });
};

let text = '';
for await (const part of process.stdin) text += part;
/** @type {{ cases: Case[], frames: number }} */
const { cases, frames } = JSON.parse(text);
process.stdout.write(JSON.stringify(cases.map((each) => timed(each, frames))));
