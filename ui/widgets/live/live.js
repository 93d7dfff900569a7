// Live answers: a run's networks in the reader's own browser, asked of a camera, a video or pictures; none is sent.
// State lives on the host element, since this function runs again on every change of data.

import { cameras, frameOf, openCamera } from '../../../cnn_core/browser/camera.js';
import { openNetwork, openRuntime, parity } from '../../../cnn_core/browser/network.js';
import { pixelsOf } from '../../../cnn_core/browser/picture.js';
import { square } from '../../../cnn_core/browser/resample.js';
import { agreement, noneWords, paceWords, percent, shownClasses, verdictOf, verdictWords } from './said.js';

/** @typedef {import('../../../cnn_core/browser/network.js').Manifest} Manifest */
/** @typedef {import('../../../cnn_core/browser/network.js').Network} Network */
/** @typedef {import('../../../cnn_core/browser/network.js').Answer} Answer */
/** @typedef {import('../../../cnn_core/browser/camera.js').Camera} Camera */
/** @typedef {import('../../../cnn_core/browser/camera.js').Facing} Facing */
/**
 * @typedef {object} Data
 * @property {string} runtime Folder of LiteRT.js.
 * @property {string} parts Folder of what the manifest names.
 * @property {Manifest} manifest
 * @property {Record<string, string>} colours Of each arm.
 */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{}, Data>} Args */
/** @typedef {{ image: ImageData, bytes: Uint8Array, answer: Answer, took: number, seeing: number }} Seen */
/**
 * @typedef {object} State
 * @property {Network | null} network
 * @property {Camera | null} camera
 * @property {Facing} facing
 * @property {number} turn Of what is answered now: another source, or Stop, is another turn.
 * @property {string} url Of a video file.
 * @property {() => void} leave Listens no longer to the page: the component has left it.
 * @property {Seen} [seen] The frame whose answer is shown: tests ask the server about the very same.
 */

const MAX_BARS = 8, PACE = 20;

/** @param {Args} args */
export default function ({ data, parentElement }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.live'));
  const { manifest, colours } = data, { classes, size, crop } = manifest, arms = Object.entries(manifest.arms);
  for (const [arm] of arms) root.style.setProperty(`--arm-${arm}`, colours[arm]);
  const begun = root.state;
  /** @type {State} */
  const state = (root.state ??= {
    network: null, camera: null, facing: 'user', turn: 0, url: '', leave: () => {},
  });
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(name));
  const video = /** @type {HTMLVideoElement} */ ($('video')), canvas = document.createElement('canvas');
  const input = /** @type {HTMLInputElement} */ ($('.files input'));
  const make = (/** @type {string} */ tag, /** @type {string} */ name = '', text = '') =>
    Object.assign(document.createElement(tag), { className: name, textContent: text });
  const least = (/** @type {string} */ arm) => manifest.threshold?.[arm] ?? 0;
  const tell = (/** @type {unknown} */ trouble) => {
    $('.trouble').textContent = trouble instanceof Error ? trouble.message : String(trouble);
  };

  // What is answered ----------------------------------------------------------------------------------------

  /** @type {(image: ImageData, since: number) => Promise<Seen>} */
  const ask = async (image, since) => {
    const bytes = square(image, size, crop), seeing = performance.now() - since;
    const answer = await /** @type {Network} */ (state.network).answer(bytes);
    return { image, bytes, answer, took: performance.now() - since, seeing };
  };
  const spoken = (/** @type {Answer} */ answer) => arms.map(([arm, { title }]) => {
    const line = make('p'), dot = make('span', 'dot');
    dot.style.setProperty('--arm', `var(--arm-${arm})`);
    const verdict = verdictOf(answer[arm], classes, least(arm));
    line.append(dot, `${title}: `, make('b', '', verdictWords(verdict)));
    return line;
  });
  const bars = (/** @type {Answer} */ answer) =>
    shownClasses(arms.map(([arm]) => answer[arm]), classes.length, MAX_BARS).map((index) => {
      const row = make('li'), meters = make('div', 'meters');
      row.append(make('span', 'name', classes[index]), meters);
      for (const [arm] of arms) {
        const meter = make('div', 'meter'), track = make('b'), bar = make('i');
        bar.style.width = `${100 * answer[arm][index]}%`;
        meter.style.setProperty('--arm', `var(--arm-${arm})`);
        meter.dataset.probability = String(answer[arm][index]);
        track.append(bar);
        meter.append(track, make('span', '', percent(answer[arm][index])));
        meters.append(meter);
      }
      return row;
    });

  // Moving pictures -----------------------------------------------------------------------------------------

  const stop = () => {
    state.turn += 1;
    state.camera?.stop();
    state.camera = null;
    video.pause();
    if (state.url) {
      URL.revokeObjectURL(state.url);
      state.url = '';
      video.removeAttribute('src');
      video.load();
    }
    for (const name of ['video', '.now', '.stop', '.other']) $(name).hidden = true;
    $('.camera').hidden = false;
  };
  const nextFrame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
  const watch = async () => {
    const { turn } = state;
    /** @type {{ at: number, took: number, seeing: number }[]} */
    const pace = [];
    let last = -1;
    for (const name of ['video', '.now', '.stop']) $(name).hidden = false;
    $('.answered').hidden = true;
    root.scrollIntoView?.({ block: 'nearest' });  // on a phone the picture begins below what is in sight
    while (state.turn === turn) {
      if (!root.isConnected) {
        stop();
      } else if (video.videoWidth && video.readyState >= 2 && video.currentTime !== last) {
        last = video.currentTime;
        const seen = await ask(frameOf(video, canvas), performance.now()), { answer, took, seeing } = seen;
        if (state.turn !== turn) return;
        state.seen = seen;
        $('.says').replaceChildren(...spoken(answer));
        $('.classes').replaceChildren(...bars(answer));
        pace.push({ at: performance.now(), took, seeing });
        if (pace.length > PACE) pace.shift();
        $('.pace').textContent = paceWords(pace);
      }
      await nextFrame();
    }
  };
  /** @type {(open: () => Promise<unknown>) => Promise<void>} */
  const show = async (open) => {
    stop();
    tell('');
    const { turn } = state;
    try {
      await open();
      if (state.turn === turn) await watch();
    } catch (error) {
      if (state.turn !== turn) return;
      stop();
      tell(error);
    }
  };
  const useCamera = () => show(async () => {
    const { turn } = state, camera = await openCamera({ facing: state.facing, width: 640 }, video);
    if (state.turn !== turn) {
      camera.stop();
      return;
    }
    state.camera = camera;
    state.facing = camera.facing;
    video.controls = false;
    video.classList.toggle('mirrored', camera.mirrored);
    $('.camera').hidden = true;
    $('.other').hidden = await cameras() < 2;
  });
  const useVideo = (/** @type {File} */ file) => show(async () => {
    state.url = URL.createObjectURL(file);
    Object.assign(video, { srcObject: null, src: state.url, controls: true });
    video.classList.remove('mirrored');
    try {
      await video.play();
    } catch (error) {
      throw new Error(`${file.name} is a video that this browser cannot play: use MP4 or WebM.`, { cause: error });
    }
  });

  // Pictures ------------------------------------------------------------------------------------------------

  const usePictures = async (/** @type {File[]} */ files) => {
    stop();
    tell('');
    const { turn } = state, refused = [];
    $('.answered').replaceChildren();
    $('.answered').hidden = $('.stop').hidden = false;
    for (const file of files) {
      /** @type {ImageData} */
      let image;
      try {
        image = await pixelsOf(file);
      } catch {
        refused.push(file.name);  // said below, all in one sentence
        continue;
      }
      const { bytes, answer } = await ask(image, performance.now());
      if (state.turn !== turn) return;
      const row = make('li'), words = make('div');
      words.append(make('small', '', file.name), ...spoken(answer));
      row.append(thumbnail(bytes), words);
      $('.answered').append(row);
      await nextFrame();
      if (state.turn !== turn) return;
    }
    $('.stop').hidden = true;
    if (!refused.length) return;
    const those = refused.length === 1 ? 'it as a picture' : 'them as pictures';
    tell(`${refused.join(', ')}: this browser cannot read ${those}. Use JPEG, PNG or WebP.`);
  };
  /** What the network sees of a picture. */
  const thumbnail = (/** @type {Uint8Array} */ bytes) => {
    const seen = new ImageData(size, size), shown = document.createElement('canvas');
    for (let at = 0, from = 0; at < seen.data.length; at += 4, from += 3) {
      seen.data.set(bytes.subarray(from, from + 3), at);
      seen.data[at + 3] = 255;
    }
    Object.assign(shown, { width: size, height: size });
    shown.getContext('2d')?.putImageData(seen, 0, 0);
    return shown;
  };
  const take = (/** @type {FileList | null | undefined} */ given) => {
    const files = [...given ?? []], clip = files.find(({ type }) => type.startsWith('video/'));
    if (!state.network || !files.length) return;
    if (!clip) usePictures(files).catch(tell);
    else if (files.length === 1) useVideo(clip).catch(tell);
    else tell(`${clip.name} is a video: give one by itself, or only pictures.`);
  };

  // Once ----------------------------------------------------------------------------------------------------

  const begin = async () => {
    const whole = { ...manifest, base: data.parts };
    const megabytes = Object.values(manifest.parts).reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
    $('.state').textContent = `Fetching the network (${megabytes.toFixed(0)} MB) and what runs it; it is kept…`;
    try {
      const network = await openNetwork(await openRuntime(data.runtime), whole);
      $('.state').textContent = 'Asking it about test pictures of which the server has told what it says…';
      const { on, words } = agreement(await parity(network, whole), manifest.tolerance ?? 1e-3);
      $('.state').textContent = words;
      root.dataset.live = on ? 'on' : 'off';
      if (!on || !root.isConnected) {
        network.close();
        return;
      }
      state.network = network;
      $('.ways').hidden = $('.none').hidden = false;
      $('.none').textContent = noneWords(arms.map(([arm, { title }]) => [title ?? arm, least(arm)]));
    } catch (error) {
      root.dataset.live = 'off';
      $('.state').textContent = '';
      tell(error);
    }
  };

  if (!begun) {
    $('.camera').onclick = useCamera;
    $('.other').onclick = () => {
      state.facing = state.facing === 'user' ? 'environment' : 'user';
      useCamera();
    };
    $('.stop').onclick = stop;
    input.onchange = () => {
      take(input.files);
      input.value = '';
    };
    $('.files').onkeydown = (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      input.click();
    };
    const over = (/** @type {boolean} */ is) => (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      root.classList.toggle('over', is && state.network !== null);
    };
    root.ondragover = over(true);
    root.ondragleave = over(false);
    root.ondrop = (event) => {
      over(false)(event);
      take(event.dataTransfer?.files);
    };
    const outOfSight = () => {
      if (!document.hidden || !(state.camera || state.url)) return;
      stop();
      tell('Stopped, since this page was out of sight. Begin again when you like.');
    };
    document.addEventListener('visibilitychange', outOfSight);
    state.leave = () => document.removeEventListener('visibilitychange', outOfSight);
    begin();
  }
  return () => setTimeout(() => {
    if (root.isConnected) return;
    stop();
    state.leave();
    state.network?.close();
    state.network = null;
  });
}
