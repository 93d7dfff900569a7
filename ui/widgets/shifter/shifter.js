// A picture that is moved by hand, by whole pixels: it follows the hand at once, and the page is told where it rests.
// A pixel is too little for a hand, so the dot goes further than the picture does.

import { clamp } from '../parts/numbers.js';

/**
 * @typedef {object} Data
 * @property {string} picture Its address.
 * @property {[number, number]} size Its height and width, in pixels.
 * @property {number} most How far it goes in each direction; so much of it lies beyond each side of the frame.
 * @property {[number, number]} at Where it is: pixels down and to the right.
 * @property {string} label Spoken.
 * @property {boolean} sharp Show pixels as squares.
 * @property {boolean} still Nobody moves it.
 */
/** @typedef {{ at: [number, number], grip?: [number, number], rest?: ReturnType<typeof setTimeout> }} State */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ at: string }, Data>} Args */

/** Milliseconds without a step until the page is told. */
const REST = 250;
/** Pixels of the screen that a hand goes for one of the picture: in a small frame, in a large one. */
const REACH = [3, 8], RIM = 10;
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/**
 * Say how far something was moved.
 *
 * @type {(at: [number, number]) => string}
 * @example words([-2, 1])  // '1 px right, 2 px up'
 */
export const words = ([down, right]) => {
  const across = right ? [`${Math.abs(right)} px ${right > 0 ? 'right' : 'left'}`] : [];
  const along = down ? [`${Math.abs(down)} px ${down > 0 ? 'down' : 'up'}`] : [];
  return [...across, ...along].join(', ') || 'not moved: drag it';
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.shifter'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const frame = $('frame'), picture = /** @type {HTMLImageElement} */ ($('picture'));
  const { most, still } = data, [height, width] = data.size, rows = height - 2 * most, columns = width - 2 * most;
  /** @type {State} */
  const state = (root.state ??= { at: data.at });
  if (!state.grip && !state.rest) state.at = data.at;  // what a hand is doing is not undone by an answer

  root.setAttribute('aria-label', data.label);
  root.tabIndex = still ? -1 : 0;
  root.classList.toggle('still', still);
  frame.style.aspectRatio = `${columns} / ${rows}`;
  if (picture.src !== data.picture) picture.src = data.picture;
  picture.alt = data.label;
  picture.classList.toggle('sharp', data.sharp);
  picture.style.width = `${100 * width / columns}%`;

  const reach = () => {
    const box = frame.getBoundingClientRect();
    return clamp(Math.floor((Math.min(box.width, box.height) / 2 - RIM) / most), REACH[0], REACH[1]);
  };
  const draw = () => {
    const [down, right] = state.at, by = reach(), x = right * by, y = down * by;
    picture.style.left = `${100 * (right - most) / columns}%`;
    picture.style.top = `${100 * (down - most) / rows}%`;
    $('dot').style.transform = `translate(${x}px, ${y}px)`;
    $('rod').style.width = `${Math.hypot(x, y)}px`;
    $('rod').style.transform = `rotate(${Math.atan2(y, x)}rad)`;
    $('said').textContent = still ? words(state.at).replace(': drag it', '') : words(state.at);
  };
  const tell = () => {
    clearTimeout(state.rest);
    state.rest = undefined;
    setTriggerValue('at', String(state.at));
  };
  const move = (/** @type {number} */ down, /** @type {number} */ right) => {
    /** @type {[number, number]} */
    const to = [clamp(down, -most, most), clamp(right, -most, most)];
    if (String(to) === String(state.at)) return;
    state.at = to;
    draw();
    clearTimeout(state.rest);
    state.rest = setTimeout(tell, REST);
  };

  frame.onpointerdown = (event) => {
    if (still) return;
    const by = reach();
    frame.setPointerCapture(event.pointerId);
    state.grip = [event.clientY - state.at[0] * by, event.clientX - state.at[1] * by];
  };
  frame.onpointermove = (event) => {
    if (!state.grip) return;
    const by = reach(), [y, x] = state.grip;
    move(Math.round((event.clientY - y) / by), Math.round((event.clientX - x) / by));
  };
  frame.onpointerup = frame.onpointercancel = () => {
    state.grip = undefined;
    if (state.rest) tell();
  };
  root.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (still || (!step && event.key !== 'Home')) return;
    event.preventDefault();
    if (step) move(state.at[0] + step[0], state.at[1] + step[1]);
    else move(0, 0);
  };
  draw();
}
