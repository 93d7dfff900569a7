// Thumbnails, of which some can be chosen. This function runs again on every change of data, and so after every choice:
// the keyboard stays where it was.

/**
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} name
 * @property {string} caption
 * @property {string} jpeg In base64.
 */
/**
 * @typedef {object} Data
 * @property {Picture[]} pictures
 * @property {boolean} selectable
 * @property {number} [side] Of a thumbnail, in pixels.
 * @property {string[]} chosen Ids.
 */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ chosen: string[] }, Data>} Args */

/**
 * Choose what is not chosen, and the reverse.
 *
 * @type {(chosen: string[], id: string) => string[]}
 * @example toggled(['a', 'b'], 'a')  // ['b']
 */
export const toggled = (chosen, id) => chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id];

/** @param {Args} args */
export default function ({ data, parentElement, setStateValue }) {
  const sheet = /** @type {HTMLElement} */ (parentElement.querySelector('.sheet'));
  const root = /** @type {Document | ShadowRoot} */ (sheet.getRootNode());
  const focused = [...sheet.querySelectorAll('button')].find((button) => button === root.activeElement)?.dataset.id;
  let { chosen } = data;
  if (data.side) sheet.style.setProperty('--side', `${data.side}px`);

  const button = (/** @type {Picture} */ picture) => {
    const made = document.createElement('button');
    const image = document.createElement('img');
    image.src = `data:image/jpeg;base64,${picture.jpeg}`;
    image.alt = picture.name;
    image.loading = 'lazy';
    made.title = picture.name;
    made.dataset.id = picture.id;
    made.disabled = !data.selectable;
    made.append(image);
    if (!data.selectable) return made;
    const mark = () => made.setAttribute('aria-pressed', String(chosen.includes(picture.id)));
    made.setAttribute('aria-label', picture.name);
    made.onclick = () => {
      chosen = toggled(chosen, picture.id);
      mark();
      setStateValue('chosen', chosen);
    };
    mark();
    return made;
  };
  sheet.replaceChildren(...data.pictures.map((picture) => {
    const figure = document.createElement('figure');
    figure.append(button(picture));
    if (picture.caption) {
      const caption = document.createElement('figcaption');
      caption.textContent = picture.caption;
      figure.append(caption);
    }
    return figure;
  }));
  if (focused) [...sheet.querySelectorAll('button')].find((each) => each.dataset.id === focused)?.focus();
}
