// A wall of small pictures of which one is chosen: one stop of the keyboard, arrow keys go from picture to picture.
// This function runs again on every change of data, and so after every choice: the keyboard stays where it was.

/**
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} title
 * @property {string} about Shown while the pointer rests; spoken after the title.
 * @property {string} source As an image's address.
 */
/**
 * @typedef {object} Data
 * @property {string} label Of the whole, spoken.
 * @property {Picture[]} pictures
 * @property {string} chosen Its id; empty if none is.
 * @property {number} columns
 * @property {boolean} sharp Show pixels as squares.
 * @property {string} shape Width to height, as CSS writes it.
 */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ chosen: string }, Data>} Args */

/**
 * Return where an arrow key leads on a wall, or the same place where it leads nowhere.
 *
 * @type {(key: string, at: number, columns: number, count: number) => number}
 * @example step('ArrowDown', 1, 3, 5)  // 4
 */
export const step = (key, at, columns, count) => {
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key] ?? 0;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return at + by >= 0 && at + by < count ? at + by : at;
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const wall = /** @type {HTMLElement} */ (parentElement.querySelector('.wall'));
  const root = /** @type {Document | ShadowRoot} */ (wall.getRootNode());
  const buttons = () => /** @type {HTMLButtonElement[]} */ ([...wall.querySelectorAll('button')]);
  const focused = buttons().find((button) => button === root.activeElement)?.dataset.id;
  const narrow = (wall.clientWidth || 400) < 220;
  const columns = narrow ? Math.min(2, data.columns) : data.columns;
  wall.setAttribute('aria-label', data.label);
  wall.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  wall.style.setProperty('--shape', data.shape);

  const choose = (/** @type {HTMLButtonElement} */ button) => {
    buttons().forEach((each) => mark(each, each === button));
    button.focus();
    setTriggerValue('chosen', button.dataset.id ?? '');
  };
  const mark = (/** @type {HTMLButtonElement} */ button, /** @type {boolean} */ chosen) => {
    button.setAttribute('aria-checked', String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  };
  wall.replaceChildren(...data.pictures.map((picture) => {
    const button = document.createElement('button'), image = document.createElement('img');
    const title = document.createElement('span');
    button.type = 'button';
    button.setAttribute('role', 'radio');
    button.dataset.id = picture.id;
    button.title = picture.about;
    image.src = picture.source;
    image.alt = '';
    image.classList.toggle('sharp', data.sharp);
    title.textContent = picture.title;
    button.append(image, title);
    mark(button, picture.id === data.chosen);
    button.onclick = () => choose(button);
    return button;
  }));
  if (!buttons().some((button) => button.tabIndex === 0) && buttons()[0]) buttons()[0].tabIndex = 0;
  wall.onkeydown = (event) => {
    const all = buttons(), at = all.findIndex((button) => button === root.activeElement);
    const to = at < 0 ? at : step(event.key, at, columns, all.length);
    if (to === at) return;
    event.preventDefault();
    choose(all[to]);
  };
  if (focused) buttons().find((each) => each.dataset.id === focused)?.focus();
}
