// Windows over a line or a square of cells. What each of them reads comes from Python; here it is drawn and moved, so
// that a step needs no round trip. State lives on the host element: this function runs again on every change of data.

/** @typedef {import('./types').Data} Data */
/** @typedef {import('./types').State} State */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ at: string }, Data>} Args */
/** @typedef {CanvasRenderingContext2D} Pen */

/** Milliseconds without a step until the page is told where one is. */
const REST = 500;


/** @type {(value: number, least: number, most: number) => number} */
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
/** @type {(number: number, thing: string) => string} */
const plural = (number, thing) => `${number} ${thing}${number === 1 ? '' : 's'}`;

/**
 * Tell what stands at a place of the line.
 *
 * @type {(data: Data, at: number) => 'cell' | 'padding' | 'zero'}
 */
export const kind = ({ line, before, after }, at) => {
  if (line[at] !== null) return 'cell';
  return at < before || at >= line.length - after ? 'padding' : 'zero';
};

/**
 * List what a window reads along one axis.
 *
 * @type {(data: Data, window: number[]) => string} Such as `2 × padding, 0, 1`.
 */
export const list = (data, window) => {
  /** @type {{ what: string, cells: (number | null)[] }[]} */
  const parts = [];
  for (const at of window) {
    const what = kind(data, at), last = parts.at(-1);
    if (last?.what === what) last.cells.push(data.line[at]);
    else parts.push({ what, cells: [data.line[at]] });
  }
  return parts.map(({ what, cells }) => {
    if (what === 'cell') return cells.join(', ');
    return cells.length > 1 ? `${cells.length} × ${what}` : what;
  }).join(', ');
};

/**
 * Say what an output is written from.
 *
 * @type {(data: Data, i: number, j: number) => string}
 */
export const sentence = (data, i, j) => {
  const { windows } = data;
  if (data.dimensions === 1) return `Output ${j} is written from input ${list(data, windows[j])}.`;
  /** @type {(kinds: string[]) => number} */
  const count = (kinds) => [i, j].reduce(
    (product, window) => product * windows[window].filter((at) => kinds.includes(kind(data, at))).length, 1,
  );
  const cells = count(['cell']), inner = count(['cell', 'zero']), all = count(['cell', 'zero', 'padding']);
  const parts = [
    plural(cells, 'input cell'),
    ...inner > cells ? [plural(inner - cells, 'inserted zero')] : [],
    ...all > inner ? [`${all - inner} of padding`] : [],
  ];
  const from = `rows ${list(data, windows[i])} and columns ${list(data, windows[j])}`;
  return `Output (${i}, ${j}) is written from ${from}: ${parts.join(', ')}.`;
};

/**
 * Tell which kinds of zeros were put into the line.
 *
 * @type {(data: Data) => string} Empty if there are none.
 */
export const zeros = (data) => {
  const found = new Set(data.line.map((_, at) => kind(data, at)));
  return [...found.has('padding') ? ['padding'] : [], ...found.has('zero') ? ['inserted zeros'] : []].join(', ');
};

/**
 * Say what the input is: its size, and what was made of it.
 *
 * @param {Data} data
 */
export const title = (data) => {
  const flat = data.dimensions === 1, added = zeros(data), count = data.windows.length;
  const size = (/** @type {number} */ n) => flat ? `${n}` : `${n} × ${n}`;
  const made = added.includes('zeros')
    ? `, stretched${added.includes('padding') ? ' and padded' : ''}`
    : added && ', padded';
  const to = added && ` to ${size(data.line.length)}`;
  const below = flat ? `. Below: how often each cell is read, and the ${plural(count, 'output')}` : '';
  return `Input: ${size(data.line.filter((cell) => cell !== null).length)}${made}${to}${below}`;
};

/**
 * Return the output that a key leads to.
 *
 * @param {string} key
 * @param {[number, number]} from
 * @param {[number, number]} outputs How many down and across; one row of them has no up and down.
 * @returns {[number, number] | null} null if the key leads nowhere.
 */
export const target = (key, [i, j], [rows, columns]) => {
  switch (key) {
    case 'ArrowRight': return [i, Math.min(columns - 1, j + 1)];
    case 'ArrowLeft': return [i, Math.max(0, j - 1)];
    case 'ArrowDown': return rows > 1 ? [Math.min(rows - 1, i + 1), j] : null;
    case 'ArrowUp': return rows > 1 ? [Math.max(0, i - 1), j] : null;
    case 'Home': return [0, 0];
    case 'End': return [rows - 1, columns - 1];
    default: return null;
  }
};

/**
 * Return the window whose middle is nearest to a point of the line, which may not exist.
 *
 * @type {(windows: number[][], point: number) => number}
 */
export const nearest = (windows, point) => {
  const [first] = windows, span = first[first.length - 1] - first[0] + 1;
  return Math.round((point - span / 2 - first[0]) / (windows.length > 1 ? windows[1][0] - first[0] : 1));
};

/**
 * Tell how far a glide of 140 ms has come, 0 to 1: fast first, then slower.
 *
 * @type {(elapsed: number) => number}
 */
export const glided = (elapsed) => {
  const t = clamp(elapsed / 140, 0, 1);
  return t * (2 - t);
};

/** @type {(g: Pen, colour: string, opacity: number, x: number, y: number, w: number, h: number) => void} */
const fill = (g, colour, opacity, x, y, w, h) => {
  Object.assign(g, { globalAlpha: opacity, fillStyle: colour });
  g.fillRect(x, y, w, h);
  g.globalAlpha = 1;
};
/** @type {(g: Pen, colour: string, line: number, x: number, y: number, w: number, h: number) => void} */
const outline = (g, colour, line, x, y, w, h) => {
  Object.assign(g, { strokeStyle: colour, lineWidth: line });
  g.strokeRect(x, y, Math.max(1, w), Math.max(1, h));
};
/** @type {(g: Pen, colour: string, line: number, box: number[], gap: number, both?: boolean) => void} */
const hatch = (g, colour, line, [x, y, s], gap, both = false) => {
  g.save();
  Object.assign(g, { strokeStyle: colour, lineWidth: line });
  g.beginPath();
  g.rect(x, y, s, s);
  g.clip();
  g.beginPath();
  for (let d = -s; d < s; d += gap) {
    g.moveTo(x + d, y + s);
    g.lineTo(x + d + s, y);
    if (both) g.moveTo(x + d, y);
    if (both) g.lineTo(x + d + s, y + s);
  }
  g.stroke();
  g.restore();
};
/** @type {(g: Pen, colour: string, text: unknown, x: number, y: number, s: number) => void} */
const write = (g, colour, text, x, y, s) => {
  const pixels = Math.min(s * 0.42, 15);
  if (pixels < 7) return;
  g.fillStyle = colour;
  g.font = `${pixels}px system-ui, sans-serif`;
  g.fillText(String(text), x + s / 2, y + s / 2 + 1, s - 2);
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.player'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const canvas = (/** @type {string} */ name) => /** @type {HTMLCanvasElement} */ ($(name));
  const speed = /** @type {HTMLSelectElement} */ ($('speed'));
  const { line, windows, reads } = data;
  const flat = data.dimensions === 1, count = windows.length, rows = flat ? 1 : count, all = rows * count;
  /** @type {State} */
  const state = (root.state ??= { i: 0, j: 0, y: 0, x: 0, at: '' });
  if (data.at && String(data.at) !== state.at) [state.i, state.j] = data.at;
  state.at = String(data.at ?? state.at);
  state.i = clamp(state.i, 0, rows - 1);
  state.j = clamp(state.j, 0, count - 1);
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const [first] = windows, span = first[first.length - 1] - first[0] + 1;
  const most = Math.max(1, ...reads) ** data.dimensions;
  const sides = { input: 1, output: 1 };  // of a cell, in pixels

  const style = getComputedStyle(root);
  const ink = style.getPropertyValue('--st-text-color').trim() || '#172033';
  const paper = style.getPropertyValue('--st-background-color').trim() || '#FAFAF7';
  const accent = style.getPropertyValue('--st-primary-color').trim() || '#0F5C63';
  // The legend has the theme's colours; on the canvas they are the same.
  const grey = getComputedStyle($('cell')).backgroundColor, selection = getComputedStyle($('frame')).borderTopColor;

  // Drawing ----------------------------------------------------------------------------------------------------------
  /** @type {(name: string, width: number, height: number) => Pen} */
  const prepare = (name, width, height) => {
    const on = canvas(name), ratio = window.devicePixelRatio || 1;
    on.width = Math.ceil(width * ratio);
    on.height = Math.ceil(height * ratio);
    on.style.width = `${width}px`;
    on.style.height = `${height}px`;
    const g = /** @type {Pen} */ (on.getContext('2d'));
    g.scale(ratio, ratio);
    return Object.assign(g, /** @type {const} */ ({ textAlign: 'center', textBaseline: 'middle' }));
  };
  const available = (/** @type {string} */ name) => Math.max(60, canvas(name).parentElement?.clientWidth ?? 0);
  /** @type {(g: Pen, x: number, y: number, s: number, zero: boolean, times: number, label: unknown) => void} */
  const inputCell = (g, x, y, s, zero, times, label) => {
    const box = Math.max(1, s - 1);
    if (zero) {
      g.globalAlpha = 0.3;
      hatch(g, ink, 1, [x, y, box], Math.max(4, s / 4));
      g.setLineDash([2, 2]);
      outline(g, ink, 1, x + 0.5, y + 0.5, box - 1, box - 1);
      g.setLineDash([]);
      g.globalAlpha = 1;
    } else fill(g, grey, times ? 0.3 : 0.08, x, y, box, box);
    if (!times) hatch(g, ink, zero ? 1 : 2, [x, y, box], Math.max(5, s / 3), true);
    else if (!zero) write(g, ink, label, x, y, s);
  };
  /** @type {(g: Pen, x: number, y: number, s: number, times: number) => void} */
  const heatCell = (g, x, y, s, times) => {
    fill(g, paper, 1, x, y, s - 1, s - 1);
    fill(g, grey, 0.6 * times / most, x, y, s - 1, s - 1);
    g.globalAlpha = 0.15;
    outline(g, ink, 1, x + 0.5, y + 0.5, s - 2, s - 2);
    g.globalAlpha = 1;
    write(g, ink, times, x, y, s);
  };
  /** @type {(g: Pen, x: number, y: number, s: number, label: unknown, here: boolean) => void} */
  const outputCell = (g, x, y, s, label, here) => {
    fill(g, accent, here ? 0.45 : 0.18, x, y, s - 1, s - 1);
    if (here) outline(g, selection, 3, x + 1.5, y + 1.5, s - 4, s - 4);
    write(g, ink, label, x, y, s);
  };
  /** @type {(g: Pen, s: number, downs: number[], left: number, top: number) => void} In pixels. */
  const frame = (g, s, downs, left, top) => {
    const across = windows[state.j].map((at) => at - windows[state.j][0]);
    if (across.length < span) for (const a of downs) for (const b of across) {
      outline(g, selection, 2, left + b * s + 1.5, top + a * s + 1.5, s - 4, s - 4);
    }
    outline(g, selection, 3, left + 1, top + 1, span * s - 3, (flat ? 1 : span) * s - 3);
  };

  const drawLine = (/** @type {number} */ x) => {
    const s = Math.min(52, available('input') / line.length), strip = clamp(s, 12, 26);
    const top = 6, counts = top + s + 6, outputs = counts + strip + 50;
    const g = prepare('input', s * line.length, outputs + s + 4);
    line.forEach((cell, at) => {
      inputCell(g, at * s, top, s, cell === null, reads[at], cell);
      if (cell === null) return;
      fill(g, grey, 0.6 * reads[at] / most, at * s, counts, Math.max(1, s - 1), strip);
      if (s >= 12) write(g, ink, reads[at], at * s + (s - strip) / 2, counts, strip);
    });
    g.strokeStyle = selection;
    g.lineWidth = 1.5;
    g.beginPath();
    for (const at of windows[state.j]) {
      g.moveTo((at - windows[state.j][0] + x + 0.5) * s, counts + strip + 2);
      g.lineTo((x + span / 2) * s, outputs - 2);
    }
    g.stroke();
    const fitted = Math.min(s, s * (count > 1 ? windows[1][0] - first[0] : 1));
    windows.forEach(([from], j) => {
      outputCell(g, (from + span / 2) * s - fitted / 2, outputs, fitted, j, j === state.j);
    });
    frame(g, s, [0], x * s, top);
    sides.input = s;
  };
  /** @type {(y: number, x: number) => void} */
  const drawSquare = (y, x) => {
    const s = Math.min(44, Math.min(available('input'), 300) / line.length);
    const g = prepare('input', s * line.length, s * line.length);
    line.forEach((down, r) => line.forEach((right, c) => {
      const zero = down === null || right === null;
      inputCell(g, c * s, r * s, s, zero, reads[r] * reads[c], s > 30 ? `${down},${right}` : '');
    }));
    frame(g, s, windows[state.i].map((at) => at - windows[state.i][0]), x * s, y * s);
    const t = Math.min(44, Math.min(available('output'), 120) / count), h = prepare('output', t * count, t * count);
    windows.forEach((_, i) => windows.forEach((__, j) => {
      outputCell(h, j * t, i * t, t, t > 30 ? `${i},${j}` : '', i === state.i && j === state.j);
    }));
    const cells = line.map((_, at) => at).filter((at) => line[at] !== null);
    const u = Math.min(30, Math.min(available('heat'), 120) / cells.length);
    const k = prepare('heat', u * cells.length, u * cells.length);
    cells.forEach((a, r) => cells.forEach((b, c) => heatCell(k, c * u, r * u, u, reads[a] * reads[b])));
    Object.assign(sides, { input: s, output: t });
  };
  const place = () => flat ? [0, windows[state.j][0]] : [windows[state.i][0], windows[state.j][0]];
  const paint = () => flat ? drawLine(state.x) : drawSquare(state.y, state.x);
  const draw = (glide = false) => {
    cancelAnimationFrame(state.frame ?? 0);
    const [toY, toX] = place(), { y, x } = state, start = performance.now();
    const tick = (/** @type {number} */ now) => {
      const part = glide && !still ? glided(now - start) : 1;
      state.y = y + (toY - y) * part;
      state.x = x + (toX - x) * part;
      paint();
      if (part < 1) state.frame = requestAnimationFrame(tick);
    };
    tick(start);
    say();
  };
  const say = () => {
    $('said').setAttribute('aria-live', state.timer ? 'off' : 'polite');
    $('said').textContent = sentence(data, state.i, state.j);
    $('position').textContent = `Window ${state.i * count + state.j + 1} of ${all}`;
  };
  $('inputsize').textContent = title(data);
  $('outputsize').textContent = `Output: ${count} × ${count}`;
  $('added').textContent = zeros(data);
  $('zeros').hidden = !zeros(data);
  $('lost').hidden = !reads.includes(0);
  $('second').hidden = flat;
  $('panels').classList.toggle('two', !flat);
  $('input').classList.toggle('line', flat);

  // Moving -----------------------------------------------------------------------------------------------------------
  /** @type {(i: number, j: number, glide?: boolean) => void} */
  const to = (i, j, glide = true) => {
    const next = { i: clamp(i, 0, rows - 1), j: clamp(j, 0, count - 1) };
    if (next.i === state.i && next.j === state.j) return;
    Object.assign(state, next);
    draw(glide);
    clearTimeout(state.rest);
    if (!state.timer) state.rest = setTimeout(tell, REST);
  };
  const tell = () => {
    state.at = `${state.i},${state.j}`;
    setTriggerValue('at', state.at);
  };
  const go = (/** @type {number} */ steps) => {
    const n = (state.i * count + state.j + steps + all) % all;
    to(Math.floor(n / count), n % count);
  };
  const pause = () => {
    clearInterval(state.timer);
    state.timer = undefined;
    $('play').textContent = 'Play';
    say();
  };
  const play = () => {
    $('play').textContent = 'Pause';
    state.timer = setInterval(() => root.isConnected ? go(1) : pause(), 1000 / Number(speed.value));
    say();
  };
  const again = () => {  // with what is new
    if (!state.timer) return;
    pause();
    play();
  };
  $('back').onclick = () => go(-1);
  $('next').onclick = () => go(1);
  $('play').onclick = () => {
    if (!state.timer) return play();
    pause();
    return tell();
  };
  speed.onchange = again;
  root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === speed) return;
    const plays = event.key === ' ' && event.target === root;  // on a button, space presses it
    const next = target(event.key, [state.i, state.j], [rows, count]);
    if (!plays && !next) return;
    event.preventDefault();
    if (next) to(...next);
    else $('play').click();
  };
  for (const name of /** @type {const} */ (['input', 'output'])) {
    const from = canvas(name);
    const follow = (/** @type {PointerEvent} */ event) => {
      const box = from.getBoundingClientRect(), s = sides[name];
      const y = (event.clientY - box.top) / s, x = (event.clientX - box.left) / s;
      if (name === 'output') to(Math.floor(y), Math.floor(x), false);
      else to(flat ? 0 : nearest(windows, y), nearest(windows, x), false);
    };
    from.onpointerdown = (event) => {
      if (event.button) return;
      from.setPointerCapture(event.pointerId);
      from.classList.add('held');
      if (state.timer) pause();
      follow(event);
    };
    from.onpointermove = (event) => { if (from.hasPointerCapture(event.pointerId)) follow(event); };
    from.onpointerup = from.onpointercancel = () => from.classList.remove('held');
  }
  [state.y, state.x] = place();
  again();
  draw();
  state.observer?.disconnect();
  state.observer = new ResizeObserver(paint);
  state.observer.observe(root);
}
