import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';

import { headed, openNetwork, openRuntime, parity, prepared } from './network.js';

/** @typedef {import('./network.js').Manifest} Manifest */

/** @type {Record<string, Uint8Array>} What lies at which address. */
let served = {};
/** @type {string[]} */
let said = [];
const realFetch = globalThis.fetch;
if (!globalThis.crypto) Object.assign(globalThis, { crypto: webcrypto });  // Node 18

beforeEach(() => {
  served = {};
  said = [];
  Object.assign(globalThis, {
    document: { baseURI: 'http://localhost/lab/transfer?run=1' },
    fetch: async (/** @type {string} */ url, /** @type {{ cache?: string }} */ { cache = '' } = {}) => {
      said.push(`${cache} ${url}`);
      const data = served[url];
      return { ok: Boolean(data), status: data ? 200 : 404, arrayBuffer: async () => Uint8Array.from(data).buffer };
    },
  });
});
afterEach(() => {
  Object.assign(globalThis, { fetch: realFetch });
  Reflect.deleteProperty(globalThis, 'document');
});

/** A runtime whose flatbuffers are one byte long: they multiply what they get by it. It counts what is alive. */
const runtime = () => {
  const alive = { tensors: 0, models: 0 }, ran = /** @type {number[]} */ ([]);
  class Tensor {
    constructor(/** @type {Float32Array} */ numbers) {
      this.numbers = numbers;
      alive.tensors += 1;
    }

    async data() {
      return this.numbers;
    }

    delete() {
      alive.tensors -= 1;
    }
  }
  const loadAndCompile = async (/** @type {Uint8Array} */ [factor], /** @type {object} */ options) => {
    assert.deepEqual(options, { accelerator: 'wasm', gpuOptions: { precision: 'fp32' } });
    if (factor === 0) throw new Error('no such operation');
    alive.models += 1;
    const run = async (/** @type {Tensor} */ { numbers }) => {
      ran.push(factor);
      return [new Tensor(numbers.map((number) => number * factor))];
    };
    return { getInputDetails: () => [{ dtype: 'float32', shape: [1, 3] }], run, delete: () => { alive.models -= 1; } };
  };
  const library = /** @type {any} */ ({ Tensor, loadAndCompile });
  return { alive, ran, runtime: { library, accelerator: /** @type {'wasm'} */ ('wasm') } };
};

/** @type {(parts: Record<string, Uint8Array>, arms: Manifest['arms'], more?: object) => Manifest} */
const manifestOf = (parts, arms, more = {}) => ({
  size: 1, crop: 1, classes: ['a', 'b', 'c'], preprocessing: 'inside', base: '../live/parts/', arms,
  parts: Object.fromEntries(Object.entries(parts).map(([name, data]) => {
    served[`http://localhost/live/parts/${name}.bin`] = data;
    const sha256 = createHash('sha256').update(data).digest('hex');
    return [name, { url: `${name}.bin`, sha256, bytes: data.length }];
  })),
  ...more,
});
const bytesOf = (/** @type {number[]} */ numbers) => new Uint8Array(new Float32Array(numbers).buffer);

test('shared parts run once a frame, and nothing of a frame stays', async () => {
  const { alive, ran, runtime: used } = runtime();
  const parts = { lower: new Uint8Array([2]), upper: new Uint8Array([3]), whole: new Uint8Array([5]) };
  const network = await openNetwork(used, manifestOf(parts, {
    frozen: { steps: ['lower'] }, fine_tuned: { steps: ['lower', 'upper'] }, scratch: { steps: ['whole'] } }));
  assert.deepEqual(said.sort(), ['lower', 'upper', 'whole'].map((name) =>
    `force-cache http://localhost/live/parts/${name}.bin`));
  const [first, second] = await Promise.all([[1, 2, 3], [4, 5, 6]].map((frame) =>
    network.answer(new Uint8Array(frame))));
  assert.deepEqual(first, {
    frozen: new Float64Array([2, 4, 6]), fine_tuned: new Float64Array([6, 12, 18]),
    scratch: new Float64Array([5, 10, 15]) });
  assert.deepEqual(second.frozen, new Float64Array([8, 10, 12]));
  assert.deepEqual(ran, [2, 3, 5, 2, 3, 5], 'one frame after the other');
  assert.deepEqual(alive, { tensors: 0, models: 3 });
  network.close();
  await assert.rejects(network.answer(new Uint8Array(3)), /This network is closed/);
  assert.equal(alive.models, 0);
});

test('a head is a mean over positions, a kernel, a softmax', async () => {
  const { runtime: used } = runtime();
  // Three positions of one channel, with mean 4 after the trunk; logits 4 · (1, 0, -1) + (0, ln 2, 0)
  const head = bytesOf([1, 0, -1, 0, Math.log(2), 0]), trunk = new Uint8Array([2]);
  const network = await openNetwork(used, manifestOf({ trunk, head }, { frozen: { steps: ['trunk'], head: 'head' } }));
  const { frozen } = await network.answer(new Uint8Array([1, 2, 3]));
  const expected = [Math.exp(4), 2, Math.exp(-4)], sum = expected.reduce((total, share) => total + share);
  expected.forEach((share, index) => assert.ok(Math.abs(frozen[index] - share / sum) < 1e-7));
  const even = headed([1, 3], { kernel: new Float32Array([1, 0]), bias: new Float32Array([0, 2]) });
  assert.deepEqual([...even], [0.5, 0.5]);
  const large = headed([800], { kernel: new Float32Array([1, 0]), bias: new Float32Array(2) });
  assert.deepEqual([...large], [1, 0], 'nothing overflows');
});

test('pictures are prepared as Keras prepares them', () => {
  const seen = new Uint8Array([0, 100, 255, 10, 20, 30]);
  assert.deepEqual(prepared(seen, 'inside'), new Float32Array(seen));
  assert.deepEqual(prepared(new Uint8Array([0, 255]), 'tf'), new Float32Array([-1, 1]));
  const [blue, green, red] = prepared(seen, 'caffe');
  [[blue, 255 - 103.939], [green, 100 - 116.779], [red, -123.68]].forEach(([found, expected]) =>
    assert.ok(Math.abs(found - expected) < 1e-4));
});

test('parts that are not what was meant are refused', async () => {
  const { alive, runtime: used } = runtime(), parts = { one: new Uint8Array([2]), two: new Uint8Array([0]) };
  /** @type {(changed: (manifest: Manifest) => void, steps?: string[]) => Promise<string>} */
  const trouble = async (changed, steps = ['one']) => {
    const manifest = manifestOf(parts, { arm: { steps } });
    changed(manifest);
    const found = await openNetwork(used, manifest).catch((error) => `${error.name}: ${error.message}`);
    return /** @type {string} */ (found);
  };
  assert.match(await trouble(({ parts: { one } }) => { one.sha256 = '0'.repeat(64); }), new RegExp(
    '^LiveTrouble: The network\'s part one is not the one that was meant \\(1 bytes with SHA-256 [0-9a-f]{12}, '
    + 'expected 1 with 000000000000\\)'));
  assert.match(await trouble(({ parts: { one } }) => { one.bytes = 2; }), /expected 2 with/);
  assert.match(await trouble(({ parts: { one } }) => { one.url = 'x'; }), /one did not arrive \(the server says 404\)/);
  assert.match(await trouble(() => {}, ['three']), /^LiveTrouble: The network names a part three, which there is not/);
  assert.match(await trouble(() => {}, ['one', 'two']), /cannot run the network's part two \(no such operation\)/);
  assert.equal(alive.models, 0, 'what was there is given back');
});

test('the browser is held against the server', async () => {
  const { runtime: used } = runtime(), checksum = (/** @type {number[]} */ bytes) =>
    createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
  const manifest = manifestOf({ one: new Uint8Array([1]) }, { arm: { steps: ['one'] } }, { parity: [
    { name: 'a', url: 'a.png', seen: checksum([10, 20, 30]), expected: { arm: [10, 20.25, 30] } },
    { name: 'b', url: 'b.png', orientation: 6, seen: checksum([0, 0, 0]), expected: { arm: [10, 20, 29.5] } },
  ] });
  const network = await openNetwork(used, manifest), loaded = /** @type {unknown[][]} */ ([]);
  const load = async (/** @type {unknown[]} */ ...wanted) => {
    loaded.push(wanted);
    return /** @type {ImageData} */ ({ data: new Uint8ClampedArray([10, 20, 30, 255]), width: 1, height: 1 });
  };
  assert.deepEqual(await parity(network, manifest, load), { pictures: 2, largest: { arm: 0.5 }, worst: 0.5, bits: 1 });
  const folder = 'http://localhost/live/parts';
  assert.deepEqual(loaded, [[`${folder}/a.png`, undefined], [`${folder}/b.png`, 6]]);
  const lacking = { ...manifest, parity: [{ ...manifest.parity?.[0], expected: { other: [1] } }] };
  const { worst } = await parity(network, /** @type {Manifest} */ (lacking), load);
  assert.equal(worst, Infinity, 'an arm that is not there');
});

test('without WebAssembly there is a sentence', async () => {
  const kept = globalThis.WebAssembly;
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  await assert.rejects(openRuntime('live/'), /^LiveTrouble: This browser runs no WebAssembly, which live answers need/);
  Object.assign(globalThis, { WebAssembly: kept });
  await assert.rejects(openRuntime('live/'), /^LiveTrouble: The runtime for live answers could not be loaded/);
});
