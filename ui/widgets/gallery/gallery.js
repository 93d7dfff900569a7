// Thumbnails of which some can be chosen, and after them tiles that do something. However many, they are one stop of
// the keyboard: arrow keys go from tile to tile, Space or Enter takes it. This function runs again on every change of
// data, and so after every choice: the keyboard stays where it was.

/**
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} name
 * @property {string} jpeg In base64.
 */
/**
 * @typedef {object} Act A tile that does something.
 * @property {string} id
 * @property {string} title On the tile.
 * @property {string} about Spoken, and shown while the pointer rests.
 */
/**
 * @typedef {object} Data
 * @property {Picture[]} pictures
 * @property {number} [side] Of a thumbnail, in pixels.
 * @property {string} [label] Of the whole, spoken.
 * @property {Act[]} [acts]
 * @property {string[]} chosen Ids.
 */
/** @typedef {{ chosen: string[], act: string }} Told */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<Told, Data>} Args */

/**
 * Choose what is not chosen, and the reverse.
 *
 * @type {(chosen: string[], id: string) => string[]}
 * @example toggled(['a', 'b'], 'a')  // ['b']
 */
export const toggled = (chosen, id) => chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id];

/**
 * Return where an arrow key leads on a sheet, or the same place where it leads nowhere.
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
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const sheet = /** @type {HTMLElement} */ (parentElement.querySelector('.sheet'));
  const root = /** @type {Document | ShadowRoot} */ (sheet.getRootNode());
  const stops = () => /** @type {HTMLButtonElement[]} */ ([...sheet.querySelectorAll('button')]);
  const focused = stops().find((button) => button === root.activeElement)?.dataset.id;
  const last = stops().find((button) => button.tabIndex === 0)?.dataset.id; // where the keyboard comes back to
  let { chosen } = data;
  if (data.side) sheet.style.setProperty('--side', `${data.side}px`);

  const here = (/** @type {HTMLButtonElement | undefined} */ stop) =>
    stops().forEach((each) => { each.tabIndex = each === stop ? 0 : -1; });
  const button = (/** @type {string} */ id, /** @type {string} */ about) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.title = about;
    made.dataset.id = id;
    return made;
  };
  const thumbnail = (/** @type {Picture} */ picture) => {
    const made = button(picture.id, picture.name), image = document.createElement('img');
    image.src = `data:image/jpeg;base64,${picture.jpeg}`;
    image.alt = picture.name;
    image.loading = 'lazy';
    made.append(image);
    const mark = () => made.setAttribute('aria-pressed', String(chosen.includes(picture.id)));
    made.setAttribute('aria-label', picture.name);
    made.onclick = () => {
      here(made);
      chosen = toggled(chosen, picture.id);
      mark();
      setStateValue('chosen', chosen);
    };
    mark();
    return made;
  };
  const act = (/** @type {Act} */ { id, title, about }) => {
    const made = button(`act ${id}`, about);
    made.className = 'act';
    made.textContent = title;
    made.setAttribute('aria-label', about);
    made.onclick = () => {
      here(made);
      setTriggerValue('act', id);
    };
    return made;
  };
  const figures = data.pictures.map((picture) => {
    const figure = document.createElement('figure');
    figure.append(thumbnail(picture));
    return figure;
  });
  sheet.replaceChildren(...figures, ...(data.acts ?? []).map(act));
  if (data.label && stops().length) {
    sheet.setAttribute('role', 'group');
    sheet.setAttribute('aria-label', `${data.label}: arrow keys move, Space chooses`);
  }

  const named = (/** @type {string | undefined} */ id) => stops().find((each) => each.dataset.id === id);
  here(named(focused) ?? named(last) ?? stops()[0]);
  sheet.onkeydown = (event) => {
    const all = stops(), at = all.findIndex((each) => each === root.activeElement);
    const columns = all.filter((each) => each.offsetTop === all[0].offsetTop).length;
    const to = at < 0 ? at : step(event.key, at, columns, all.length);
    if (to === at) return;
    event.preventDefault();
    here(all[to]);
    all[to].focus();
  };
  if (focused) named(focused)?.focus();
}
