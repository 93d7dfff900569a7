// One window at a time: input, the window's cells, the output. Everything is computed here, so that a step needs no
// round trip to the server. State lives on the host element, since this function runs again on every change of data.

/** @typedef {import('./types').Data} Data */
/** @typedef {import('./types').Cell} Cell */
/** @typedef {import('./types').View} View */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ at: string }, Data>} Args */
/** @typedef {import('./types').State} State */
/** @typedef {[fill: string, pen: string, hatched?: boolean]} Look */

const SELECTION = { light: '#E8A200', dark: '#FFC63D' };
/** Milliseconds without a step until the page is told where one is. */
const REST = 500;
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/** @type {(value: number, least: number, most: number) => number} */
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * Read float32 numbers out of base64.
 *
 * @param {string} text
 */
export const decode = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

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
 * Return the grey of a value between two, and a colour to write on it.
 *
 * @type {(value: number, low: number, high: number) => Look}
 */
export const grey = (value, low, high) => {
  const g = Math.round(high > low ? 25 + 225 * (value - low) / (high - low) : 128);
  return [`rgb(${g},${g},${g})`, g > 140 ? '#111' : '#fff'];
};

/** Colours of activations, as in cnn_core/figures/palette.py: below zero, above zero. Zero is the paper. */
const ENDS = { light: [[33, 102, 172], [178, 24, 43]], dark: [[96, 165, 250], [255, 122, 107]] };

/** @type {(colour: string) => number[]} */
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/**
 * Return how light a colour is, 0 to 1.
 *
 * @type {(colour: string) => number}
 * @example luminance('#ffffff')  // 1
 */
export const luminance = (colour) => channels(colour).reduce((all, c, n) => all + c / 255 * [0.21, 0.72, 0.07][n], 0);

/**
 * Return the colour of a signed value, blue over the paper to red, and a colour to write on it.
 *
 * @param {number} value
 * @param {number} scale Where the colour is full.
 * @param {string} paper As `#rrggbb`.
 * @returns {Look}
 */
export const signed = (value, scale, paper = '#FAFAF7') => {
  const dark = luminance(paper) < 0.2, zero = channels(paper);
  const t = clamp(value / scale, -1, 1), end = ENDS[dark ? 'dark' : 'light'][t >= 0 ? 1 : 0];
  const rgb = end.map((c, n) => Math.round(zero[n] + (c - zero[n]) * Math.abs(t)));
  return [`rgb(${rgb})`, dark === Math.abs(t) > 0.6 ? '#111' : '#fff'];
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
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    g.font = `${clamp(v.size * 0.36, 8, 14)}px system-ui, sans-serif`;
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
      g.fillText(text(value(r + v.top, c + v.left)), (c + 0.5) * v.size, (r + 0.52) * v.size);
    }
    g.strokeStyle = selection;
    g.lineWidth = 3;
    return g;
  };

  const draw = () => {
    const { i, j } = state, found = cells(i, j), out = result(i, j);
    const winner = mode === 'max' ? found.findIndex((c) => c.value === out) : -1;
    const middle = /** @type {[number, number]} */ ([i * stride + span.height / 2, j * stride + span.width / 2]);
    views = {
      input: view('input', full.height, full.width, middle),
      output: view('output', output.height, output.width, [i, j]),
    };
    drawInput(found, winner);
    const { size, top, left } = views.output, g = paint('output', views.output, outputLook, result);
    g.strokeRect((j - left) * size, (i - top) * size, size - 1, size - 1);
    drawMap();
    fillTable(found, winner);
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
  /** @type {(found: Cell[], winner: number) => void} */
  const drawInput = (found, winner) => {
    const { size, top, left } = views.input, g = paint('input', views.input, inputLook, at);
    found.forEach((c, n) => {
      g.lineWidth = dilation > 1 || n === winner ? 3 : 1;
      g.strokeRect((c.x - left) * size + 1, (c.y - top) * size + 1, size - 3, size - 3);
    });
    g.lineWidth = 3;
    const x = (state.j * stride - left) * size, y = (state.i * stride - top) * size;
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

  /** @type {(i: number, j: number) => void} */
  const move = (i, j) => {
    const to = { i: clamp(i, 0, output.height - 1), j: clamp(j, 0, output.width - 1) };
    if (to.i === state.i && to.j === state.j) return;
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
  /** @type {(name: 'input' | 'output', window: (y: number, x: number) => [number, number]) => void} */
  const picks = (name, window) => {
    const from = canvas(name), whole = name === 'input' ? full : output;
    from.onpointermove = from.onpointerdown = (event) => {
      const v = views[name], box = from.getBoundingClientRect(), moves = event.type === 'pointermove';
      // Following the pointer would move a zoomed view under it: there a click is needed.
      if (moves && (event.pointerType === 'touch' || zoomed(v, whole))) return;
      const y = v.top + Math.floor((event.clientY - box.top) / v.size);
      const x = v.left + Math.floor((event.clientX - box.left) / v.size);
      move(...window(y, x));
    };
  };
  picks('input', (y, x) => [
    Math.round((y - (span.height - 1) / 2) / stride),
    Math.round((x - (span.width - 1) / 2) / stride),
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
