// What the network says, as bars and words; names come from strangers and are text.

/** @typedef {import('../network.js').Manifest} Manifest */
/** @typedef {ArrayLike<number>} Said Probabilities in the order of the classes. */

const NONE = 'None of these';
const THUMBNAIL = 320;  // pixels of the longer side

/**
 * Return a probability as people read it; only what is certain is 100%.
 *
 * @param {number} share
 * @example percent(0.987)  // '99%'
 */
export const percent = (share) => (
  share > 0.99 && share < 1 ? `${Math.floor(1000 * share) / 10}%` : `${Math.round(100 * share)}%`);

/** @type {(said: Said) => number} */
const likeliest = (said) => {
  let best = 0;
  for (let index = 1; index < said.length; index += 1) if (said[index] > said[best]) best = index;
  return best;
};

/** @type {(manifest: Manifest, arm: string, said: Said) => boolean} */
const unsure = (manifest, arm, said) => said[likeliest(said)] < (manifest.threshold?.[arm] ?? 0);

/**
 * Return the likeliest class, or that it is none of them: the network is less sure than on 95% of its test pictures.
 *
 * @param {Manifest} manifest @param {string} arm @param {Said} said
 * @returns {string}
 */
export const verdict = (manifest, arm, said) => (
  unsure(manifest, arm, said) ? NONE : manifest.classes[likeliest(said)]);

/** @type {<K extends keyof HTMLElementTagNameMap>(tag: K, className: string) => HTMLElementTagNameMap[K]} */
const made = (tag, className) => Object.assign(document.createElement(tag), { className });

/**
 * Draw a bar a class; return who sets them.
 *
 * @param {HTMLElement} list @param {Manifest} manifest @param {string} arm
 * @returns {(said: Said) => void}
 */
export function bars(list, manifest, arm) {
  list.classList.add('bars');
  const rows = manifest.classes.map((name) => {
    const row = document.createElement('li'), bar = made('div', 'bar'), share = made('span', 'share');
    bar.setAttribute('role', 'meter');
    bar.setAttribute('aria-label', name);
    bar.setAttribute('aria-valuemin', '0');
    bar.setAttribute('aria-valuemax', '1');
    bar.append(document.createElement('div'));
    row.append(Object.assign(made('span', 'name'), { textContent: name }), share, bar);
    return { row, bar, share };
  });
  list.replaceChildren(...rows.map(({ row }) => row));
  return (said) => {
    list.classList.toggle('unsure', unsure(manifest, arm, said));
    rows.forEach(({ bar, share }, index) => {
      share.textContent = percent(said[index]);
      bar.setAttribute('aria-valuenow', String(said[index]));
      bar.setAttribute('aria-valuetext', percent(said[index]));
      /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${100 * said[index]}%`;
    });
  };
}

/**
 * Copy what a canvas or picture shows, at most `longest` pixels long.
 *
 * @param {HTMLCanvasElement | ImageBitmap} source @param {HTMLCanvasElement} canvas @param {number} [longest]
 */
export function stillOf(source, canvas, longest = Infinity) {
  const scale = Math.min(1, longest / Math.max(source.width, source.height, 1));
  const width = Math.max(1, Math.round(scale * source.width)), height = Math.max(1, Math.round(scale * source.height));
  Object.assign(canvas, { width, height });
  if (source.width && source.height) canvas.getContext('2d')?.drawImage(source, 0, 0, width, height);
}

/**
 * Fill a list's entry with a picture and what the network says of it.
 *
 * @param {HTMLElement} entry @param {string} name @param {ImageData} image
 * @param {Manifest} manifest @param {string} arm @param {Said} said
 */
export function listed(entry, name, image, manifest, arm, said) {
  const whole = document.createElement('canvas'), small = document.createElement('canvas');
  Object.assign(whole, { width: image.width, height: image.height });
  whole.getContext('2d')?.putImageData(image, 0, 0);
  stillOf(whole, small, THUMBNAIL);
  const list = document.createElement('ul'), answer = document.createElement('strong');
  answer.textContent = verdict(manifest, arm, said);
  const line = document.createElement('p');
  line.append(answer);
  entry.append(small, Object.assign(made('p', 'file'), { textContent: name }), line, list);
  bars(list, manifest, arm)(said);
}
