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
