import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import { colourScale, signed } from '../parts/colours.js';
import component, { pace } from './live_kernel.js';
import { checkedSight, fullColour, rough, serverFrame, sightOf } from './sight.js';

/** @typedef {import('./types').Data} Data */

const coded = (/** @type {Float32Array | Uint8Array} */ { buffer }) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)));
/** @type {Data} Two kernels of one cell on a red 0, 51, 102, 255. */
const DATA = {
  frame: { pixels: coded(Uint8Array.of(0, 9, 9, 51, 9, 9, 102, 9, 9, 255, 9, 9)), height: 2, width: 2 },
  channel: 'red', rescaled: [0, 255], kernels: [[2], [-1]], cells: [1, 1], how: {},
  scale: [], shift: [], relu: false, ceiling: null,
  expected: coded(Float32Array.of(0, 0.4, 0.8, 2, 0, -0.2, -0.4, -1)), tolerance: 1e-5, chosen: 0,
};
const idle = () => new Promise((done) => {
  setImmediate(done);
});

/**
 * Show the component in a browser with a camera, or without one.
 *
 * @type {(how?: { data?: Partial<Data>, camera?: boolean | Error }) => ReturnType<typeof shown>}
 */
const show = ({ data = {}, camera = true } = {}) => shown({ ...DATA, ...data }, camera);
const shown = (/** @type {Data} */ data, /** @type {boolean | Error} */ camera) => {
  const page = open('live_kernel', component);
  const track = { live: true, stop: () => {
    track.live = false;
  }, getSettings: () => ({}) };
  const stream = { getVideoTracks: () => [track], getTracks: () => [track] };
  const getUserMedia = async () => {
    if (camera instanceof Error) throw camera;
    return stream;
  };
  const mediaDevices = camera ? { getUserMedia, enumerateDevices: async () => [] } : undefined;
  Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices }, configurable: true });
  /** @type {(() => void)[]} */
  const waiting = [];
  Object.assign(page.find('.camera'), {
    play: async () => {}, requestVideoFrameCallback: (/** @type {() => void} */ next) => waiting.push(next),
  });
  Object.defineProperties(page.find('.camera'), { videoWidth: { value: 640 }, videoHeight: { value: 480 } });
  page.run(data);
  return {
    ...page,
    track,
    turn: /** @type {HTMLButtonElement} */ (page.find('.turn')),
    frames: (/** @type {number} */ count) => {
      for (let n = 0; n < count; n += 1) waiting.shift()?.();
    },
  };
};

test('the server\'s frame is seen as the server sees it', () => {
  assert.deepEqual([...serverFrame(DATA.frame).data.slice(0, 8)], [0, 9, 9, 255, 51, 9, 9, 255]);
  const { words, good, difference } = checkedSight(DATA);
  assert.ok(good && difference > 0 && difference < 1e-7, 'the rounding of float32');
  assert.match(words, /^All 2 maps agree with the server to \de-\d on a test frame\.$/);
  const one = checkedSight({ ...DATA, kernels: [[2]], expected: coded(Float32Array.of(0, 0.5, 1, 2)) });
  assert.equal(one.words,
    'Live is off: on a test frame this browser differs from the server by 1e-1, and 1e-5 is allowed.');
  assert.match(checkedSight({ ...DATA, cells: [3, 3] }).words, /^Live is off: A kernel that spans 3 × 3 does not fit/);
  assert.match(checkedSight({ ...DATA, kernels: [[2]] }).words, /^Live is off: Its maps are of another size/);
});

test('large values are compared in parts of the largest', () => {
  const large = { ...DATA, kernels: [[200000]], expected: coded(Float32Array.of(0, 40000.1, 80000, 200000)) };
  assert.ok(checkedSight(large).good);
});

test('a layer\'s maps are scaled, shifted and cut off', () => {
  const sight = sightOf({ ...DATA, scale: [2, 1], shift: [-1, 0.5], relu: true, ceiling: 2.5 });
  sight.take(serverFrame(DATA.frame));
  const near = (/** @type {Float64Array} */ map) => [...map].map((n) => Number(n.toFixed(9)));
  assert.deepEqual([near(sight.map(0)), near(sight.map(1))], [[0, 0, 0.6, 2.5], [0.5, 0.3, 0.1, 0]]);
});

test('colours are full where but few values lie above', () => {
  assert.equal(fullColour(Float64Array.from({ length: 1000 }, (_, n) => -n)), 994);
  assert.equal(fullColour(new Float64Array(9)), 1);
  assert.equal(rough(4.2e-8), '4e-8');
  assert.equal(rough(Infinity), 'no number');
});

test('a whole map has the colours of single values', () => {
  for (const paper of ['#FAFAF7', '#101827']) {
    const colours = colourScale(paper, 4), bytes = new Uint8Array(colours.buffer);
    [-1, -0.75, 0, 0.5, 1].forEach((value) => {
      const at = 4 * (4 + 4 * value);
      assert.equal(`rgb(${[...bytes.slice(at, at + 3)]})`, signed(value, 1, paper)[0]);
      assert.equal(bytes[at + 3], 255);
    });
  }
});

test('before the camera is on, a test frame shows what will be', () => {
  const { text, turn, find, sent } = show();
  assert.equal(text('.sees'), 'a test frame, red, 2\u00a0×\u00a02');
  assert.equal(text('.maps'), 'map 1 of 2, 2\u00a0×\u00a02: red +0.8, blue −0.8');
  assert.equal(turn.textContent, 'Use my camera');
  assert.ok(find('.trouble').hidden && find('.other').hidden && !turn.disabled);
  assert.match(String(text('.kept')), /stay in this browser/);
  assert.deepEqual(sent, []);
});

test('one kernel has no strip of maps', () => {
  const { find, text } = show({ data: { kernels: [[2]], expected: coded(Float32Array.of(0, 0.4, 0.8, 2)) } });
  assert.ok(find('.strip').hidden);
  assert.match(String(text('.checked')), /^The map agrees/);
  assert.match(String(text('.maps')), /^its map/);
});

test('a browser that sees something else is not let on', () => {
  const { turn, text } = show({ data: { kernels: [[2], [1]] } });
  assert.ok(turn.disabled);
  assert.match(String(text('.checked')), /Live is off: on a test frame this browser differs/);
});

test('the camera goes on until it is stopped, and settings change meanwhile', async () => {
  const { turn, text, frames, track, run, sent } = show();
  turn.click();
  assert.equal(turn.textContent, 'Opening the camera…');
  await idle();
  frames(3);
  assert.equal(text('.sees'), 'your camera, mirrored, red, 240\u00a0×\u00a0320');
  run({ ...DATA, channel: 'grey', expected: coded(Float32Array.from(
    [0, 51, 102, 255].flatMap((red) => 2 * (0.299 * red + 0.701 * 9) / 255)
      .concat([0, 51, 102, 255].map((red) => -(0.299 * red + 0.701 * 9) / 255)))) });
  frames(1);
  assert.equal(text('.sees'), 'your camera, mirrored, grey, 240\u00a0×\u00a0320');
  assert.ok(track.live);
  turn.click();
  assert.ok(!track.live);
  assert.equal(text('.sees'), 'a test frame, grey, 2\u00a0×\u00a02');
  frames(3);
  assert.equal(text('.sees'), 'a test frame, grey, 2\u00a0×\u00a02', 'nothing of it is left');
  assert.deepEqual(sent, []);
});

test('a setting that does not agree stops the camera', async () => {
  const { turn, track, run } = show();
  turn.click();
  await idle();
  run({ ...DATA, kernels: [[2], [1]] });
  assert.ok(!track.live && turn.disabled);
});

test('the camera stops when the component goes', async () => {
  const { turn, find, track, pass } = show();
  turn.click();
  await idle();
  find('.live').remove();
  pass(500);
  assert.ok(!track.live);
});

test('without a camera, or leave to use it, one sentence is said and the rest works', async () => {
  const none = show({ camera: false });
  none.turn.click();
  await idle();
  assert.match(String(none.text('.trouble')), /^Browsers give the camera only to pages with https/);
  assert.equal(none.text('.sees'), 'a test frame, red, 2\u00a0×\u00a02');
  assert.equal(none.turn.textContent, 'Use my camera');
  const refused = show({ camera: Object.assign(new Error('no'), { name: 'NotAllowedError' }) });
  refused.turn.click();
  await idle();
  assert.match(String(refused.text('.trouble')), /^This page may not use the camera/);
  assert.ok(!refused.find('.trouble').hidden);
});

test('a map is chosen by a click or by arrow keys, and Python is told', () => {
  const { all, text, sent, press, find, focused, run } = show();
  /** @type {HTMLElement} */ (all('.strip button')[1]).click();
  assert.match(String(text('.maps')), /^map 2 of 2/);
  assert.deepEqual(sent, [['chosen', '1']]);
  run({ ...DATA, chosen: 1 });
  assert.equal(find('.strip [aria-checked=true]').getAttribute('aria-label'), 'map 2');
  assert.ok(press(all('.strip button')[1], 'ArrowRight'));
  assert.equal(focused(), all('.strip button')[0], 'round and round');
  assert.deepEqual(sent[1], ['chosen', '0']);
  assert.ok(!press(all('.strip button')[0], 'a'));
});

test('how quick it is', () => {
  assert.equal(pace([0, 40, 80], [4, 5, 9]), '25 frames a second, 5 ms each');
  assert.equal(pace([0], [4]), '');
});
