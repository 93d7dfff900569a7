// Hold to record: while a button, a key or a touch is held the camera's frames are gathered; when it ends they go to
// Python as one burst. State lives on the host element, since this function runs again on every change of data.

import { cameras, openCamera } from '../../../cnn_core/browser/camera.js';

/**
 * @typedef {object} Data
 * @property {string} label Of what is in front of the camera; empty while nobody has said.
 * @property {number} recordings That the class has.
 * @property {number} needed Recordings that it needs in all to be divided.
 * @property {number} width Of a frame, in pixels, at most.
 * @property {number} rate Frames a second.
 * @property {number} most Frames of a recording.
 * @property {string} taken Id of the burst that Python has dealt with last.
 */
/**
 * @typedef {object} Burst
 * @property {string} id
 * @property {string} label
 * @property {string[]} frames JPEG, base64.
 * @property {number} alike Frames that were nearly the same as others and are not among them.
 */
/** @typedef {{ burst: Burst | null }} Answer */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<Answer, Data>} Args */
/** @typedef {{ data: ArrayLike<number>, width: number, height: number }} Pixels RGBA. */
/**
 * @typedef {object} State
 * @property {Data} data Of the last run.
 * @property {import('../../../cnn_core/browser/camera.js').Camera | null} camera
 * @property {boolean} opening
 * @property {boolean} several Whether there is another camera.
 * @property {'user' | 'environment'} facing
 * @property {string} trouble
 * @property {Burst | null} burst That is being recorded.
 * @property {Float64Array[]} looks Of its frames.
 * @property {ReturnType<typeof setInterval>} [timer]
 * @property {Burst[]} queue Recorded, and not yet in the set; the first is on its way.
 * @property {HTMLCanvasElement} canvas
 * @property {() => void} hidden Called when nobody can see the picture.
 * @property {ResizeObserver} [observer]
 */

const CELLS = 16;  // along either side of a look
const ALIKE = 1.5;  // grey levels; a still camera's noise, averaged over a cell, stays below one

/** @type {(number: number, noun: string) => string} */
const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/**
 * Return the mean colours of 16 × 16 cells of a frame, 0 to 255.
 *
 * @param {Pixels} pixels At least 16 on either side.
 */
export const look = ({ data, width, height }) => {
  const sums = new Float64Array(3 * CELLS * CELLS), counts = new Float64Array(CELLS * CELLS);
  for (let y = 0; y < height; y += 1) {
    const row = CELLS * Math.floor(y * CELLS / height);
    for (let x = 0; x < width; x += 1) {
      const cell = row + Math.floor(x * CELLS / width), at = 4 * (y * width + x);
      counts[cell] += 1;
      for (let c = 0; c < 3; c += 1) sums[3 * cell + c] += data[at + c];
    }
  }
  return sums.map((sum, n) => sum / counts[Math.floor(n / 3)]);
};

/**
 * Return how far two looks are apart: the root of the mean square, in grey levels.
 *
 * @type {(one: Float64Array, other: Float64Array) => number}
 */
export const apart = (one, other) => Math.sqrt(one.reduce((all, c, n) => all + (c - other[n]) ** 2, 0) / one.length);

/**
 * Return the size of a frame: as the camera gives it, but no wider than wanted.
 *
 * @type {(width: number, height: number, most: number) => [number, number]}
 */
export const frameSize = (width, height, most) => {
  const wide = Math.min(width, most);
  return [wide, Math.max(1, Math.round(wide * height / width))];
};

/**
 * Return what stands below the camera while nothing is recorded.
 *
 * @type {(data: Data) => string}
 */
export const standing = ({ label, recordings, needed }) => {
  if (!label) return 'Say first what is in front of the camera.';
  if (needed <= recordings) return `“${label}” has ${counted(recordings, 'recording')}.`;
  const more = recordings ? '' : ' Move it, or the camera, a little while you hold.';
  return `“${label}”: ${recordings} of ${counted(needed, 'recording')}.${more}`;
};

/** @param {Args} args */
export default function ({ data, parentElement, setStateValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.recorder'));
  /** @type {<E extends HTMLElement = HTMLElement>(name: string) => E} */
  const $ = (name) => /** @type {never} */ (root.querySelector(name));
  const video = /** @type {HTMLVideoElement} */ ($('video'));
  const hold = /** @type {HTMLButtonElement} */ ($('.hold'));
  /** @type {State} */
  const state = (root.state ??= {
    data, camera: null, opening: false, several: false, facing: 'user', trouble: '', burst: null, looks: [], queue: [],
    canvas: document.createElement('canvas'), hidden: () => {},
  });
  state.data = data;

  const show = () => {
    const { camera, burst, queue } = state;
    $('.screen').hidden = !camera && !state.opening;  // some browsers play nothing that is hidden
    hold.hidden = !camera;
    root.classList.toggle('mirrored', camera?.mirrored ?? false);
    root.classList.toggle('recording', burst !== null);
    hold.disabled = !state.data.label;
    hold.textContent = burst ? 'Recording: let go to end' : 'Hold to record';
    $('.count').textContent = burst ? counted(burst.frames.length, 'frame') : '';
    $('.power').textContent = state.opening ? 'Opening the camera…' : `Turn the camera ${camera ? 'off' : 'on'}`;
    $('.other').hidden = !(camera && state.several);
    $('.trouble').textContent = state.trouble;
    const putting = queue.length ? `Putting ${counted(queue[0].frames.length, 'frame')} into your set…` : '';
    $('.state').textContent = burst ? `Recording ${state.data.recordings + queue.length + 1}` : putting
      || standing(state.data);
  };

  /** What came of a recording is said above, and moves the camera down. */
  const inSight = () => {
    if (state.camera) requestAnimationFrame(() => root.scrollIntoView?.({ block: 'nearest' }));
  };

  const shoot = () => {
    const { burst, canvas, looks } = state;
    if (!burst || !video.videoWidth) return;
    const [width, height] = frameSize(video.videoWidth, video.videoHeight, state.data.width);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
    pen.drawImage(video, 0, 0, width, height);  // as the camera has it: the mirror is on the screen only
    const seen = look({ data: pen.getImageData(0, 0, width, height).data, width, height });
    if (looks.some((other) => apart(seen, other) < ALIKE)) burst.alike += 1;
    else {
      looks.push(seen);
      burst.frames.push(canvas.toDataURL('image/jpeg', 0.92).split(',')[1]);
    }
    if (burst.frames.length >= state.data.most) end();
    else show();
  };
  const begin = () => {
    if (state.burst || !state.camera || !state.data.label) return;
    state.burst = { id: `${Date.now()}-${Math.random()}`, label: state.data.label, frames: [], alike: 0 };
    state.looks = [];
    state.timer = setInterval(shoot, 1000 / state.data.rate);
    shoot();  // a tap is one frame
  };
  const end = () => {
    clearInterval(state.timer);
    const { burst, queue } = state;
    state.burst = null;
    state.looks = [];
    if (burst?.frames.length) {
      queue.push(burst);
      if (queue.length === 1) setStateValue('burst', burst);
    }
    show();
  };

  const close = (trouble = '') => {
    end();
    state.camera?.stop();
    Object.assign(state, { camera: null, trouble });
    show();
  };
  const open = async () => {
    if (state.opening) return;
    Object.assign(state, { opening: true, trouble: '' });
    show();
    try {
      const camera = await openCamera({ facing: state.facing, width: state.data.width }, video);
      if (!root.isConnected || document.hidden) camera.stop();
      else {
        Object.assign(state, { camera, facing: camera.facing, several: await cameras() > 1 });
        const [track] = /** @type {MediaStream} */ (video.srcObject)?.getVideoTracks() ?? [];
        if (track) track.onended = () => close('The camera has gone: connect it, and turn it on again.');
      }
    } catch (error) {
      state.trouble = error instanceof Error ? error.message : String(error);
    }
    state.opening = false;
    show();
    inSight();
  };

  $('.power').onclick = () => (state.camera ? close() : open());
  $('.other').onclick = () => {
    close();
    state.facing = state.facing === 'user' ? 'environment' : 'user';
    return open();
  };
  hold.onpointerdown = (event) => {
    if (event.button) return;
    hold.setPointerCapture(event.pointerId);
    begin();
  };
  hold.onpointerup = hold.onpointercancel = hold.onlostpointercapture = hold.onblur = end;
  hold.oncontextmenu = (event) => event.preventDefault();  // a long touch
  hold.onkeydown = (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();  // no click follows
    if (!event.repeat) begin();
  };
  hold.onkeyup = (event) => {
    if (event.key === ' ' || event.key === 'Enter') end();
  };
  hold.onclick = (event) => {
    if (event.detail) return;
    begin();  // by whoever can neither hold a key nor a pointer: one frame
    end();
  };

  state.hidden = () => {
    if (state.camera && (document.hidden || !root.isConnected || !root.offsetWidth)) close();
  };
  if (!state.observer) {  // of another tab, of another page, or gone: nobody sees what would be recorded
    state.observer = new ResizeObserver(() => state.hidden());
    state.observer.observe(root);
    document.addEventListener('visibilitychange', () => state.hidden());
  }
  if (state.queue.length && data.taken === state.queue[0].id) {
    state.queue.shift();
    setStateValue('burst', state.queue[0] ?? null);  // else it would be sent again with every click on the page
    inSight();
  }
  show();
  return () => setTimeout(() => state.hidden(), 0);
}
