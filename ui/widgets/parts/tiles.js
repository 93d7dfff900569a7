// Tiles that lie in one picture, a sheet, each shown through a window on it; a lens that enlarges and names the one
// that is looked at. However many, they are one stop of the keyboard, and are made anew only if there are others.

import { clamp } from '../parts/numbers.js';

/**
 * @typedef {object} Sheet Tiles of one size in one picture, row by row.
 * @property {string} source Its address.
 * @property {number} across Tiles in a row.
 * @property {number} down Rows.
 * @property {[number, number]} cell Width and height of a tile, in pixels of the picture.
 * @property {number} gap Pixels between two.
 */
/**
 * @typedef {object} Tile
 * @property {string} id
 * @property {string} title
 * @property {string} about In the lens; spoken after the title.
 * @property {string} [source] A picture of its own, where it does not lie in the sheet.
 */
/**
 * @typedef {object} Tiles
 * @property {Tile[]} tiles In reading order, as they lie in the sheet.
 * @property {string} sheet Class of those that show it; see `sheets`. Empty where each has a picture of its own.
 * @property {Sheet | null} [laid] How tiles lie in it.
 * @property {string} chosen Id; empty if none is.
 * @property {number} [columns] How many are in a row; by default seen on the screen.
 * @property {boolean} titled Whether titles stand beneath.
 * @property {boolean} sharp Show pixels as squares.
 * @property {boolean} enters Arrow keys only move, and Enter takes; else they choose at once, as in a radio group.
 */
/**
 * @typedef {object} Told
 * @property {(id: string, tile: HTMLElement) => void} take One was taken: clicked, tapped or entered.
 * @property {(id: string) => void} [look] One is looked at, under the lens; by an empty id none is any more.
 */
/** @typedef {{ show: (tile: HTMLElement, of: Tile) => void, hide: () => void }} Lens */
/** @typedef {{ made: string, data: Tiles, told: Told, lens: Lens }} Kept */
/** @typedef {HTMLElement & { kept?: Kept }} Host */

/** Milliseconds: until a tile under the pointer is enlarged, and one under a finger. */
const REST_MS = 80, PRESS_MS = 400;
/** Pixels: how large a lens becomes, and how far a finger may stray. */
const LARGEST = 224, STRAY = 10;

/**
 * Return where an arrow key leads among tiles, or the same place where it leads nowhere.
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

/**
 * Return where a tile lies in its sheet, as a background has it: in parts of the tile, whatever its size is.
 *
 * @type {(laid: Pick<Sheet, 'across' | 'down' | 'cell' | 'gap'>, at: number) => { size: string, place: string }}
 * @example sprite({ across: 3, down: 2, cell: [4, 4], gap: 1 }, 4)  // { size: '350% 225%', place: '50% 100%' }
 */
export const sprite = ({ across, down, cell, gap }, at) => {
  const whole = [across, down].map((count, axis) => count * (cell[axis] + gap) - gap);
  const offset = [at % across, Math.floor(at / across)].map((index, axis) => index * (cell[axis] + gap));
  const place = offset.map((n, axis) => whole[axis] > cell[axis] ? 100 * n / (whole[axis] - cell[axis]) : 0);
  const percent = (/** @type {number[]} */ numbers) => numbers.map((n) => `${Number(n.toFixed(4))}%`).join(' ');
  return { size: percent(whole.map((n, axis) => 100 * n / cell[axis])), place: percent(place) };
};

/**
 * Have classes show sheets: one rule each, so that a picture is sent and decoded once, however many tiles show it.
 *
 * @param {HTMLElement} parent
 * @param {Record<string, string>} sources Addresses by class.
 */
export const sheets = (parent, sources) => {
  let rules = parent.querySelector('style.sheets');
  if (!rules) {
    rules = document.createElement('style');
    rules.className = 'sheets';
    parent.append(rules);
  }
  const text = Object.entries(sources).map(([name, source]) => `.${name} { background-image: url("${source}"); }`);
  if (rules.textContent !== text.join('\n')) rules.textContent = text.join('\n');
};

/**
 * Show a tile's picture on an element.
 *
 * @type {(on: HTMLElement, tile: Tile, at: number, data: Tiles) => void}
 */
const face = (on, tile, at, { laid, sheet, sharp }) => {
  on.classList.add('face');
  on.classList.toggle('sharp', sharp);
  if (tile.source) on.style.backgroundImage = `url("${tile.source}")`;
  else if (laid) {
    const { size, place } = sprite(laid, at);
    on.classList.add(sheet);
    Object.assign(on.style, { backgroundSize: size, backgroundPosition: place });
  }
};

/**
 * Make a lens: one for all tiles of a component.
 *
 * @type {(parent: HTMLElement) => Lens}
 */
export const lensIn = (parent) => {
  let lens = /** @type {HTMLElement | null} */ (parent.querySelector('.lens'));
  if (!lens) {
    lens = document.createElement('div');
    lens.className = 'lens';
    lens.hidden = true;
    lens.setAttribute('aria-hidden', 'true');
    lens.append(...['div', 'b', 'span'].map((kind) => document.createElement(kind)));
    parent.append(lens);
  }
  const shown = lens, [picture, title, about] = /** @type {HTMLElement[]} */ ([...shown.children]);
  return {
    show: (tile, of) => {
      const on = tile.classList.contains('face') ? tile : /** @type {HTMLElement} */ (tile.querySelector('.face'));
      const small = on.getBoundingClientRect(), scale = Math.min(3, LARGEST / Math.max(small.width, small.height, 1));
      const { backgroundImage, backgroundSize, backgroundPosition } = on.style;
      picture.className = on.className;
      Object.assign(picture.style, {
        backgroundImage, backgroundSize, backgroundPosition,
        width: `${small.width * scale}px`, height: `${small.height * scale}px`,
      });
      title.textContent = of.title;
      about.textContent = of.about;
      shown.hidden = false;
      const { width, height } = shown.getBoundingClientRect(), above = small.top - height - 6;
      const x = clamp(small.left + (small.width - width) / 2, 4, Math.max(4, window.innerWidth - width - 4));
      Object.assign(shown.style, { left: `${x}px`, top: `${above > 60 ? above : small.bottom + 6}px` });
    },
    hide: () => { shown.hidden = true; },
  };
};

/**
 * Lay tiles into a host, or bring those that lie there up to date.
 *
 * @param {Host} host
 * @param {Tiles} data
 * @param {Lens} lens
 * @param {Told} told
 */
export const lay = (host, data, lens, told) => {
  const ids = data.tiles.map((tile) => tile.id).join(' ');
  const root = /** @type {Document | ShadowRoot} */ (host.getRootNode());
  const focused = /** @type {HTMLElement | null} */ (root.activeElement);
  const had = focused && host.contains(focused) ? focused.dataset.id : undefined;
  if (!host.kept) listen(host);
  const anew = host.kept?.made !== ids;
  host.kept = { made: ids, data, told, lens };
  if (anew) host.replaceChildren(...data.tiles.map(() => document.createElement('button')));
  buttons(host).forEach((button, at) => dress(button, data.tiles[at], at, data, anew));
  mark(host, data.chosen);
  if (anew && had) buttons(host).find((each) => each.dataset.id === had)?.focus();
};

const buttons = (/** @type {Host} */ host) => /** @type {HTMLButtonElement[]} */ ([...host.children]);

/** @type {(button: HTMLButtonElement, tile: Tile, at: number, data: Tiles, anew: boolean) => void} */
const dress = (button, tile, at, data, anew) => {
  if (anew) {
    button.type = 'button';
    button.dataset.id = tile.id;
    if (!data.enters) button.setAttribute('role', 'radio');
    if (data.titled) button.append(document.createElement('div'), document.createElement('span'));
  }
  const [picture, title] = data.titled ? /** @type {HTMLElement[]} */ ([...button.children]) : [button, null];
  if (title) title.textContent = tile.title;
  else button.setAttribute('aria-label', tile.title);
  button.setAttribute('aria-description', tile.about);
  face(picture, tile, at, data);
};

/**
 * Mark what is chosen, and make it the stop of the keyboard: else the stop that is there, or the first.
 *
 * @type {(host: Host, chosen: string) => void}
 */
const mark = (host, chosen) => {
  const all = buttons(host), { enters } = /** @type {Kept} */ (host.kept).data;
  const stop = all.find((each) => each.dataset.id === chosen) ?? all.find((each) => each.tabIndex === 0) ?? all[0];
  for (const button of all) {
    const is = button.dataset.id === chosen;
    if (!enters) button.setAttribute('aria-checked', String(is));
    else if (is) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
    stopAt(button, button === stop);
  }
};
const stopAt = (/** @type {HTMLElement} */ button, /** @type {boolean} */ is) => {
  if (button.tabIndex !== (is ? 0 : -1) || !button.hasAttribute('tabindex')) button.tabIndex = is ? 0 : -1;
};

/** How many tiles are in the first row. */
const across = (/** @type {HTMLElement[]} */ all) => all.filter((each) => each.offsetTop === all[0].offsetTop).length;

/**
 * Hear pointer, finger and keyboard: once a host, for as many tiles as it will ever have.
 *
 * @param {Host} host
 */
const listen = (host) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let open = '', pressed = false, clicked = false, from = [0, 0];
  const kept = () => /** @type {Kept} */ (host.kept);
  const of = (/** @type {Event} */ event) =>
    /** @type {HTMLButtonElement | null} */ (/** @type {Element} */ (event.target).closest('button'));
  const show = (/** @type {HTMLElement} */ button) => {
    const { data, told, lens } = kept(), tile = data.tiles.find((each) => each.id === button.dataset.id);
    clearTimeout(waiting);
    if (!tile || !button.isConnected) return;
    open = tile.id;
    lens.show(button, tile);
    told.look?.(open);
  };
  const hide = () => {
    clearTimeout(waiting);
    if (open) kept().told.look?.('');
    open = '';
    kept().lens.hide();
  };
  const take = (/** @type {HTMLButtonElement} */ button) => {
    const { data, told } = kept();
    if (!data.enters) mark(host, button.dataset.id ?? '');
    told.take(button.dataset.id ?? '', button);
  };
  const go = (/** @type {HTMLButtonElement} */ button) => {
    buttons(host).forEach((each) => stopAt(each, each === button));
    button.focus();
    if (!kept().data.enters) take(button);
  };
  /** @type {Record<string, (event: any) => void>} */
  const heard = {
    pointerover: (/** @type {PointerEvent} */ event) => {
      const button = of(event);
      if (!button || event.pointerType === 'touch') return;
      clearTimeout(waiting);
      if (open) show(button);
      else waiting = setTimeout(() => show(button), REST_MS);
    },
    pointerleave: () => { if (!pressed) hide(); },
    pointerdown: (/** @type {PointerEvent} */ event) => {
      const button = of(event);
      pressed = false;
      if (!button || event.pointerType !== 'touch') return;
      from = [event.clientX, event.clientY];
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        pressed = true;
        show(button);
      }, PRESS_MS);
    },
    pointermove: (/** @type {PointerEvent} */ event) => {
      const strayed = Math.hypot(event.clientX - from[0], event.clientY - from[1]) > STRAY;
      if (event.pointerType === 'touch' && !pressed && strayed) clearTimeout(waiting);
    },
    pointerup: (/** @type {PointerEvent} */ event) => { if (event.pointerType === 'touch') hide(); },
    pointercancel: () => {
      pressed = false;
      hide();
    },
    contextmenu: (/** @type {Event} */ event) => { if (pressed) event.preventDefault(); },
    click: (/** @type {Event} */ event) => {
      const button = of(event), looked = pressed;
      pressed = false;
      if (!button || looked) return;  // the finger has only looked
      buttons(host).forEach((each) => stopAt(each, each === button));
      clicked = true;
      button.focus();
      clicked = false;
      take(button);
    },
    focusin: (/** @type {Event} */ event) => {
      const button = of(event);
      if (!clicked && button?.matches(':focus-visible')) show(button);
    },
    focusout: hide,
    keydown: (/** @type {KeyboardEvent} */ event) => {
      const all = buttons(host), button = of(event), at = button ? all.indexOf(button) : -1;
      if (event.key === 'Escape') hide();
      const to = at < 0 ? at : step(event.key, at, kept().data.columns ?? across(all), all.length);
      if (to === at) return;
      event.preventDefault();
      go(all[to]);
    },
  };
  for (const [kind, hear] of Object.entries(heard)) host.addEventListener(kind, hear);
};
