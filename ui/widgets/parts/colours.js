// Colours of numbers, as the pictures of the page have them.

import { clamp } from '../parts/numbers.js';

/** @typedef {[fill: string, pen: string, hatched?: boolean]} Look */

/** Colours of activations, as in cnn_core/figures/palette.py: below zero, above zero. Zero is the paper. */
const ENDS = { light: [[33, 102, 172], [178, 24, 43]], dark: [[96, 165, 250], [255, 122, 107]] };

/** @type {(colour: string) => number[]} */
const primaries = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/**
 * Return how light a colour is, 0 to 1.
 *
 * @type {(colour: string) => number}
 * @example luminance('#ffffff')  // 1
 */
export const luminance = (colour) => primaries(colour).reduce((all, c, n) => all + c / 255 * [0.21, 0.72, 0.07][n], 0);

const isDark = (/** @type {string} */ paper) => luminance(paper) < 0.2;

/** @type {(t: number, paper: string) => number[]} Red, green and blue of −1 to 1. */
const shade = (t, paper) => {
  const zero = primaries(paper), end = ENDS[isDark(paper) ? 'dark' : 'light'][t >= 0 ? 1 : 0];
  return end.map((c, n) => Math.round(zero[n] + (c - zero[n]) * Math.abs(t)));
};

/**
 * Return the colour of a signed value, blue over the paper to red, and a colour to write on it.
 *
 * @param {number} value
 * @param {number} full Where the colour is full.
 * @param {string} paper As `#rrggbb`.
 * @returns {Look}
 */
export const signed = (value, full, paper = '#FAFAF7') => {
  const t = clamp(value / full, -1, 1);
  return [`rgb(${shade(t, paper)})`, isDark(paper) === Math.abs(t) > 0.6 ? '#111' : '#fff'];
};

/**
 * Return the colours of signed values as a canvas has its pixels, for whole maps: from −1 over 0 to 1.
 *
 * @param {string} paper As `#rrggbb`.
 * @param {number} steps Of either sign.
 * @returns {Uint32Array} `2 · steps + 1` pixels, little-endian RGBA.
 */
export const colourScale = (paper, steps) => Uint32Array.from({ length: 2 * steps + 1 }, (_, n) => {
  const [red, green, blue] = shade((n - steps) / steps, paper);
  return (0xff000000 | blue << 16 | green << 8 | red) >>> 0;
});

/**
 * Return the grey of a value between two, and a colour to write on it.
 *
 * @type {(value: number, low: number, high: number) => Look}
 */
export const grey = (value, low, high) => {
  const g = Math.round(high > low ? 25 + 225 * (value - low) / (high - low) : 128);
  return [`rgb(${g},${g},${g})`, g > 140 ? '#111' : '#fff'];
};
