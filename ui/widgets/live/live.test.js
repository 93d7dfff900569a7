import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../testing.js';
import live from './live.js';

const manifest = {
  size: 224, crop: 0.875, classes: ['brick', 'gravel'], preprocessing: /** @type {const} */ ('inside'),
  arms: { frozen: { title: 'Frozen', steps: ['trunk'], head: 'head' } },
  parts: { trunk: { url: 'shared/trunk.tflite', sha256: '', bytes: 13_400_000 } },
};
const data = { runtime: '/live/litert/abc/', parts: '/live/parts/', manifest, colours: { frozen: '#2F6DB5' } };
const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test('without WebAssembly one sentence says so, and nothing can be begun', async (t) => {
  const { WebAssembly: there } = globalThis;
  t.after(() => { globalThis.WebAssembly = there; });
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  const page = open('live', live);
  page.run(data);
  assert.match(page.text('.state') ?? '', /^Fetching the network \(13 MB\)/);
  await settled();
  assert.match(page.text('.trouble') ?? '', /^This browser runs no WebAssembly, which live answers need/);
  assert.equal(page.text('.state'), '');
  assert.equal(page.find('.ways').hidden, true);
  assert.equal(page.find('.live').dataset.live, 'off');
  assert.equal(page.text('.stay'), 'What you show here stays in this browser: no picture is sent.');
  assert.deepEqual(page.sent, []);
});

test('another run of the page begins nothing anew, and takes new colours', async () => {
  const page = open('live', live);
  page.run(data);
  await settled();
  page.find('.state').textContent = 'as it was';
  page.run({ ...data, colours: { frozen: '#7FB2F0' } });
  await settled();
  assert.equal(page.text('.state'), 'as it was');
  assert.equal(page.find('.live').style.getPropertyValue('--arm-frozen'), '#7FB2F0');
});

/** A page whose network answers that all is brick; nothing was fetched for it. */
const answering = async () => {
  const page = open('live', live), root = page.find('.live'), video = page.find('video');
  page.run(data);
  await settled();
  let off = 0;
  Object.assign(video, { pause: () => {}, load: () => {} });
  const state = Reflect.get(root, 'state'), camera = { stop: () => { off += 1; } };
  Object.assign(state, { network: { answer: async () => ({ frozen: [1, 0] }), close: () => {} }, camera });
  return { page, root, state, off: () => off };
};

test('a page that goes out of sight stops the camera, and says so', async () => {
  const { page, state, off } = await answering();
  Object.defineProperty(document, 'hidden', { value: true, configurable: true });
  document.dispatchEvent(new window.Event('visibilitychange'));
  assert.equal(off(), 1);
  assert.equal(state.camera, null);
  assert.equal(page.text('.trouble'), 'Stopped, since this page was out of sight. Begin again when you like.');
  document.dispatchEvent(new window.Event('visibilitychange'));
  assert.equal(off(), 1, 'there is nothing more to stop');
});

test('Stop turns the camera off', async () => {
  const { page, off } = await answering();
  page.find('.stop').click();
  assert.equal(off(), 1);
  assert.equal(page.find('video').hidden, true);
});

test('a video among pictures is asked for by itself', async () => {
  const { page } = await answering();
  const kinds = { 'a.png': 'image/png', 'b.webm': 'video/webm' };
  const files = Object.entries(kinds).map(([name, type]) => new window.File([], name, { type }));
  const input = page.find('input');
  Object.defineProperty(input, 'files', { value: files });
  input.dispatchEvent(new window.Event('change'));
  assert.equal(page.text('.trouble'), 'b.webm is a video: give one by itself, or only pictures.');
});
