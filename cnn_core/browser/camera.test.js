import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { CameraTrouble, cameras, frameOf, openCamera } from './camera.js';

/** @typedef {{ facingMode?: string, deviceId?: string }} Settings */

const trouble = (/** @type {string} */ name, message = '') => Object.assign(new Error(message), { name });

/** Stands in for the browser's cameras: what is asked, what is open. */
const given = (/** @type {Settings[]} */ settings, /** @type {Error | null} */ refusal = null) => {
  /** @type {MediaStreamConstraints[]} */
  const asked = [];
  /** @type {Set<object>} */
  const running = new Set();
  const getUserMedia = async (/** @type {MediaStreamConstraints} */ constraints) => {
    asked.push(constraints);
    if (refusal) throw refusal;
    const track = { getSettings: () => settings[asked.length - 1], stop: () => running.delete(track) };
    running.add(track);
    return { getTracks: () => [track], getVideoTracks: () => [track] };
  };
  const devices = settings.map(({ deviceId = '' }) => ({ kind: 'videoinput', deviceId }));
  const enumerateDevices = async () => [...devices, { kind: 'audioinput', deviceId: 'x' }];
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true, value: { mediaDevices: { getUserMedia, enumerateDevices } } });
  return { asked, running };
};
const screen = (/** @type {() => Promise<void>} */ play = async () => {}) => {
  const video = { play, srcObject: null, videoWidth: 320, videoHeight: 240 };
  return /** @type {HTMLVideoElement} */ (/** @type {unknown} */ (video));
};
const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
afterEach(() => {
  if (before) Object.defineProperty(globalThis, 'navigator', before);
  else Reflect.deleteProperty(globalThis, 'navigator');
});

test('the front camera is a mirror, and ends when it is stopped', async () => {
  const { asked, running } = given([{ facingMode: 'user' }]), video = screen();
  const { stop, ...camera } = await openCamera({ facing: 'user', width: 320 }, video);
  assert.deepEqual(camera, { facing: 'user', mirrored: true, width: 320, height: 240 });
  assert.deepEqual(asked, [{
    audio: false, video: { width: { ideal: 320 }, height: { ideal: 240 }, facingMode: { ideal: 'user' } } }]);
  assert.equal(video.muted && video.playsInline && video.srcObject !== null, true);
  stop();
  assert.deepEqual([running.size, video.srcObject], [0, null]);
});

test('the back camera is no mirror; where none says where it looks it is the other one', async () => {
  given([{ facingMode: 'environment' }]);
  assert.equal((await openCamera({ facing: 'environment' }, screen())).mirrored, false);
  const two = given([{ deviceId: 'a' }, { deviceId: 'b' }]);
  const camera = await openCamera({ facing: 'environment' }, screen());
  assert.deepEqual([camera.facing, camera.mirrored, two.running.size], ['environment', false, 1]);
  assert.deepEqual(two.asked.map(({ video }) => /** @type {any} */ (video).deviceId), [undefined, { exact: 'b' }]);
  given([{ deviceId: 'a' }]);
  assert.equal((await openCamera({ facing: 'environment' }, screen())).facing, 'user', 'there is but one');
});

for (const [name, sentence] of [
  ['NotAllowedError', /^This page may not use the camera: allow it/],
  ['NotFoundError', /^No camera was found: connect one/],
  ['OverconstrainedError', /^No camera was found: connect one/],
  ['NotReadableError', /^The camera is there but gives no picture: another program may be using it/],
  ['TypeError', /^The camera could not be opened \(odd\); try again/],
]) {
  test(`${name} is told in a sentence`, async () => {
    given([], trouble(/** @type {string} */ (name), 'odd'));
    await assert.rejects(openCamera({}, screen()), (error) => {
      assert.ok(error instanceof CameraTrouble);
      assert.match(error.message, /** @type {RegExp} */ (sentence));
      return true;
    });
  });
}

test('a page without https is told so', async () => {
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: {} });
  await assert.rejects(openCamera({}, screen()), /^CameraTrouble: Browsers give the camera only to pages with https/);
  assert.equal(await cameras(), 0);
});

test('a camera that cannot be shown is let go', async () => {
  const { running } = given([{ facingMode: 'user' }]);
  const refused = async () => {
    throw trouble('AbortError');
  };
  await assert.rejects(openCamera({}, screen(refused)), /gives no picture/);
  assert.equal(running.size, 0);
});

test('cameras are counted, microphones are not', async () => {
  given([{ deviceId: 'a' }, { deviceId: 'b' }]);
  assert.equal(await cameras(), 2);
});

test('a frame has the size of what is shown', () => {
  /** @type {unknown[][]} */
  const drawn = [];
  const pen = {
    drawImage: (/** @type {unknown[]} */ ...told) => drawn.push(told),
    getImageData: (/** @type {number[]} */ ...[, , width, height]) => ({ width, height }),
  };
  const canvas = /** @type {any} */ ({ width: 1, height: 1, getContext: () => pen });
  const shown = (/** @type {object} */ source) => frameOf(/** @type {any} */ (source), canvas);
  assert.deepEqual(shown({ videoWidth: 320, videoHeight: 240, width: 9 }), { width: 320, height: 240 });
  assert.deepEqual(shown({ naturalWidth: 5, naturalHeight: 4, width: 9 }), { width: 5, height: 4 });
  assert.deepEqual(shown({ width: 3, height: 2 }), { width: 3, height: 2 });
  assert.deepEqual(drawn.map(([, x, y]) => [x, y]), [[0, 0], [0, 0], [0, 0]]);
});
