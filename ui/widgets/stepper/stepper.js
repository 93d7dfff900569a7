// One window at a time: input, the window's cells, the output. Everything is computed here, so that a step needs no
// round trip to the server. State lives on the host element, since this function runs again on every change of data.

import { grey, luminance, signed } from '../parts/colours.js';
import { clamp, decode } from '../parts/numbers.js';

/** @typedef {import('./types').Data} Data */
/** @typedef {import('./types').Cell} Cell */
/** @typedef {import('./types').View} View */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ at: string }, Data>} Args */
/** @typedef {import('./types').State} State */
/** @typedef {import('../parts/colours.js').Look} Look */

const SELECTION = { light: '#E8A200', dark: '#FFC63D' };
/** Milliseconds without a step until the page is told where one is. */
const REST = 500;
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/**
 * Return the place within a line that a place beyond its ends mirrors, the ends not repeated.
 *
 * @type {(n: number, length: number) => number}
 * @example [-2, -1, 0, 1, 2, 3, 4].map((n) => mirror(n, 3))  // [2, 1, 0, 1, 2, 1, 0]
 */
export const mirror = (n, length) => {
  if (length === 1) return 0;
  const period = 2 * (length - 1), place = ((n % period) + period) % period;
  return place < length ? place : period - place;
};

/**
 * The arithmetic of a window that slides over a padded picture.
 *
 * @param {Data} data
 */
export const sliding = (data) => {
  const image = decode(data.values);
  const { width, height, kernel, stride, dilation, mode, edge } = data;
  const [top, left, bottom, right] = data.pad, [rows, columns] = data.window;
  const full = { height: height + top + bottom, width: width + left + right };
  const span = { height: (rows - 1) * dilation + 1, width: (columns - 1) * dilation + 1 };
  const output = {
    height: Math.floor((full.height - span.height) / stride) + 1,
    width: Math.floor((full.width - span.width) / stride) + 1,
  };
  /** @type {(y: number, x: number) => boolean} */
  const isPad = (y, x) => y < top || y >= top + height || x < left || x >= left + width;
  /** @type {(y: number, x: number) => number} */
  const at = (y, x) => {
    if (!isPad(y, x)) return image[(y - top) * width + x - left];
    if (edge === 'reflect') return image[mirror(y - top, height) * width + mirror(x - left, width)];
    return mode === 'max' ? -Infinity : 0;
  };
  /** @type {(i: number, j: number) => Cell[]} */
  const cells = (i, j) => {
    const found = [];
    for (let a = 0; a < rows; a++) for (let b = 0; b < columns; b++) {
      const y = i * stride + a * dilation, x = j * stride + b * dilation;
      found.push({ y, x, value: at(y, x), pad: isPad(y, x), weight: kernel ? kernel[a][b] : 1 });
    }
    return found;
  };
  /** @type {(i: number, j: number) => number} */
  const result = (i, j) => {
    const found = cells(i, j), real = found.filter((c) => !c.pad);
    if (mode === 'max') return Math.max(...found.map((c) => c.value));
    if (mode === 'average') return real.reduce((sum, c) => sum + c.value, 0) / real.length;
    if (mode === 'l2') return Math.sqrt(real.reduce((sum, c) => sum + c.value ** 2, 0));
    return found.reduce((sum, c) => sum + c.value * c.weight, 0);
  };
  let low = Infinity, high = -Infinity;
  for (const value of image) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { full, span, output, low, high, isPad, at, cells, result };
};

/**
 * Write a number as a cell has room for.
 *
 * @type {(value: number) => string}
 * @example [0.126, -12.34, 123.4, 0.0001, -Infinity].map(text)  // ['0.13', '−12.3', '123', '0', '−∞']
 */
export const text = (value) => {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return '−∞';
  if (size < 5e-4) return '0';
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits))).replace('-', '−');
};

/**
 * Say how a window's cells become its result.
 *
 * @type {(cells: Cell[], result: number, mode: Data['mode']) => string}
 */
export const sum = (cells, result, mode) => {
  const real = cells.filter((c) => !c.pad).length;
  const said = {
    conv: cells.length > 9
      ? `sum of ${cells.length} products`
      : cells.map((c) => text(c.value * c.weight)).join(' + ').replaceAll('+ −', '− '),
    max: 'largest',
    average: `mean of ${real}`,
    l2: 'root of the sum of squares',
  }[mode];
  return `${said} = ${text(result)}`;
};

/**
 * Choose as many cells as stay readable; on a larger grid they follow the window.
 *
 * @type {(available: number, rows: number, columns: number, follow: [number, number]) => View}
 */
export const viewOf = (available, rows, columns, follow) => {
  const fits = clamp(Math.floor(available / 27), 6, 32);
  const shown = { rows: Math.min(rows, fits), columns: Math.min(columns, fits) };
  /** @type {(centre: number, whole: number, part: number) => number} */
  const first = (centre, whole, part) => clamp(Math.round(centre - part / 2), 0, whole - part);
  return {
    ...shown,
    size: Math.min(44, Math.floor(available / shown.columns)),
    top: first(follow[0], rows, shown.rows),
    left: first(follow[1], columns, shown.columns),
  };
};

/**
 * Keep a view where it was, as long as it is of the same size and what it follows is in it.
 *
 * @type {(now: View, before: View | undefined, span: { height: number, width: number }, at: [number, number]) => View}
 */
export const kept = (now, before, span, [y, x]) => {
  if (!before || now.rows !== before.rows || now.columns !== before.columns || now.size !== before.size) return now;
  const { top, left, rows, columns } = before;
  const inside = y >= top && x >= left && y + span.height <= top + rows && x + span.width <= left + columns;
  return inside ? before : now;
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.stepper'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const canvas = (/** @type {string} */ name) => /** @type {HTMLCanvasElement} */ ($(name));
  const context = (/** @type {HTMLCanvasElement} */ of) =>
    /** @type {CanvasRenderingContext2D} */ (of.getContext('2d'));
  const speed = /** @type {HTMLSelectElement} */ ($('speed')), table = /** @type {HTMLTableElement} */ ($('cells'));
  const { width, height, kernel, stride, dilation, mode, edge } = data, [rows, columns] = data.window;
  const { full, span, output, low, high, isPad, at, cells, result } = sliding(data);
  const all = output.height * output.width;
  /** @type {State} */
  const state = (root.state ??= { i: data.start?.[0] ?? 0, j: data.start?.[1] ?? 0, at: '' });
  if (data.at && String(data.at) !== state.at) [state.i, state.j] = data.at;
  state.at = String(data.at ?? state.at);
  state.i = Math.min(state.i, output.height - 1);
  state.j = Math.min(state.j, output.width - 1);
  /** @type {{ input: View, output: View }} */
  let views;

  const style = getComputedStyle(root);
  const ink = style.getPropertyValue('--st-text-color').trim() || '#16202E';
  const paper = style.getPropertyValue('--st-background-color').trim() || '#FAFAF7';
  const dark = luminance(paper) < 0.2, selection = dark ? SELECTION.dark : SELECTION.light;
  const weights = (kernel ?? []).flat().reduce((total, weight) => total + Math.abs(weight), 0);
  const scale = Math.max(1e-9, weights * Math.max(Math.abs(low), Math.abs(high)) / 2);

  /** @type {(y: number, x: number) => Look} */
  const inputLook = (y, x) => {
    if (isPad(y, x) && edge !== 'reflect') return ['rgba(128,128,128,0.18)', ink, true];
    const [fill, pen] = grey(at(y, x), low, high);
    return [fill, pen, isPad(y, x)];
  };
  /** @type {(i: number, j: number) => Look} */
  const outputLook = (i, j) => {
    const value = result(i, j);
    if (kernel) return signed(value, scale, paper);
    return grey(mode === 'l2' ? value / Math.sqrt(rows * columns) : value, low, high);
  };

  /** @type {(name: string, rows: number, columns: number, follow: [number, number]) => View} */
  const view = (name, ...grid) => viewOf(Math.max(150, canvas(name).parentElement?.clientWidth ?? 0), ...grid);
  /** @type {(name: string, v: View, look: typeof inputLook, value: typeof at) => CanvasRenderingContext2D} */
  const paint = (name, v, look, value) => {
    const on = canvas(name), ratio = window.devicePixelRatio || 1, g = context(on);
    on.width = v.columns * v.size * ratio;
    on.height = v.rows * v.size * ratio;
    on.style.width = `${v.columns * v.size}px`;
    on.style.height = `${v.rows * v.size}px`;
    g.scale(ratio, ratio);
    const written = Array.from({ length: v.rows * v.columns }, (_, n) =>
      text(value(Math.floor(n / v.columns) + v.top, n % v.columns + v.left)));
    Object.assign(g, { textAlign: 'center', textBaseline: 'middle', font: '10px system-ui, sans-serif' });
    const widest = Math.max(...written.map((each) => g.measureText(each).width)) / 10;
    g.font = `${Math.min(clamp(v.size * 0.36, 8, 14), (v.size - 5) / widest)}px system-ui, sans-serif`;
    for (let r = 0; r < v.rows; r++) for (let c = 0; c < v.columns; c++) {
      const [fill, pen, hatched] = look(r + v.top, c + v.left);
      g.fillStyle = fill;
      g.fillRect(c * v.size, r * v.size, v.size - 1, v.size - 1);
      if (hatched) {
        g.strokeStyle = ink;
        g.globalAlpha = 0.35;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(c * v.size + 2, (r + 1) * v.size - 3);
        g.lineTo((c + 1) * v.size - 3, r * v.size + 2);
        g.stroke();
        g.globalAlpha = 1;
      }
      g.fillStyle = pen;
      g.fillText(written[r * v.columns + c], (c + 0.5) * v.size, (r + 0.52) * v.size);
    }
    g.strokeStyle = selection;
    g.lineWidth = 3;
    return g;
  };

  const draw = () => {
    const { i, j } = state.peek ?? state, found = cells(i, j), out = result(i, j);
    const winner = mode === 'max' ? found.findIndex((c) => c.value === out) : -1;
    const middle = /** @type {[number, number]} */ ([i * stride + span.height / 2, j * stride + span.width / 2]);
    views = {
      input: view('input', full.height, full.width, middle),
      output: view('output', output.height, output.width, [i, j]),
    };
    if (state.over) {  // under the pointer nothing moves but the window
      views.input = kept(views.input, state.over.input, span, [i * stride, j * stride]);
      views.output = kept(views.output, state.over.output, { height: 1, width: 1 }, [i, j]);
      state.over = views;
    }
    drawInput(found, winner, i, j);
    const { size, top, left } = views.output, g = paint('output', views.output, outputLook, result);
    g.strokeRect((j - left) * size, (i - top) * size, size - 1, size - 1);
    drawMap();
    fillTable(found, winner);
    $('sum').setAttribute('aria-live', state.timer ? 'off' : 'polite');
    $('sum').textContent = `Row ${i}, column ${j}: ${sum(found, out, mode)}`;
    $('position').textContent = `${i * output.width + j + 1} of ${all}`;
    /** @type {(v: View, whole: { height: number, width: number }) => string} */
    const part = (v, whole) => zoomed(v, whole) ? ` (showing ${v.rows} × ${v.columns})` : '';
    const padded = data.pad.some(Boolean) ? `, padded to ${full.height} × ${full.width}` : '';
    $('inputsize').textContent = `${height} × ${width}${padded}${part(views.input, full)}`;
    $('outputsize').textContent = `${output.height} × ${output.width}${part(views.output, output)}`;
  };
  /** @type {(v: View, whole: { height: number, width: number }) => boolean} */
  const zoomed = (v, whole) => v.rows < whole.height || v.columns < whole.width;
  /** @type {(found: Cell[], winner: number, i: number, j: number) => void} */
  const drawInput = (found, winner, i, j) => {
    const { size, top, left } = views.input, g = paint('input', views.input, inputLook, at);
    found.forEach((c, n) => {
      g.lineWidth = dilation > 1 || n === winner ? 3 : 1;
      g.strokeRect((c.x - left) * size + 1, (c.y - top) * size + 1, size - 3, size - 3);
    });
    g.lineWidth = 3;
    const x = (j * stride - left) * size, y = (i * stride - top) * size;
    g.strokeRect(x, y, span.width * size - 1, span.height * size - 1);
  };
  const drawMap = () => {
    const map = canvas('map'), v = views.input;
    map.hidden = !zoomed(v, full);
    if (map.hidden) return;
    const w = map.width = 110, h = map.height = Math.max(20, Math.round(110 * full.height / full.width));
    const g = context(map), picture = g.createImageData(w, h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      const value = at(Math.floor(y * full.height / h), Math.floor(x * full.width / w));
      const t = Number.isFinite(value) && high > low ? 255 * (value - low) / (high - low) : 0;
      const pixel = 4 * (y * w + x);
      picture.data.fill(t, pixel, pixel + 3);
      picture.data[pixel + 3] = 255;
    }
    g.putImageData(picture, 0, 0);
    g.strokeStyle = selection;
    g.lineWidth = 2;
    const across = w / full.width, down = h / full.height;
    g.strokeRect(v.left * across, v.top * down, Math.max(4, v.columns * across), Math.max(4, v.rows * down));
  };
  /** @type {(found: Cell[], winner: number) => void} */
  const fillTable = (found, winner) => {
    table.replaceChildren();
    found.forEach((c, n) => {
      const row = n % columns ? table.rows[table.rows.length - 1] : table.insertRow(), cell = row.insertCell();
      if (c.pad) cell.className = 'pad';
      if (n === winner) cell.className = 'winner';
      if (kernel) {
        const small = document.createElement('small'), bold = document.createElement('b');
        small.textContent = `${text(c.value)} × ${text(c.weight)}`;
        bold.textContent = text(c.value * c.weight);
        cell.append(small, bold);
      } else cell.textContent = text(c.value);
    });
  };

  const onto = (/** @type {number} */ i, /** @type {number} */ j) =>
    ({ i: clamp(i, 0, output.height - 1), j: clamp(j, 0, output.width - 1) });
  /** @type {(i: number, j: number) => void} */
  const move = (i, j) => {
    const to = onto(i, j), peeked = state.peek;
    state.peek = undefined;
    if (to.i === state.i && to.j === state.j) {
      if (peeked) draw();
      return;
    }
    Object.assign(state, to);
    draw();
    clearTimeout(state.rest);
    if (!state.timer) state.rest = setTimeout(tell, REST);
  };
  const tell = () => {
    state.at = `${state.i},${state.j}`;
    setTriggerValue('at', state.at);
  };
  const go = (/** @type {number} */ n) => {
    const place = ((n % all) + all) % all;
    move(Math.floor(place / output.width), place % output.width);
  };
  const here = () => state.i * output.width + state.j;
  const pause = () => {
    clearInterval(state.timer);
    state.timer = undefined;
    $('play').textContent = 'Play';
  };
  const play = () => {
    $('play').textContent = 'Pause';
    state.timer = setInterval(() => root.isConnected ? go(here() + 1) : pause(), 1000 / Number(speed.value));
  };
  const again = () => {  // with what is new
    if (!state.timer) return;
    pause();
    play();
  };
  $('first').onclick = () => go(0);
  $('back').onclick = () => go(here() - 1);
  $('next').onclick = () => go(here() + 1);
  $('play').onclick = () => {
    if (!state.timer) return play();
    pause();
    return tell();
  };
  speed.onchange = again;
  root.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step || event.target === speed) return;
    event.preventDefault();
    move(state.i + step[0], state.j + step[1]);
  };
  // The pointer moves the window within what it sees, and a click holds it there; another lets it go, as leaving does.
  /** @type {(name: 'input' | 'output', window: (y: number, x: number) => [number, number]) => void} */
  const picks = (name, window) => {
    const from = canvas(name);
    /** @type {(event: PointerEvent) => { i: number, j: number }} */
    const under = (event) => {
      const v = views[name], box = from.getBoundingClientRect();
      const [i, j] = window(
        clamp(v.top + Math.floor((event.clientY - box.top) / v.size), v.top, v.top + v.rows - 1),
        clamp(v.left + Math.floor((event.clientX - box.left) / v.size), v.left, v.left + v.columns - 1),
      );
      return onto(i, j);
    };
    from.onpointermove = (event) => {
      if (event.pointerType === 'touch' || state.held) return;
      state.over ??= views;
      state.peek = under(event);
      draw();
    };
    from.onpointerdown = (event) => {
      const to = under(event), twice = state.held && to.i === state.i && to.j === state.j;
      const mouse = event.pointerType !== 'touch';
      state.held = mouse && !twice;
      if (mouse) state.over ??= views;
      move(to.i, to.j);
    };
    from.onpointerleave = () => {
      Object.assign(state, { over: undefined, peek: undefined, held: false });
      draw();
    };
  };
  /** @type {(middle: number, first: number, shown: number, side: number) => number} A window that is whole in view. */
  const within = (middle, first, shown, side) => {
    const least = Math.ceil(first / stride), most = Math.floor((first + shown - side) / stride);
    const wanted = Math.round((middle - (side - 1) / 2) / stride);
    return least > most ? wanted : clamp(wanted, least, most);
  };
  picks('input', (y, x) => [
    within(y, views.input.top, views.input.rows, span.height),
    within(x, views.input.left, views.input.columns, span.width),
  ]);
  picks('output', (y, x) => [y, x]);
  $('map').onpointerdown = (event) => {
    const box = $('map').getBoundingClientRect();
    const y = (event.clientY - box.top) / box.height * full.height - span.height / 2;
    const x = (event.clientX - box.left) / box.width * full.width - span.width / 2;
    move(Math.round(y / stride), Math.round(x / stride));
  };
  state.observer?.disconnect();
  state.observer = new ResizeObserver(draw);
  state.observer.observe(root);
  again();
  draw();
}
