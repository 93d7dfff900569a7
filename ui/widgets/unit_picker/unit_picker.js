// Left the picture with the field of one unit, right the units. What a unit sees comes from Python as a list of
// intervals. State lives on the host element, since this function runs again on every change of data.

/**
 * First and last pixel that a unit sees along one axis, padding included; the first and last of them in the picture, or
 * null if it sees nothing but padding.
 *
 * @typedef {[number, number, number, number] | [number, number, null, null]} Interval
 */
/**
 * @typedef {object} Data
 * @property {string} picture Data URL.
 * @property {number} size Side of the picture, in pixels.
 * @property {string} layer
 * @property {Interval[]} intervals Of each index of a unit, along either axis.
 * @property {Unit} unit
 */
/** @typedef {[number, number]} Unit Row and column. */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ unit: Unit }, Data>} Args */
/**
 * @typedef {object} State
 * @property {Unit} unit
 * @property {string} given What Python chose last.
 * @property {ReturnType<typeof setTimeout>} [timer] Runs while the unit is being moved.
 * @property {HTMLImageElement} [image]
 * @property {ResizeObserver} [observer]
 */

const MARGIN = 0.1;  // of the side: room for what lies beyond the border
/** @type {Record<string, Unit>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/** @type {(value: number, least: number, most: number) => number} */
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * Return the part of a field that lies in the picture, along one axis.
 *
 * @type {(interval: Interval) => number}
 * @example share([-2, 5, 0, 5])  // 0.75
 */
export const share = ([first, last, from, to]) => from === null ? 0 : (to - from + 1) / (last - first + 1);

/**
 * Write how much of a field is padding; only what is exactly nothing or everything is said to be 0 or 100.
 *
 * @param {number} padding 0 to 1.
 */
export const percent = (padding) => {
  if (padding > 0 && padding < 0.01) return 'less than 1';
  if (padding > 0.99 && padding < 1) return 'more than 99';
  return String(Math.round(100 * padding));
};

/**
 * Say what a unit sees.
 *
 * @type {(unit: Unit, layer: string, intervals: Interval[]) => string}
 */
export const sentence = ([row, column], layer, intervals) => {
  const rows = intervals[row], columns = intervals[column], inside = share(rows) * share(columns);
  const unit = `Neuron (${row}, ${column}) of ${layer}`;
  if (!inside) return `${unit} sees nothing but padding.`;
  const seen = `rows ${rows[2]}–${rows[3]}, columns ${columns[2]}–${columns[3]}`;
  return `${unit} sees ${seen}; ${percent(1 - inside)}% of its field is padding.`;
};

/**
 * Return the unit whose field's middle is nearest to a pixel, along one axis; the first of equals.
 *
 * @type {(intervals: Interval[], pixel: number) => number}
 */
export const nearest = (intervals, pixel) => {
  const off = intervals.map(([first, last]) => Math.abs((first + last) / 2 - pixel));
  return off.indexOf(Math.min(...off));
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.picker'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const seen = /** @type {HTMLCanvasElement} */ ($('seen')), units = /** @type {HTMLCanvasElement} */ ($('units'));
  const { intervals, size, layer } = data;
  const count = intervals.length;
  /** @type {State} */
  const state = (root.state ??= { unit: [0, 0], given: '' });
  const given = JSON.stringify([layer, count, data.unit]);
  if (given !== state.given && !state.timer) state.unit = data.unit;  // what is being moved is not overwritten
  state.given = given;
  /** @type {(row: number, column: number) => Unit} */
  const bounded = (row, column) => [clamp(row, 0, count - 1), clamp(column, 0, count - 1)];
  state.unit = bounded(...state.unit);

  const style = getComputedStyle(root);
  /** @type {(name: string, fallback: string) => string} */
  const colour = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const ink = colour('--st-text-color', '#16202E'), ground = colour('--st-secondary-background-color', '#FFFFFF');
  const line = colour('--st-border-color', '#DDDBD2');
  const selection = getComputedStyle($('here')).backgroundColor;  // of the theme; the legend has it

  const sideOf = (/** @type {HTMLCanvasElement} */ canvas) =>
    Math.floor(clamp(canvas.parentElement?.clientWidth ?? 0, 120, 420));
  const prepare = (/** @type {HTMLCanvasElement} */ canvas) => {
    const side = sideOf(canvas), ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.height = side * ratio;
    canvas.style.width = canvas.style.height = `${side}px`;
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    g.scale(ratio, ratio);
    g.fillStyle = ground;
    g.fillRect(0, 0, side, side);
    return g;
  };
  const seenScale = () => {  // of the picture within its margin
    const side = sideOf(seen), edge = side * MARGIN / (1 + 2 * MARGIN);
    return { side, edge, scale: (side - 2 * edge) / size };
  };

  const drawSeen = () => {
    const { side, edge, scale } = seenScale(), g = prepare(seen);
    g.strokeStyle = line;
    g.lineWidth = 1;
    for (let d = -side; d < side; d += 9) {
      g.beginPath();
      g.moveTo(d, 0);
      g.lineTo(d + side, side);
      g.stroke();
    }
    g.imageSmoothingEnabled = scale < 2;
    if (state.image?.complete) g.drawImage(state.image, edge, edge, size * scale, size * scale);
    const [rows, columns] = state.unit.map((i) => intervals[i]);
    /** @type {(top: number, bottom: number, left: number, right: number) => [number, number, number, number]} */
    const box = (top, bottom, left, right) =>
      [edge + left * scale, edge + top * scale, (right - left + 1) * scale, (bottom - top + 1) * scale];
    if (rows[2] !== null && columns[2] !== null) {
      const inside = box(rows[2], rows[3], columns[2], columns[3]);
      g.fillStyle = 'rgba(8,12,20,0.5)';
      g.beginPath();
      g.rect(edge, edge, size * scale, size * scale);
      g.rect(...inside);
      g.fill('evenodd');
      g.lineWidth = 3;
      g.strokeStyle = selection;
      g.strokeRect(...inside);
    }
    g.lineWidth = 1.5;
    g.strokeStyle = ink;
    g.setLineDash([5, 4]);
    g.strokeRect(...box(rows[0], rows[1], columns[0], columns[1]));
    g.setLineDash([]);
  };

  const drawUnits = () => {
    const g = prepare(units), side = sideOf(units), cell = side / count;
    if (count <= 64) for (let r = 0; r < count; r++) for (let c = 0; c < count; c++) {
      g.fillStyle = ink;
      g.globalAlpha = 0.6 * (1 - share(intervals[r]) * share(intervals[c]));
      g.fillRect(c * cell, r * cell, cell, cell);
    }
    g.globalAlpha = 1;
    g.strokeStyle = line;
    g.lineWidth = 1;
    if (cell >= 4) for (let n = 0; n <= count; n++) {
      const at = Math.min(side - 0.5, n * cell + 0.5);
      g.beginPath();
      g.moveTo(at, 0);
      g.lineTo(at, side);
      g.moveTo(0, at);
      g.lineTo(side, at);
      g.stroke();
    }
    g.strokeRect(0.5, 0.5, side - 1, side - 1);
    const shown = Math.max(cell, 6);
    const [top, left] = state.unit.map((n) => clamp((n + 0.5) * cell - shown / 2, 0, side - shown));
    g.fillStyle = selection;
    g.fillRect(left, top, shown, shown);
  };

  const draw = () => {
    drawSeen();
    drawUnits();
    const [row, column] = state.unit, said = sentence(state.unit, layer, intervals);
    $('said').textContent = said;
    seen.setAttribute('aria-label', said);
    units.setAttribute('aria-label', `${count} × ${count} neurons of ${layer}; row ${row}, column ${column} is chosen`);
    $('title').textContent = `Neurons of ${layer}`;
    $('seensize').textContent = `${size} × ${size}`;
    $('mapsize').textContent = `${count} × ${count}`;
  };
  const move = (/** @type {number} */ row, /** @type {number} */ column) => {
    const to = bounded(row, column);
    if (to.join() === state.unit.join()) return;
    state.unit = to;
    draw();
    clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      state.timer = undefined;
      setTriggerValue('unit', state.unit);
    }, 250);
  };

  root.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    move(state.unit[0] + step[0], state.unit[1] + step[1]);
  };
  /** @type {(canvas: HTMLCanvasElement, index: (at: number) => number) => void} */
  const picks = (canvas, index) => {
    canvas.onpointerdown = canvas.onpointermove = (event) => {
      if (event.type === 'pointermove' && !event.buttons) return;
      const box = canvas.getBoundingClientRect();
      move(index(event.clientY - box.top), index(event.clientX - box.left));
    };
  };
  picks(units, (at) => Math.floor(at / (sideOf(units) / count)));
  picks(seen, (at) => nearest(intervals, (at - seenScale().edge) / seenScale().scale - 0.5));

  if (state.image?.src !== data.picture) {
    state.image = new Image();
    state.image.src = data.picture;
  }
  state.image.onload = draw;
  state.observer?.disconnect();
  state.observer = new ResizeObserver(draw);
  state.observer.observe(root);
  draw();
}
