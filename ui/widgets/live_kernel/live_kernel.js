// A kernel, or all of a layer, on the reader's camera: computed and drawn here, so that no picture leaves this browser.
// The server sends how to look, and with it a frame of its own and what it sees there. Only if this browser sees the
// same does the camera start. This function runs again on every change of data; the camera goes on.

import { cameras, openCamera } from '../../../cnn_core/browser/camera.js';
import { colourScale } from '../parts/colours.js';
import { clamp } from '../parts/numbers.js';
import { checkedSight, fullColour, serverFrame, sightOf } from './sight.js';

/** @typedef {import('./types').Data} Data */
/** @typedef {import('./types').Frame} Frame */
/** @typedef {import('./types').State} State */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ chosen: string }, Data>} Args */

/** Pixels of a camera's longer side, and colours of either sign. */
const SIDE = 320, STEPS = 500;
/** Milliseconds: what the maps of a frame may take, so that there are twenty frames a second; between two looks. */
const BUDGET = 28, LOOK = 500;
/** Share of the full colour before in the next one: colours do not flicker. */
const STEADY = 0.8;
/** Frames that are timed. */
const TIMED = 30;

/** @type {(value: number) => string} */
const short = (value) => String(Number(value.toPrecision(3)));

/**
 * Say how quick the frames are, by when the last ones were done and what each took, in milliseconds.
 *
 * @type {(ends: number[], took: number[]) => string}
 * @example pace([0, 40, 80], [4, 5, 9])  // '25 frames a second, 5 ms each'
 */
export const pace = (ends, took) => {
  if (ends.length < 2) return '';
  const rate = 1000 * (ends.length - 1) / Math.max(1, ends[ends.length - 1] - ends[0]);
  const middle = [...took].sort((a, b) => a - b)[Math.floor((took.length - 1) / 2)];
  return `${Math.round(rate)} frames a second, ${Math.max(1, Math.round(middle))} ms each`;
};

/**
 * Draw pixels of four bytes onto a canvas, which gets their size.
 *
 * @type {(canvas: HTMLCanvasElement, size: [number, number], fill: (pixels: Uint32Array) => void) => void}
 */
const paint = (canvas, [rows, columns], fill) => {
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const image = pen.createImageData(columns, rows);
  fill(new Uint32Array(image.data.buffer));
  pen.putImageData(image, 0, 0);
};

/** @type {(map: Float64Array, limit: number, colours: Uint32Array) => (pixels: Uint32Array) => void} */
const coloured = (map, limit, colours) => (pixels) => {
  for (let n = 0; n < map.length; n += 1) {
    pixels[n] = colours[STEPS + Math.round(clamp(map[n] / limit, -1, 1) * STEPS)];
  }
};

/** @type {(planes: Float64Array[], [less, over]: [number, number]) => (pixels: Uint32Array) => void} */
const asSeen = (planes, [less, over]) => (pixels) => {
  const [red, green, blue] = planes.length === 3 ? planes : [planes[0], planes[0], planes[0]];
  const byte = (/** @type {number} */ value) => Math.round(value * over + less);
  for (let n = 0; n < red.length; n += 1) {
    pixels[n] = (0xff000000 | byte(blue[n]) << 16 | byte(green[n]) << 8 | byte(red[n])) >>> 0;
  }
};

/**
 * Return what the camera shows now, turned as a mirror shows it where people expect that.
 *
 * @type {(video: HTMLVideoElement, canvas: HTMLCanvasElement, mirrored: boolean) => Frame | null}
 */
const grabbed = (video, canvas, mirrored) => {
  const { videoWidth, videoHeight } = video, by = Math.min(1, SIDE / Math.max(1, videoWidth, videoHeight));
  const width = Math.round(videoWidth * by), height = Math.round(videoHeight * by);
  if (!width || !height) return null;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  pen.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? width : 0, 0);
  pen.drawImage(video, 0, 0, width, height);
  return { data: pen.getImageData(0, 0, width, height).data, width, height };
};

/** @type {() => State} */
const fresh = () => (
  { facing: 'user', trouble: '', next: 0, chosen: 0, told: -1, limits: [], ends: [], took: [], paced: 0 });

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.live'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const seen = /** @type {HTMLCanvasElement} */ ($('seen')), large = /** @type {HTMLCanvasElement} */ ($('map'));
  const video = /** @type {HTMLVideoElement} */ ($('camera')), turn = /** @type {HTMLButtonElement} */ ($('turn'));
  const other = /** @type {HTMLButtonElement} */ ($('other')), strip = $('strip');
  const state = (root.state ??= fresh()), sight = sightOf(data), checked = checkedSight(data);
  const paper = getComputedStyle(root).getPropertyValue('--st-background-color').trim() || '#FAFAF7';
  const colours = colourScale(paper, STEPS), several = sight.count > 1;
  Object.assign(state, { next: 0, limits: [] });
  if (data.chosen !== state.told) state.chosen = state.told = data.chosen;  // the link says so, or Python has been told
  state.chosen = clamp(state.chosen, 0, sight.count - 1);

  const tiles = () => /** @type {HTMLButtonElement[]} */ ([...strip.children]);
  const choose = (/** @type {number} */ at) => {
    state.chosen = at;
    mark();
    if (!state.camera) still();
    setTriggerValue('chosen', String(at));
  };
  const mark = () => tiles().forEach((tile, at) => {
    tile.setAttribute('aria-checked', String(at === state.chosen));
    tile.tabIndex = at === state.chosen ? 0 : -1;
  });
  const laid = () => {
    strip.hidden = !several;
    if (!several) strip.replaceChildren();
    else if (strip.children.length !== sight.count) {
      strip.replaceChildren(...data.kernels.map((_, at) => {
        const tile = document.createElement('button');
        Object.assign(tile, { type: 'button', title: `map ${at + 1}` });
        tile.setAttribute('role', 'radio');
        tile.setAttribute('aria-label', `map ${at + 1}`);
        tile.append(document.createElement('canvas'));
        return tile;
      }));
    }
    tiles().forEach((tile, at) => {
      tile.onclick = () => choose(at);
    });
    strip.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      choose((state.chosen + by + sight.count) % sight.count);
      tiles()[state.chosen].focus();
    };
    mark();
  };

  /** @type {(canvas: HTMLCanvasElement, at: number, size: [number, number], map?: Float64Array) => Float64Array} */
  const drawn = (canvas, at, size, map = sight.map(at)) => {
    if (map !== state.last) {
      const full = fullColour(map), before = state.limits[at];
      state.limits[at] = before ? STEADY * before + (1 - STEADY) * full : full;
    }
    paint(canvas, size, coloured(map, state.limits[at], colours));
    return map;
  };
  /** Draw a frame and its maps: the large one always, of the others as many as there is time for. */
  const show = (/** @type {Frame} */ frame, budget = BUDGET) => {
    const begun = performance.now(), { chosen } = state;
    sight.take(frame);
    const size = sight.size();
    paint(seen, [frame.height, frame.width], asSeen(sight.planes(), data.rescaled));
    state.last = drawn(large, chosen, size);
    for (let left = several ? sight.count : 0; left && performance.now() - begun < budget; left -= 1) {
      const at = state.next, small = /** @type {HTMLCanvasElement} */ (tiles()[at].firstElementChild);
      drawn(small, at, size, at === chosen ? state.last : undefined);
      state.next = (at + 1) % sight.count;
    }
    const limit = state.limits[chosen], full = short(limit);
    root.dataset.limit = String(limit);
    const whose = state.camera ? `your camera${state.camera.mirrored ? ', mirrored' : ''}` : 'a test frame';
    const of = data.channel === 'colours' ? '' : `${data.channel}, `;
    $('sees').textContent = `${whose}, ${of}${frame.height}\u00a0×\u00a0${frame.width}`;
    const name = several ? `map ${chosen + 1} of ${sight.count}` : 'its map';
    $('maps').textContent = `${name}, ${size[0]}\u00a0×\u00a0${size[1]}: red +${full}, blue −${full}`;
  };
  const still = () => {
    if (checked.good) show(serverFrame(data.frame), Infinity);
  };
  const say = () => {
    turn.textContent = state.camera ? 'Stop the camera' : state.opening ? 'Opening the camera…' : 'Use my camera';
    turn.disabled = !checked.good || Boolean(state.opening);
    if (!state.camera) {
      other.hidden = true;
      $('pace').textContent = '';
    }
    $('trouble').textContent = state.trouble;
    $('trouble').hidden = !state.trouble;
    seen.setAttribute('aria-label', state.camera ? 'What your camera shows' : 'A test frame that the server sent');
    large.setAttribute('aria-label', 'The map: red where the sum is positive, blue where it is negative');
  };

  const stop = (trouble = '') => {
    clearInterval(state.watch);
    state.camera?.stop();
    Object.assign(state, { camera: undefined, trouble, next: 0, limits: [], ends: [], took: [] });
    if (!root.isConnected) return;
    state.said?.();
    state.still?.();
  };
  const tick = () => {
    if (!state.camera) return;
    const start = performance.now(), canvas = (state.canvas ??= document.createElement('canvas'));
    try {
      const frame = grabbed(video, canvas, state.camera.mirrored);
      if (frame) {
        state.shown?.(frame);
        state.ends.push(performance.now());
        state.took.push(performance.now() - start);
      }
    } catch (error) {
      stop(`The camera was stopped: ${/** @type {Error} */ (error).message}`);
      return;
    }
    if (state.ends.length > TIMED) [state.ends, state.took] = [state.ends.slice(-TIMED), state.took.slice(-TIMED)];
    if (start - state.paced > LOOK) {
      state.paced = start;
      $('pace').textContent = pace(state.ends, state.took);
    }
    following();
  };
  const following = () => {
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(tick);
    else requestAnimationFrame(tick);
  };
  const start = async () => {
    Object.assign(state, { opening: true, trouble: '' });
    say();
    try {
      const camera = await openCamera({ facing: state.facing, width: SIDE }, video);
      const gone = !root.isConnected || document.hidden;
      if (gone) camera.stop();
      else Object.assign(state, { camera, next: 0, limits: [], ends: [], took: [], paced: 0 });
    } catch (error) {
      state.trouble = /** @type {Error} */ (error).message;
    }
    state.opening = false;
    state.said?.();
    if (!state.camera) return;
    state.watch = setInterval(() => {
      if (!root.isConnected || document.hidden) stop();
    }, LOOK);
    following();
    other.hidden = await cameras() < 2;
  };

  turn.onclick = () => {
    if (state.camera) stop();
    else start();
  };
  other.onclick = () => {
    state.facing = state.facing === 'user' ? 'environment' : 'user';
    stop();
    start();
  };
  $('checked').textContent = checked.words;
  root.dataset.difference = String(checked.difference);
  Object.assign(state, { shown: show, said: say, still });
  laid();
  if (state.camera && !checked.good) stop();
  say();
  if (!state.camera) still();
}
