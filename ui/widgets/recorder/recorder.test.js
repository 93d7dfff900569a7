import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { apart, frameSize, look, standing } from './recorder.js';
import { open } from '../testing.js';

/** @type {import('./recorder.js').Data} */
const DATA = { label: 'cup', recordings: 0, needed: 3, width: 320, rate: 8, most: 20, taken: '' };

/** @typedef {import('./recorder.js').Burst} Burst */

/**
 * A page with a camera of 640 × 480 whose frames are of one grey, as the test says.
 *
 * @param {{ several?: boolean, refuses?: string, grey?: () => number }} [how]
 */
const stage = ({ several = false, refuses = '', grey = () => 0 } = {}) => {
  const page = open('recorder', component);
  const track = { stopped: false, stop: () => { track.stopped = true; }, getSettings: () => ({}), onended: () => {} };
  /** @type {MediaStreamConstraints[]} */
  const asked = [];
  const refuse = () => { throw Object.assign(new Error('no'), { name: refuses }); };
  const mediaDevices = {
    getUserMedia: async (/** @type {MediaStreamConstraints} */ wanted) => {
      asked.push(wanted);
      return refuses ? refuse() : { getVideoTracks: () => [track], getTracks: () => [track] };
    },
    enumerateDevices: async () => Array(several ? 2 : 1).fill({ kind: 'videoinput', deviceId: '' }),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices }, configurable: true });
  const video = page.find('video');
  Object.defineProperties(video, {
    play: { value: async () => {} }, videoWidth: { value: 640 }, videoHeight: { value: 480 },
    srcObject: { value: null, writable: true },
  });
  const canvas = { number: 0 };
  Object.assign(window.HTMLCanvasElement.prototype, {
    getContext: () => ({
      drawImage: () => {},
      getImageData: (/** @type {number[]} */ ...[, , width, height]) =>
        ({ data: new Uint8ClampedArray(4 * width * height).fill(grey()) }),
    }),
    toDataURL: () => `data:image/jpeg;base64,frame${canvas.number++}`,
  });
  const hold = page.find('.hold');
  const lets = (/** @type {string} */ key) =>
    hold.dispatchEvent(new window.KeyboardEvent('keyup', { key, bubbles: true }));
  const on = async () => {
    page.find('.power').click();
    await new Promise(setImmediate);
  };
  /** What was recorded and sent, in order; `null` when there is nothing more. */
  const bursts = () => page.sent.map(([, burst]) => /** @type {Burst} */ (burst));
  return { ...page, hold, lets, on, bursts, track, asked };
};

/** Every frame is another. */
const changing = () => {
  let now = 0;
  return () => (now += 10);
};

test('a look is the mean colour of each cell', () => {
  const [width, height] = [32, 48], data = new Uint8ClampedArray(4 * width * height);
  for (let n = 0; n < width * height; n += 1) {
    data.set([n % width, Math.floor(n / width), n % 2 ? 10 : 20, 255], 4 * n);
  }
  const seen = look({ data, width, height });
  assert.equal(seen.length, 3 * 256);
  assert.deepEqual([...seen.slice(0, 6)], [0.5, 1, 15, 2.5, 1, 15]);
  assert.deepEqual([...seen.slice(-3)], [30.5, 46, 15]);
});

test('looks are apart by the root of the mean square', () => {
  assert.equal(apart(Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 2, 3, 4)), 0);
  assert.equal(apart(Float64Array.of(0, 0, 0, 0), Float64Array.of(3, 5, 1, 1)), 3);
});

test('frames are no wider than wanted, and no wider than the camera', () => {
  assert.deepEqual(frameSize(640, 480, 320), [320, 240]);
  assert.deepEqual(frameSize(240, 320, 320), [240, 320]);
  assert.deepEqual(frameSize(1280, 719, 320), [320, 180]);
});

test('it is said how many recordings a class has and needs', () => {
  assert.equal(standing({ ...DATA, label: '' }), 'Say first what is in front of the camera.');
  assert.equal(standing(DATA), '“cup”: 0 of 3 recordings. Move it, or the camera, a little while you hold.');
  assert.equal(standing({ ...DATA, recordings: 1 }), '“cup”: 1 of 3 recordings.');
  assert.equal(standing({ ...DATA, recordings: 1, needed: 1 }), '“cup” has 1 recording.');
});

test('a held key records eight frames a second, which are sent as one burst when it ends', async () => {
  const page = stage({ grey: changing() });
  page.run(DATA);
  assert.equal(page.hold.hidden, true);
  await page.on();
  assert.deepEqual([page.hold.hidden, page.text('.power')], [false, 'Turn the camera off']);
  assert.equal(page.press(page.hold, ' '), true);
  page.pass(500);
  assert.deepEqual([page.text('.count'), page.text('.state')], ['5 frames', 'Recording 1']);
  page.run(DATA);  // the page is drawn anew meanwhile
  page.pass(250);
  assert.equal(page.sent.length, 0);
  page.lets(' ');
  page.pass(5000);
  assert.equal(page.sent.length, 1);
  assert.equal(page.sent[0][0], 'burst');
  const [burst] = page.bursts();
  assert.deepEqual([burst.label, burst.alike], ['cup', 0]);
  assert.deepEqual(burst.frames, [0, 1, 2, 3, 4, 5, 6].map((n) => `frame${n}`));
  assert.equal(page.text('.state'), 'Putting 7 frames into your set…');
});

test('a tap is one frame, by a pointer and by whoever can only click', async () => {
  const page = stage({ grey: changing() });
  page.run(DATA);
  await page.on();
  page.point(page.hold, 'down');
  page.pass(60);
  page.point(page.hold, 'up');
  page.hold.click();
  page.run({ ...DATA, taken: page.bursts()[0].id });
  assert.deepEqual(page.bursts().map(({ frames }) => frames), [['frame0'], ['frame1']]);
});

test('what is recorded meanwhile waits for its turn, and nothing is sent again afterwards', async () => {
  const page = stage({ grey: changing() });
  page.run(DATA);
  await page.on();
  for (const key of [' ', 'Enter']) {
    page.press(page.hold, key);
    page.lets(key);
  }
  assert.equal(page.sent.length, 1);
  page.run(DATA);  // not yet dealt with
  assert.equal(page.sent.length, 1);
  page.run({ ...DATA, recordings: 1, taken: page.bursts()[0].id });
  assert.deepEqual(page.bursts()[1].frames, ['frame1']);
  page.run({ ...DATA, recordings: 2, taken: page.bursts()[1].id });
  assert.deepEqual(page.sent[2], ['burst', null]);
  assert.equal(page.text('.state'), '“cup”: 2 of 3 recordings.');
});

test('frames that are nearly the same as another of the burst are counted and not sent', async () => {
  const greys = [100, 101, 140, 141, 100, 102];
  const page = stage({ grey: () => greys.shift() ?? 0 });
  page.run(DATA);
  await page.on();
  page.press(page.hold, ' ');
  page.pass(625);
  page.lets(' ');
  const [burst] = page.bursts();
  assert.deepEqual([burst.frames.length, burst.alike], [3, 3]);  // 102 is 2 from 100
});

test('a recording ends by itself where it is long enough', async () => {
  const page = stage({ grey: changing() });
  page.run({ ...DATA, most: 4 });
  await page.on();
  page.press(page.hold, ' ');
  page.pass(60_000);
  assert.equal(page.bursts()[0].frames.length, 4);
  assert.equal(page.sent.length, 1);
});

test('nothing is recorded of what nobody has named', async () => {
  const page = stage({ grey: changing() });
  page.run({ ...DATA, label: '' });
  await page.on();
  assert.equal(/** @type {HTMLButtonElement} */ (page.hold).disabled, true);
  page.press(page.hold, ' ');
  page.pass(500);
  assert.deepEqual([page.sent.length, page.text('.state')], [0, 'Say first what is in front of the camera.']);
});

test('without leave there is a sentence, and it can be tried again', async () => {
  const page = stage({ refuses: 'NotAllowedError' });
  page.run(DATA);
  await page.on();
  assert.match(page.text('.trouble') ?? '', /^This page may not use the camera: allow it/);
  assert.deepEqual([page.hold.hidden, page.text('.power')], [true, 'Turn the camera on']);
});

test('the camera is closed by its button, and what was being recorded is sent', async () => {
  const page = stage({ grey: changing() });
  page.run(DATA);
  await page.on();
  page.press(page.hold, ' ');
  page.pass(125);
  page.find('.power').click();
  assert.equal(page.track.stopped, true);
  assert.equal(page.bursts()[0].frames.length, 2);
});

test('a camera that is pulled out is spoken of', async () => {
  const page = stage();
  page.run(DATA);
  await page.on();
  page.track.onended();
  assert.equal(page.text('.trouble'), 'The camera has gone: connect it, and turn it on again.');
});

test('the other camera is offered where there is one', async () => {
  const alone = stage();
  alone.run(DATA);
  await alone.on();
  assert.equal(alone.find('.other').hidden, true);
  const page = stage({ several: true });
  page.run(DATA);
  await page.on();
  assert.equal(page.find('.other').hidden, false);
  page.find('.other').click();
  await new Promise(setImmediate);
  const facing = page.asked.map(({ video }) => /** @type {MediaTrackConstraints} */ (video).facingMode);
  assert.deepEqual(facing, [{ ideal: 'user' }, { ideal: 'environment' }]);
  assert.equal(page.find('.recorder').classList.contains('mirrored'), true);  // it says nothing of where it looks
});
