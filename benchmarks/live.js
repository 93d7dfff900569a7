// The clock of live.py: a frame, from its pixels to the answer, and how much of that is resampling.

/** @typedef {import('../cnn_core/browser/network.js').Manifest} Manifest */
/** @typedef {import('../cnn_core/browser/network.js').Network} Network */
/** @typedef {{ open: number, resample: number[], answer: number[], said: Record<string, number[]> }} Timed */

const scripts = '/scripts/';

/**
 * Return what WebGPU computes on, in words, empty if there is nothing; and whether that is a graphics card.
 *
 * @returns {Promise<{ name: string, real: boolean }>}
 */
export async function graphics() {
  const gpu = /** @type {any} */ (navigator).gpu, adapter = await gpu?.requestAdapter();
  if (!adapter) return { name: '', real: false };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, description].filter(Boolean).join(' ') || 'one without a name';
  return { name, real: !isFallbackAdapter && !/swiftshader|llvmpipe|software/i.test(name) };
}

/**
 * Measure networks in turns, so that a busy machine is as hard on one as on the next; milliseconds.
 *
 * @param {{ manifests: Record<string, Manifest>, picture: string, turns: number, frames: number,
 *   webgpu: boolean }} wanted
 * @returns {Promise<{ accelerator: string, runtime: number, networks: Record<string, Timed> }>}
 */
export async function measured({ manifests, picture, turns, frames, webgpu }) {
  const { openNetwork, openRuntime } = await import(`${scripts}network.js`);
  const { pixelsOf } = await import(`${scripts}picture.js`);
  const { square } = await import(`${scripts}resample.js`);
  const frame = await pixelsOf(await (await fetch(picture)).blob());
  const began = performance.now(), runtime = await openRuntime('litert/', { webgpu }), ready = performance.now();
  /** @type {Record<string, Timed>} */
  const networks = {};
  /** @type {Record<string, Network>} */
  const open = {};
  for (const [name, manifest] of Object.entries(manifests)) {
    const start = performance.now();
    open[name] = await openNetwork(runtime, manifest);
    networks[name] = { open: performance.now() - start, resample: [], answer: [], said: {} };
  }
  for (let turn = -1; turn < turns; turn += 1) {  // the first warms up
    for (const [name, { size, crop }] of Object.entries(manifests)) {
      for (let number = 0; number < (turn < 0 ? 3 : frames); number += 1) {
        const start = performance.now(), seen = square(frame, size, crop), resampled = performance.now();
        const said = await open[name].answer(seen), end = performance.now();
        const timed = networks[name];
        for (const [arm, probabilities] of Object.entries(said)) timed.said[arm] = [...probabilities];
        if (turn >= 0) {
          timed.resample.push(resampled - start);
          timed.answer.push(end - resampled);
        }
      }
    }
  }
  Object.values(open).forEach((network) => network.close());
  return { accelerator: runtime.accelerator, runtime: ready - began, networks };
}
