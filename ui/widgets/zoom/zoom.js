// A walk into a network: one scene at a time, drawn as it is described; what two scenes share flies from one to the
// other. This component knows panels, cells and windows, and no network: that is Python's. This function runs again on
// every change of data; where only the cell has changed, nothing is drawn anew.

import { appear, fly, grow, places } from '../parts/motion.js';
import { clamp, decode } from '../parts/numbers.js';
import { lay, lensIn, sheets, sprite } from '../parts/tiles.js';

/** @typedef {import('./types').Scene} Scene */
/** @typedef {import('./types').Panel} Panel */
/** @typedef {import('./types').Window} Window */
/** @typedef {import('./types').State} State */
/** @typedef {{ go: string, at: string }} Told */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<Told, Scene>} Args */
/** @typedef {[row: number, column: number]} Cell */

/** Milliseconds without a step until the page is told of the cell; until a map under the pointer is enlarged. */
const REST = 120, LOOK = 80;
/** The place of the whole network: a trigger without words would not be heard. */
const WHOLE = '-';
/** Pixels: how large grows what was clicked, until there is more. */
const GROWN = 240;
/** @type {Record<string, Cell>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/**
 * Return the rectangle that a cell of the output reads on another panel, in percent: top, left, height, width.
 *
 * @type {(window: Window, shape: [number, number], at: Cell, within: boolean) => number[]}
 * @example boxOf({ size: [3, 3], stride: [2, 2], before: [1, 1], dilation: [1, 1] }, [10, 10], [2, 0], true)
 *   // [30, 0, 30, 20]
 */
export const boxOf = ({ size, stride, before, dilation }, shape, at, within) => {
  const ends = shape.map((length, axis) => {
    const first = at[axis] * stride[axis] - before[axis], last = first + (size[axis] - 1) * dilation[axis] + 1;
    const [low, high] = within ? [clamp(first, 0, length), clamp(last, 0, length)] : [first, last];
    return [100 * low / length, 100 * (high - low) / length];
  });
  return [ends[0][0], ends[1][0], ends[0][1], ends[1][1]];
};

/**
 * Return the query of an address with another place in it, all else to the letter; the same if it names none.
 *
 * @type {(search: string, place: string) => string}
 * @example placed('?a=1%2C2&zoom=b.1.2.3', 'b.1.2.4')  // '?a=1%2C2&zoom=b.1.2.4'
 */
export const placed = (search, place) => search.replace(/([?&]zoom=)[^&]*/, (_, name) => name + place);

/**
 * Write a number with four digits that count.
 *
 * @type {(value: number) => string}
 * @example [3.14159, -0.00012345, 0].map(written)  // ['3.142', '−0.0001235', '0']
 */
export const written = (value) => String(Number(value.toPrecision(4))).replace('-', '−');

/**
 * @type {<K extends keyof HTMLElementTagNameMap>(kind: K, name?: string, text?: string) => HTMLElementTagNameMap[K]}
 */
const make = (kind, name = '', text = '') => {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const parent = /** @type {HTMLElement} */ (parentElement);
  const root = /** @type {HTMLElement & { state?: State }} */ (parent.querySelector('.zoom'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const lens = lensIn(parent), before = root.state;
  const { at: _, ...rest } = data, drawn = JSON.stringify(rest), anew = before?.drawn !== drawn;
  /** @type {State} */
  const state = root.state = before
    ?? { drawn, scene: data, at: [0, 0], held: false, entered: '', send: setTriggerValue };
  state.send = setTriggerValue;
  const outputPanel = data.panels.find((panel) => panel.values);
  const sheetPanel = data.panels.find((panel) => panel.kind === 'sheet');
  const shape = outputPanel?.shape ?? [1, 1], values = outputPanel && decode(outputPanel.values ?? '');

  // Where one goes ---------------------------------------------------------------------------------------------------

  const cellPlace = () => `${data.place}.${data.single ? '0.0' : state.at.join('.')}`;
  const go = (/** @type {string} */ place, /** @type {HTMLElement | null} */ from = null) => {
    clearTimeout(state.rest);
    lens.hide();
    state.ghost?.remove();
    const face = from?.classList.contains('face') ? from : null;
    state.ghost = face ? grow(face, $('scene'), GROWN) : undefined;
    root.classList.add('waiting');
    state.send('go', place);
  };
  const up = () => {
    if (data.level === 3) go(data.place);
    else if (data.level) go(data.trail[data.trail.length - 2]?.place ?? WHOLE);
  };
  const tell = () => {
    window.history.replaceState(window.history.state, '', placed(window.location.search, cellPlace()));
    state.send('at', state.at.join(','));
  };
  /** @type {(row: number, column: number) => void} */
  const move = (row, column) => {
    const to = /** @type {Cell} */ ([clamp(row, 0, shape[0] - 1), clamp(column, 0, shape[1] - 1)]);
    if (to.join() === state.at.join() || (data.single && data.level === 3)) return;
    state.at = to;
    point();
    if (data.level !== 3) return;
    clearTimeout(state.rest);
    state.rest = setTimeout(tell, REST);
  };

  // The cell, its window on each panel, its field in the picture ------------------------------------------------------

  /** @type {(frame: HTMLElement, panel: Panel, at: Cell | null) => void} */
  const box = (frame, panel, at) => {
    const mark = /** @type {HTMLElement | null} */ (frame.querySelector('.box'));
    if (!mark || !panel.window || !panel.shape) return;
    mark.hidden = !at;
    if (!at) return;
    const [top, left, height, width] = boxOf(panel.window, panel.shape, at, panel.kind === 'picture');
    Object.assign(mark.style, { top: `${top}%`, left: `${left}%`, height: `${height}%`, width: `${width}%` });
  };
  const boxes = (/** @type {Cell | null} */ at) => data.panels.forEach((panel) => {
    const frame = panel.window && /** @type {HTMLElement | null} */ (named(panel.id)?.closest('.frame'));
    if (frame) box(frame, panel, at);
  });
  const named = (/** @type {string} */ id) =>
    /** @type {HTMLElement | undefined} */ ([...root.querySelectorAll('[data-panel]')].find(
      (each) => /** @type {HTMLElement} */ (each).dataset.panel === id,
    ));
  const point = () => {
    const on = values && (data.level === 2 || (data.level === 3 && !data.single));
    boxes(on ? state.at : null);
    const [row, column] = state.at;
    const value = on ? `Row ${row}, column ${column}: ${written(values[row * shape[1] + column])}` : '';
    const hint = data.level === 2 ? state.held ? ' Click it again: its products.' : ' Click: hold this cell.' : '';
    $('said').textContent = value ? `${value}.${hint}` : sheetPanel?.about ?? '';
    const cell = data.single ? 'its number' : `row ${row}, column ${column}`;
    if (data.level === 3) $('trail').lastElementChild?.replaceChildren(cell);
  };

  // Panels -----------------------------------------------------------------------------------------------------------

  /** @type {(panel: Panel) => HTMLElement} */
  const draw = (panel) => {
    const kinds = [panel.kind, panel.small && 'small', panel.values && 'output', panel.look ?? ''].filter(Boolean);
    const figure = make('figure', `panel ${kinds.join(' ')}`);
    const area = (/** @type {number[]} */ [x, y, columns, rows]) => `${y} / ${x} / span ${rows} / span ${columns}`;
    figure.style.setProperty('--wide', area(panel.wide));
    figure.style.setProperty('--narrow', panel.narrow ? area(panel.narrow) : '1 / 1');
    figure.classList.toggle('desk', !panel.narrow);
    if (panel.title) {
      const caption = make('figcaption'), title = panel.kind === 'sheet' && panel.go ? make('button', 'all') : caption;
      title.textContent = panel.title;
      if (title !== caption) caption.append(title);
      if (title !== caption) title.onclick = () => go(panel.go ?? '');
      figure.append(caption);
    }
    figure.append({ picture, map: picture, sheet, steps, number, bars }[panel.kind](panel));
    return figure;
  };
  /** @type {(panel: Panel) => HTMLElement} A picture, or a map, with a box on it. */
  const picture = (panel) => {
    const frame = make('div', 'frame'), goes = panel.go && !panel.values;
    const face = make(goes ? 'button' : 'div', 'face'), laid = panel.sheet ? data.sheets[panel.sheet] : undefined;
    face.dataset.id = face.dataset.panel = panel.id;
    if (panel.shape) frame.style.aspectRatio = `${panel.shape[1]} / ${panel.shape[0]}`;
    if (panel.source) face.style.backgroundImage = `url("${panel.source}")`;
    if (laid) {
      const { size, place } = sprite(laid, panel.index ?? 0);
      face.classList.add('sharp', `sheet-${panel.sheet}`);
      Object.assign(face.style, { backgroundSize: size, backgroundPosition: place });
    }
    face.setAttribute('aria-label', [panel.title, panel.about].filter(Boolean).join(': '));
    if (!goes) face.setAttribute('role', 'img');
    if (goes) face.onclick = () => go(panel.go ?? '', face);
    frame.append(face);
    if (panel.window) frame.append(make('i', 'box'));
    if (panel.text) frame.append(make('b', 'written', panel.text));
    if (panel.values) follow(frame);
    else if (panel.kind === 'map') look(face, panel);
    return frame;
  };
  /** @type {(panel: Panel) => HTMLElement} */
  const sheet = (panel) => {
    const host = make('div', 'tiles'), laid = data.sheets[panel.sheet ?? ''];
    const { tiles = [] } = panel, seen = data.panels.find((each) => each.kind === 'picture' && each.window);
    host.setAttribute('role', 'group');
    host.setAttribute('aria-label', `${panel.title}: arrow keys move, Enter opens`);
    host.style.setProperty('--tile', `${panel.tile ?? 24}px`);
    if (!panel.tile) host.style.setProperty('--across', String(laid.across));
    host.dataset.panel = panel.id;
    const chosen = before?.scene.place ?? '', how = { titled: false, sharp: true, enters: true };
    const shown = { tiles, sheet: `sheet-${panel.sheet}`, laid, chosen, ...how };
    lay(host, panel.tile ? shown : { ...shown, columns: laid.across }, lens, {
      take: (id, tile) => go(tiles.find((tile_) => tile_.id === id)?.go ?? '', tile),
      look: (id) => {
        const frame = seen && /** @type {HTMLElement} */ (named(seen.id)?.closest('.frame'));
        if (frame) box(frame, seen, tiles.find((tile) => tile.id === id)?.at ?? null);
      },
    });
    const [wide, high] = laid.cell;
    host.style.setProperty('--shape', `${wide} / ${high}`);
    return host;
  };
  /** @type {(panel: Panel) => HTMLElement} The layers of a stage, in a row. */
  const steps = (panel) => {
    const row = make('div', 'row');
    for (const step of panel.tiles ?? []) {
      const button = make('button', '', step.title);
      button.title = step.about;
      if (step.go === data.place) button.setAttribute('aria-current', 'true');
      button.onclick = () => go(step.go);
      row.append(button);
    }
    return row;
  };
  /** @type {(panel: Panel) => HTMLElement} */
  const number = (panel) => {
    const shown = make('p', 'text', panel.text);
    shown.dataset.panel = panel.id;
    if (panel.about) shown.title = panel.about;
    return shown;
  };
  /** @type {(panel: Panel) => HTMLElement} */
  const bars = (panel) => {
    const list = make('ol', 'list');
    list.dataset.panel = panel.id;
    for (const { title, share, go: to } of panel.bars ?? []) {
      const row = make('li'), bar = make('i');
      bar.style.width = `${100 * share}%`;
      const name = make(to ? 'button' : 'span', '', title);
      if (to) name.onclick = () => go(to);
      row.append(name, make('b', '', `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`), bar);
      list.append(row);
    }
    return list;
  };
  /** @type {(face: HTMLElement, panel: Panel) => void} Enlarge a small map while the pointer or keyboard is on it. */
  const look = (face, panel) => {
    /** @type {ReturnType<typeof setTimeout>} */
    let waiting;
    const show = () => lens.show(face, { id: panel.id, title: panel.title, about: panel.about });
    const hide = () => {
      clearTimeout(waiting);
      lens.hide();
    };
    face.addEventListener('pointerenter', (event) => {
      if (event.pointerType !== 'touch') waiting = setTimeout(show, LOOK);
    });
    face.addEventListener('pointerleave', hide);
    face.addEventListener('blur', hide);
    face.addEventListener('focus', () => { if (face.matches(':focus-visible')) show(); });
  };
  /** @type {(frame: HTMLElement) => void} Let pointer, finger and keys move the cell of the output. */
  const follow = (frame) => {
    const cell = (/** @type {PointerEvent | MouseEvent} */ event) => {
      const { left, top, width, height } = frame.getBoundingClientRect();
      const row = Math.floor((event.clientY - top) / height * shape[0]);
      return /** @type {Cell} */ ([row, Math.floor((event.clientX - left) / width * shape[1])]);
    };
    frame.tabIndex = 0;
    frame.setAttribute('role', 'group');
    frame.setAttribute('aria-label', `${outputPanel?.title}: arrow keys move the cell, Enter opens it, Escape goes up`);
    frame.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'touch' ? event.buttons : !state.held) move(...cell(event));
    });
    frame.addEventListener('click', (event) => {
      const there = cell(event), again = state.held && there.join() === state.at.join();
      if (again && data.level === 2) go(cellPlace());
      if (again) return;
      state.held = true;
      move(...there);
      point();
    });
    frame.addEventListener('keydown', (event) => {
      const step = STEPS[event.key];
      if (event.key === 'Enter' && data.level === 2) go(cellPlace());
      if (!step) return;
      event.preventDefault();
      state.held = true;
      move(state.at[0] + step[0], state.at[1] + step[1]);
    });
  };

  // The scene --------------------------------------------------------------------------------------------------------

  const trail = () => {
    const crumbs = data.trail.map(({ place, title }, at) => {
      const here = data.level < 3 && at === data.trail.length - 1;
      const crumb = make(here ? 'span' : 'button', '', title);
      if (here) crumb.setAttribute('aria-current', 'location');
      else crumb.onclick = () => go(place);
      return crumb;
    });
    if (data.level === 3) {
      const cell = make('span');
      cell.setAttribute('aria-current', 'location');
      crumbs.push(cell);
    }
    $('trail').replaceChildren(...crumbs);
  };
  const joins = () => {
    const svg = $('joins'), room = $('scene').getBoundingClientRect();
    const line = (/** @type {string} */ kind, /** @type {Record<string, string | number>} */ set) => {
      const made = document.createElementNS('http://www.w3.org/2000/svg', kind);
      for (const [name, value] of Object.entries(set)) made.setAttribute(name, String(value));
      return made;
    };
    svg.replaceChildren(...data.joins.flatMap(({ from, to, text }) => {
      const [a, b] = [from, to].map((id) => named(id)?.getBoundingClientRect());
      if (!a || !b || !a.width || b.left < a.right - 1) return [];  // on a phone some stand below each other
      const x = a.right - room.left, y = (a.top + a.bottom) / 2 - room.top, X = b.left - room.left;
      const Y = clamp(y, b.top - room.top + 8, b.bottom - room.top - 8), middle = (x + X) / 2;
      const way = line('path', { d: `M ${x} ${y} C ${middle} ${y} ${middle} ${Y} ${X} ${Y}` });
      const said = line('text', { x: middle, y: (y + Y) / 2 + 4 });
      said.textContent = text;
      return text ? [way, said] : [way];
    }));
  };
  const build = () => {
    /** @type {(within: Element) => HTMLElement[]} */
    const things = (within) => /** @type {HTMLElement[]} */ ([...within.querySelectorAll('[data-id]')]);
    const active = /** @type {Document | ShadowRoot} */ (root.getRootNode()).activeElement;
    const coming = new Set(data.panels.flatMap(({ id, tiles = [] }) => [id, ...tiles.map((tile) => tile.id)]));
    const inside = active !== null && root.contains(active), there = places(things(root), coming);
    if (state.ghost) there.set(state.ghost.dataset.id ?? '', state.ghost.getBoundingClientRect());
    $('panels').style.setProperty('--columns', data.wide.join(' '));
    $('panels').style.setProperty('--few', data.narrow.join(' '));
    $('panels').style.setProperty('--count', String(data.wide.length));
    $('panels').replaceChildren(...data.panels.map(draw));
    trail();
    const row = /** @type {HTMLElement | null} */ (root.querySelector('.row'));
    const here = /** @type {HTMLElement | null} */ (row?.querySelector('[aria-current]'));
    if (row && here) row.scrollLeft = here.offsetLeft - row.clientWidth / 2;  // on a phone it is one line
    if (inside) focus();
    if (before && before.scene.place !== data.place) {
      if (data.level) document.querySelector('[data-testid="stMain"]')?.scrollTo?.(0, 0);  // a level begins at its top
      fly(there, things(root));
      appear([...root.querySelectorAll('figure')].filter(
        (figure) => !things(figure).some((each) => there.has(each.dataset.id ?? '')),
      ));
    }
  };
  /** Put the keyboard where one came from, or where one goes on. */
  const focus = () => {
    const stop = root.querySelector('[aria-current=true][data-id]') ?? root.querySelector('.output .frame')
      ?? root.querySelector('.tiles button') ?? root.querySelector('.trail button');
    /** @type {HTMLElement | null} */ (stop)?.focus({ preventScroll: true });
  };

  root.classList.remove('waiting');
  root.setAttribute('aria-label', data.label);
  root.dataset.level = String(data.level);
  const sources = Object.entries(data.sheets).map(([name, { source }]) => [`sheet-${name}`, source]);
  sheets(parent, Object.fromEntries(sources));
  if (anew) build();
  state.ghost?.remove();
  state.ghost = undefined;
  if (data.at && (anew || String(data.at) !== state.entered)) state.at = data.at;
  if (anew) state.held = data.level === 3;
  state.entered = String(data.at ?? '');
  Object.assign(state, { drawn, scene: data });
  point();
  state.observer?.disconnect();
  state.observer = new ResizeObserver(joins);
  state.observer.observe($('scene'));
  joins();
  root.onkeydown = (event) => {
    if (event.key !== 'Escape' || !data.level) return;
    event.preventDefault();
    up();
  };
}
