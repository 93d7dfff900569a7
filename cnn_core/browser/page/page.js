// The page that is taken away: camera, video and pictures through the network beside it. Nothing leaves the browser.

import { cameras, frameOf, openCamera } from '../camera.js';
import { openNetwork, openRuntime, parity } from '../network.js';
import { pixelsOf } from '../picture.js';
import { square } from '../resample.js';
import { bars, listed, percent, stillOf, verdict } from './answers.js';

/** @typedef {import('../network.js').Manifest} Manifest */
/** @typedef {import('../network.js').Network} Network */
/** @typedef {{ stop(): void, ended?: Promise<void> }} Running */

/** @type {<E extends HTMLElement>(id: string) => E} */
const element = (id) => /** @type {any} */ (document.getElementById(id));

const video = /** @type {HTMLVideoElement} */ (element('video'));
const frame = /** @type {HTMLCanvasElement} */ (element('frame'));
const shown = document.createElement('canvas');  // a frame is read from it; `frame` shows the last one

/** @type {(error: unknown) => string} */
const words = (error) => (error instanceof Error ? error.message : String(error));

/** @type {(message: string) => void} */
const say = (message) => {
  element('trouble').textContent = message;
  element('trouble').hidden = message === '';
};

/** @type {(url: string) => Promise<Response>} */
const fetched = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is not there (${response.status}). Put the whole folder onto the server.`);
  return response;
};

/**
 * Hold the network against what ConvScope said of the test pictures; return what was found, as a sentence.
 *
 * @type {(manifest: Manifest, network: Network) => Promise<string>}
 */
const compared = async (manifest, network) => {
  const known = manifest.parity ?? [], limit = manifest.tolerance ?? 0;
  if (known.length === 0) return 'This download has no pictures, so that nothing could be compared here.';
  /** @type {Map<string, Blob>} By their whole address. */
  const files = new Map();
  for (const { url } of known) {
    const response = await fetch(url);
    if (!response.ok) return `Its test pictures are not here (${url}), so that nothing could be compared.`;
    files.set(new URL(url, document.baseURI).href, await response.blob());
  }
  const found = await parity(
    network, manifest, (url, orientation) => pixelsOf(/** @type {Blob} */ (files.get(url)), orientation));
  const many = found.pictures === 1 ? '1 test picture' : `${found.pictures} test pictures`;
  const differ = found.worst.toExponential(0);
  if (!(found.worst <= limit)) {
    throw new Error(`Nothing is answered: in this browser the probabilities differ from ConvScope's by up to ${differ} `
      + `on ${many}, more than ${limit}. Try another browser.`);
  }
  const seen = found.bits === null ? '' : `; what the network sees of them is equal to the bit on ${found.bits}`;
  return `Agrees with ConvScope ${found.worst ? `to ${differ}` : 'exactly'} on ${many}${seen}.`;
};

/** @type {Running | null} */
let running = null;
/** @type {'user' | 'environment'} */
let facing = 'user';

let turn = 0;  // whoever waits for a camera meanwhile is too late if it has gone on

/** End what runs, and wait until it has: it shows its last frame. */
const halt = async () => {
  const last = running;
  turn += 1;
  running = null;
  element('stop').hidden = true;
  element('turn').hidden = true;
  last?.stop();
  await last?.ended;
};

/**
 * Answer what the video shows, frame after frame, until it is stopped; the last frame that was answered stays.
 *
 * @param {Manifest} manifest @param {Network} network @param {string} arm @param {boolean} mirrored
 * @param {() => void} release Called at the end.
 */
const watch = (manifest, network, arm, mirrored, release) => {
  let on = true, rate = 0, last = 0;
  element('live').hidden = false;
  element('stop').hidden = false;
  for (const each of [video, frame]) each.classList.toggle('mirrored', mirrored);
  Object.assign(video, { hidden: false });
  Object.assign(frame, { hidden: true });
  const show = bars(element('bars'), manifest, arm);
  const look = async () => {
    while (on) {
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
      if (!on || !video.videoWidth || video.seeking) continue;
      const begun = performance.now();
      const bytes = square(frameOf(video, shown), manifest.size, manifest.crop), scaled = performance.now();
      const said = (await network.answer(bytes))[arm], done = performance.now();
      show(said);
      element('verdict').textContent = verdict(manifest, arm, said);
      if (last) rate = rate ? 0.9 * rate + 0.1 * (done - last) : done - last;
      last = done;
      element('speed').textContent = `${rate ? (1000 / rate).toFixed(0) : '–'} frames a second, `
        + `${(done - begun).toFixed(0)} ms each, ${(scaled - begun).toFixed(0)} of them to scale it.`;
    }
    stillOf(shown, frame);
    Object.assign(frame, { hidden: false });
    Object.assign(video, { hidden: true });
    release();
  };
  const ended = look().catch((error) => {
    release();
    halt();
    say(words(error));
  });
  return { stop: () => { on = false; }, ended };
};

/** @type {(manifest: Manifest, network: Network, arm: string) => Promise<void>} */
const useCamera = async (manifest, network, arm) => {
  await halt();
  const mine = turn;
  say('');
  try {
    element('live').hidden = false;
    Object.assign(video, { hidden: false, controls: false, loop: false });
    const camera = await openCamera({ facing, width: 640 }, video);
    if (mine !== turn) {
      camera.stop();
      return;
    }
    running = watch(manifest, network, arm, camera.mirrored, () => camera.stop());
    element('turn').hidden = await cameras() < 2;
  } catch (error) {
    element('live').hidden = true;
    say(words(error));
  }
};

/** @type {(file: File, manifest: Manifest, network: Network, arm: string) => Promise<void>} */
const useVideo = async (file, manifest, network, arm) => {
  await halt();
  say('');
  const url = URL.createObjectURL(file);
  element('live').hidden = false;
  Object.assign(video, { hidden: false, controls: true, loop: true, srcObject: null, src: url });
  try {
    await video.play();
  } catch {
    element('live').hidden = true;
    URL.revokeObjectURL(url);
    say(`${file.name}: this browser cannot play it; choose a video that it plays, such as MP4 or WebM.`);
    return;
  }
  running = watch(manifest, network, arm, false, () => {
    video.pause();
    video.removeAttribute('src');
    URL.revokeObjectURL(url);
  });
};

/** @type {(files: File[], manifest: Manifest, network: Network, arm: string) => Promise<void>} */
const usePictures = async (files, manifest, network, arm) => {
  await halt();
  say('');
  element('live').hidden = true;
  const list = element('answers');
  list.replaceChildren();
  list.hidden = false;
  let on = true;
  running = { stop: () => { on = false; } };
  element('stop').hidden = false;
  for (const file of files) {
    if (!on) return;
    const entry = document.createElement('li');
    list.append(entry);
    try {
      const image = await pixelsOf(file);
      const said = (await network.answer(square(image, manifest.size, manifest.crop)))[arm];
      listed(entry, file.name, image, manifest, arm, said);
    } catch {
      entry.className = 'trouble';
      entry.textContent = `${file.name}: this browser cannot read it; choose a picture, such as JPEG, PNG or WebP.`;
    }
  }
  halt();
};

/** @type {(manifest: Manifest, network: Network, arm: string) => void} */
const listen = (manifest, network, arm) => {
  /** @type {(files: File[]) => void} */
  const take = (files) => {
    const film = files.find(({ type }) => type.startsWith('video/'));
    if (film) useVideo(film, manifest, network, arm);
    else if (files.length) usePictures(files, manifest, network, arm);
  };
  const camera = () => {
    element('answers').hidden = true;
    useCamera(manifest, network, arm);
  };
  element('camera').addEventListener('click', camera);
  element('turn').addEventListener('click', () => {
    facing = facing === 'user' ? 'environment' : 'user';
    camera();
  });
  element('stop').addEventListener('click', halt);
  for (const [button, name] of [['choose_pictures', 'pictures'], ['choose_video', 'video_file']]) {
    const input = /** @type {HTMLInputElement} */ (element(name));
    element(button).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      take([...input.files ?? []]);
      input.value = '';
    });
  }
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    take([...event.dataTransfer?.files ?? []]);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) halt();
  });
  for (const name of ['camera', 'choose_pictures', 'choose_video']) {
    /** @type {HTMLButtonElement} */ (element(name)).disabled = false;
  }
};

const begin = async () => {
  element('closed').hidden = true;
  element('page').hidden = false;
  /** @type {Manifest} */
  const manifest = await (await fetched('manifest.json')).json();
  const [arm] = Object.keys(manifest.arms), { classes } = manifest, least = manifest.threshold?.[arm] ?? 0;
  document.title = `${classes.slice(0, -1).join(', ')} or ${classes[classes.length - 1]}?`;
  element('title').textContent = document.title;
  element('about').textContent = `${manifest.arms[arm].title} network, ${classes.length} classes. Of the pictures that `
    + `it was tested on 95% were answered with at least ${percent(least)}: below it the answer is “none of these”. It `
    + 'knows these classes only, and its probabilities are not calibrated.';
  const network = await openNetwork(await openRuntime(new URL('litert/', document.baseURI).href), manifest);
  element('parity').textContent = await compared(manifest, network);
  listen(manifest, network, arm);
};

begin().catch((error) => {
  element('parity').textContent = '';
  say(words(error));
});
