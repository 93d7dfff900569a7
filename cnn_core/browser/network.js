// A run's network in the browser: LiteRT.js loaded once a page, parts that networks share run once a frame, and the
// answers held against the server's.

import { pixelsOf } from './picture.js';
import { square } from './resample.js';

/** @typedef {import('@litertjs/core').CompiledModel} CompiledModel */
/** @typedef {import('@litertjs/core').Tensor} Tensor */
/** @typedef {typeof import('@litertjs/core')} Library */
/** @typedef {'wasm' | 'webgpu'} Accelerator */
/** @typedef {{ library: Library, accelerator: Accelerator }} Runtime */
/** @typedef {{ title?: string, steps: string[], head?: string }} LiveArm */
/** @typedef {{ url: string, sha256: string, bytes: number }} Part */
/**
 * @typedef {{ name: string, url: string, orientation?: number, seen: string,
 *   expected: Record<string, number[]> }} Known
 */
/**
 * @typedef {{ size: number, crop: number, classes: string[], preprocessing: 'inside' | 'tf' | 'caffe',
 *   arms: Record<string, LiveArm>, parts: Record<string, Part>, threshold?: Record<string, number>, parity?: Known[],
 *   tolerance?: number, base?: string }} Manifest Addresses are relative to `base`, which is relative to the page.
 */
/** @typedef {Record<string, Float64Array>} Answer Probabilities of the classes, by arm. */
/** @typedef {{ answer(bytes: Uint8Array): Promise<Answer>, close(): void }} Network */
/** @typedef {{ kernel: Float32Array, bias: Float32Array }} LiveHead */
/**
 * What `parity` found: pictures; largest difference of a probability, by arm and of all; how many pictures the network
 * sees to the bit as on the server (null where the page can take no checksums).
 *
 * @typedef {{ pictures: number, largest: Record<string, number>, worst: number, bits: number | null }} Parity
 */

/** Why nothing can be answered in this browser; its message is a sentence for people. */
export class LiveTrouble extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, { cause });
    this.name = 'LiveTrouble';
  }
}

/** @type {(cause: unknown) => string} */
const reasonOf = (cause) => cause instanceof Error ? cause.message : String(cause);

/**
 * Load LiteRT.js, once a page.
 *
 * @param {string} base Folder with `index.js` and the WebAssembly files, relative to the page.
 * @param {{ webgpu?: boolean }} [options] `webgpu`: compute on the graphics card, where the browser has one to give.
 * @returns {Promise<Runtime>} `accelerator` says on what networks run.
 * @throws {LiveTrouble}
 */
export async function openRuntime(base, { webgpu = false } = {}) {
  if (typeof WebAssembly !== 'object') {
    throw new LiveTrouble('This browser runs no WebAssembly, which live answers need: use a newer browser, or allow it '
      + 'in the settings.');
  }
  const folder = new URL(base.endsWith('/') ? base : `${base}/`, document.baseURI).href;
  try {
    /** @type {Library} */
    const library = await import(`${folder}index.js`);
    const jspi = webgpu && await library.supportsFeature('jspi') && await library.supportsFeature('relaxedSimd');
    const litert = await (library.getGlobalLiteRtPromise() ?? library.loadLiteRt(folder, { jspi }));
    return { library, accelerator: webgpu && litert.getDefaultEnvironment().webGpuDevice ? 'webgpu' : 'wasm' };
  } catch (error) {
    throw new LiveTrouble(
      `The runtime for live answers could not be loaded (${reasonOf(error)}): reload the page, and try again.`, error);
  }
}

/** @type {(manifest: Manifest, url: string) => string} */
const addressIn = ({ base = '' }, url) => new URL(url, new URL(base, document.baseURI)).href;

/** @type {(bytes: Uint8Array<ArrayBuffer>) => Promise<string | null>} Hex; null where the page may take none. */
const sha256Of = async (bytes) => {
  if (!globalThis.crypto?.subtle) return null;
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

/** @type {(name: string, part: Part) => Promise<Uint8Array<ArrayBuffer>>} */
const fetchedPart = async (name, { url, sha256, bytes }) => {
  /** @type {Uint8Array<ArrayBuffer>} */
  let data;
  try {
    const response = await fetch(url, { cache: 'force-cache' });
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    data = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new LiveTrouble(`The network's part ${name} did not arrive (${reasonOf(error)}): try again.`, error);
  }
  const sum = await sha256Of(data);
  if (data.length !== bytes || (sum !== null && sum !== sha256)) {
    const arrived = `${data.length} bytes with SHA-256 ${sum ? sum.slice(0, 12) : 'unknown'}`;
    throw new LiveTrouble(`The network's part ${name} is not the one that was meant (${arrived}, expected ${bytes} `
      + `with ${sha256.slice(0, 12)}): reload the page without its cache.`);
  }
  return data;
};

/** @type {(name: string, data: Uint8Array<ArrayBuffer>, classes: number) => LiveHead} */
const headOf = (name, data, classes) => {
  const numbers = new Float32Array(data.buffer, data.byteOffset, Math.floor(data.byteLength / 4));
  if (data.byteLength % (4 * classes) || numbers.length < 2 * classes) {
    throw new LiveTrouble(`The head ${name} has ${data.byteLength} bytes, which is no kernel with ${classes} classes.`);
  }
  return { kernel: numbers.subarray(0, -classes), bias: numbers.subarray(-classes) };
};

/**
 * Return the probabilities that a linear head gives: the mean over all positions, times the kernel, softmax.
 *
 * @param {ArrayLike<number>} maps Row by row, channels last.
 * @param {LiveHead} head `kernel`: channels × classes, row by row.
 * @example headed([1, 3], { kernel: new Float32Array([1, 0]), bias: new Float32Array([0, 2]) })  // [0.5, 0.5]
 */
export function headed(maps, { kernel, bias }) {
  const classes = bias.length, channels = kernel.length / classes, positions = maps.length / channels;
  const means = new Float64Array(channels), logits = Float64Array.from(bias);
  for (let at = 0; at < maps.length; at += 1) means[at % channels] += maps[at];
  for (let channel = 0, at = 0; channel < channels; channel += 1) {
    const mean = means[channel] / positions;
    for (let index = 0; index < classes; index += 1, at += 1) logits[index] += mean * kernel[at];
  }
  const top = Math.max(...logits), shares = logits.map((logit) => Math.exp(logit - top));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

/**
 * Return a square of pixels as the numbers that a network takes, in float32 as Keras computes them.
 *
 * @param {Uint8Array} bytes Red, green and blue by turns.
 * @param {Manifest['preprocessing']} how `inside`: the network does it; `tf`: x / 127.5 − 1; `caffe`: BGR minus means.
 * @returns {Float32Array<ArrayBuffer>}
 */
export function prepared(bytes, how) {
  const numbers = Float32Array.from(bytes);
  if (how === 'tf') return numbers.map((value) => Math.fround(value / 127.5) - 1);
  if (how !== 'caffe') return numbers;
  const means = [103.939, 116.779, 123.68].map(Math.fround);
  return numbers.map((_, at) => bytes[at - at % 3 + 2 - at % 3] - means[at % 3]);
}

/**
 * Fetch and compile a run's network.
 *
 * @param {Runtime} runtime
 * @param {Manifest} manifest
 * @returns {Promise<Network>} `answer` takes what `square` gives, one after another, and needs no waiting between;
 *   `close` gives its memory back.
 * @throws {LiveTrouble}
 */
export async function openNetwork({ library, accelerator }, manifest) {
  const arms = Object.entries(manifest.arms), classes = manifest.classes.length;
  /** @type {Map<string, CompiledModel>} */
  const models = new Map();
  /** @type {Map<string, LiveHead>} */
  const heads = new Map();
  /** @type {Tensor[]} Of the frame in work. */
  const held = [];
  let open = true, turn = Promise.resolve();

  const release = () => {
    models.forEach((model) => model.delete());
    models.clear();
  };
  const part = (/** @type {string} */ name) => {
    const known = manifest.parts[name];
    if (!known) throw new LiveTrouble(`The network names a part ${name}, which there is not.`);
    return fetchedPart(name, { ...known, url: addressIn(manifest, known.url) });
  };
  const compiled = async (/** @type {string} */ name) => {
    const data = await part(name);
    try {
      const model = await library.loadAndCompile(data, { accelerator, gpuOptions: { precision: 'fp32' } });
      models.set(name, model);
      const [input, ...more] = model.getInputDetails();
      if (more.length || input.dtype !== 'float32') throw new Error(`it takes ${input.dtype}, not one float32`);
    } catch (error) {
      throw new LiveTrouble(`This browser cannot run the network's part ${name} (${reasonOf(error)}).`, error);
    }
  };
  const tensorFor = (/** @type {CompiledModel} */ model, /** @type {Float32Array<ArrayBuffer>} */ numbers) => {
    const tensor = new library.Tensor(numbers, [...model.getInputDetails()[0].shape]);
    held.push(tensor);
    return tensor;
  };

  try {
    for (const name of new Set(arms.flatMap(([, arm]) => arm.steps))) await compiled(name);
    for (const head of new Set(arms.map(([, arm]) => arm.head))) {
      if (head) heads.set(head, headOf(head, await part(head), classes));
    }
  } catch (error) {
    release();
    throw error;
  }

  /** @type {(bytes: Uint8Array) => Promise<Answer>} */
  const answered = async (bytes) => {
    if (!open) throw new LiveTrouble('This network is closed.');
    const numbers = prepared(bytes, manifest.preprocessing);
    /** @type {Map<string, Tensor>} What came of a frame, by the parts that it went through. */
    const reached = new Map();
    /** @type {Answer} */
    const answer = {};
    try {
      for (const [name, { steps, head }] of arms) {
        let path = '', tensor = null;
        for (const step of steps) {
          const model = /** @type {CompiledModel} */ (models.get(step));
          path += `${step}\n`;
          let next = reached.get(path);
          if (!next) {
            [next] = await model.run(tensor ?? tensorFor(model, numbers));
            held.push(next);
            reached.set(path, next);
          }
          tensor = next;
        }
        if (!tensor) throw new LiveTrouble(`The network ${name} has no parts.`);
        const numbersOut = await tensor.data(), linear = head && heads.get(head);
        answer[name] = linear ? headed(numbersOut, linear) : Float64Array.from(numbersOut);
        if (answer[name].length !== classes) {
          throw new LiveTrouble(`The network ${name} gives ${answer[name].length} numbers for ${classes} classes.`);
        }
      }
      return answer;
    } finally {
      held.splice(0).forEach((tensor) => tensor.delete());
    }
  };

  return {
    answer: (bytes) => {
      const found = turn.then(() => answered(bytes));
      turn = found.then(() => {}, () => {});  // the next frame does not care how this one went
      return found;
    },
    close: () => {
      open = false;
      turn = turn.then(release);
    },
  };
}

/** @type {(url: string, orientation?: number) => Promise<ImageData>} */
const loadedPicture = async (url, orientation) => {
  const response = await fetch(url);
  if (!response.ok) throw new LiveTrouble(`A test picture did not arrive (the server says ${response.status}).`);
  return pixelsOf(await response.blob(), orientation);
};

/**
 * Hold the network against what the server said of some pictures.
 *
 * @param {Network} network
 * @param {Manifest} manifest With `parity`.
 * @param {(url: string, orientation?: number) => Promise<ImageData>} [load] By default fetched, decoded and turned.
 * @returns {Promise<Parity>}
 */
export async function parity(network, manifest, load = loadedPicture) {
  const known = manifest.parity ?? [];
  /** @type {Record<string, number>} */
  const largest = {};
  let bits = globalThis.crypto?.subtle ? 0 : null;
  for (const { url, orientation, seen, expected } of known) {
    const bytes = square(await load(addressIn(manifest, url), orientation), manifest.size, manifest.crop);
    if (bits !== null) bits += Number(await sha256Of(bytes) === seen);
    const answer = await network.answer(bytes);
    for (const [arm, probabilities] of Object.entries(expected)) {
      const found = answer[arm] ?? [];
      const apart = probabilities.map((probability, index) => Math.abs(found[index] - probability));
      const worst = Math.max(...apart.map((difference) => Number.isNaN(difference) ? Infinity : difference));
      largest[arm] = Math.max(largest[arm] ?? 0, worst);
    }
  }
  return { pictures: known.length, largest, worst: Math.max(0, ...Object.values(largest)), bits };
}
