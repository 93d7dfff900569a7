// A frame through kernels: its maps, whether they are the server's, and where their colours are full.

import { activated, compared, crossCorrelate, planesOf, prepare } from '../../../cnn_core/browser/convolve.js';
import { decode } from '../parts/numbers.js';

/** @typedef {import('./types').Data} Data */
/** @typedef {import('./types').Frame} Frame */
/** @typedef {import('./types').Sight} Sight */
/** @typedef {import('./types').Checked} Checked */

/** How many values of a map say where its colours are full, and the share of them that is below that. */
const SAMPLED = 2000, BELOW = 0.995;

/**
 * Return how one looks with these settings.
 *
 * @type {(data: Data) => Sight}
 */
export const sightOf = (data) => {
  const { channel, rescaled, kernels, cells, how, scale, shift, relu, ceiling } = data;
  /** @type {import('../../../cnn_core/browser/convolve.js').Laid | undefined} */
  let laid;
  /** @type {Float64Array[]} */
  let planes = [];
  const taken = () => {
    if (!laid) throw new Error('No frame has been taken yet.');
    return laid;
  };
  return {
    count: kernels.length,
    take: (frame) => {
      planes = planesOf(frame, channel, rescaled);
      laid = prepare(planes, [frame.height, frame.width], cells, how, laid);
    },
    planes: () => planes,
    size: () => [taken().rows, taken().columns],
    map: (at) => activated(crossCorrelate(taken(), kernels[at]),
      { scale: scale[at], shift: shift[at], relu, ceiling: ceiling ?? Infinity }),
  };
};

/**
 * Return the server's frame, as a canvas has its pixels.
 *
 * @type {(frame: Data['frame']) => Frame & { data: Uint8ClampedArray }}
 */
export const serverFrame = ({ pixels, height, width }) => {
  const colours = atob(pixels), data = new Uint8ClampedArray(4 * height * width).fill(255);
  for (let n = 0; n < height * width; n += 1) {
    for (const colour of [0, 1, 2]) data[4 * n + colour] = colours.charCodeAt(3 * n + colour);
  }
  return { data, width, height };
};

/**
 * Write a difference with one digit.
 *
 * @type {(value: number) => string}
 * @example rough(0.00000004)  // '4e-8'
 */
export const rough = (value) => Number.isFinite(value) ? value.toExponential(0) : 'no number';

/**
 * Look at the server's frame, and hold each map against the server's own.
 *
 * @type {(data: Data) => Checked}
 */
export const checkedSight = (data) => {
  const sight = sightOf(data), expected = decode(data.expected);
  let difference = 0;
  try {
    sight.take(serverFrame(data.frame));
    const [rows, columns] = sight.size(), cells = rows * columns;
    if (expected.length !== cells * sight.count) throw new Error('Its maps are of another size than the server’s.');
    for (let at = 0; at < sight.count; at += 1) {
      const found = compared(sight.map(at), expected.subarray(at * cells, (at + 1) * cells));
      difference = Math.max(difference, found.difference / Math.max(1, found.largest));
    }
  } catch (error) {
    return { difference: Infinity, good: false, words: `Live is off: ${/** @type {Error} */ (error).message}` };
  }
  if (difference > data.tolerance) {
    const words = `Live is off: on a test frame this browser differs from the server by ${rough(difference)}, and ` +
      `${rough(data.tolerance)} is allowed.`;
    return { difference, good: false, words };
  }
  const what = sight.count > 1 ? `All ${sight.count} maps agree` : 'The map agrees';
  return { difference, good: true, words: `${what} with the server to ${rough(difference)} on a test frame.` };
};

/**
 * Return the value at which colours are full: 995 of 1,000 lie below it, so that one bright cell pales no others.
 *
 * @type {(map: Float64Array) => number}
 */
export const fullColour = (map) => {
  const by = Math.max(1, Math.floor(map.length / SAMPLED));
  const sizes = Float64Array.from({ length: Math.ceil(map.length / by) }, (_, n) => Math.abs(map[n * by])).sort();
  return sizes[Math.floor(BELOW * (sizes.length - 1))] || sizes[sizes.length - 1] || 1;
};
