// A sheet of paper: pointer, touch or keys draw strokes; a small grey picture goes to Python when a stroke has ended.
// State lives on the host element, since this function runs again on every change of data.

/** @typedef {[number, number]} Point Across and down, 0 to 1; of the keys' grid: column and row. */
/**
 * @typedef {object} Data
 * @property {number} side Of the picture that is sent, in pixels.
 * @property {Point[][]} strokes Drawn before, in another view.
 */
/** @typedef {{ drawn: { ink: string, strokes: Point[][] } }} Answer */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<Answer, Data>} Args */
/**
 * @typedef {object} State
 * @property {Point[][]} strokes
 * @property {number | null} pointer Id of the one that draws.
 * @property {boolean} pen Whether the keys' pen is down.
 * @property {boolean} keys Whether the keys are being used.
 * @property {Point} at Where the keys' pen is.
 * @property {ReturnType<typeof setTimeout>} [timer]
 * @property {ResizeObserver} [observer]
 */

const THICK = 0.085;  // of the side
const LEAST = 0.008;  // of the side: a shorter way of the pointer adds no point
export const CELLS = 20;  // of the keys' grid, along either side
/** @type {Record<string, Point>} */
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/** @type {(value: number, least: number, most: number) => number} */
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * Tell where on the paper a pointer is, to a thousandth of its side; beyond the border counts as on it.
 *
 * @param {{ left: number, top: number, width: number, height: number }} box Of the paper.
 * @param {{ clientX: number, clientY: number }} pointer
 * @returns {Point}
 */
export const spot = (box, pointer) => {
  const share = (/** @type {number} */ part) => Math.round(1000 * clamp(part, 0, 1)) / 1000;
  return [share((pointer.clientX - box.left) / box.width), share((pointer.clientY - box.top) / box.height)];
};

/**
 * Tell whether a pointer has gone far enough for another point.
 *
 * @type {(last: Point, next: Point) => boolean}
 */
export const far = (last, next) => Math.hypot(next[0] - last[0], next[1] - last[1]) >= LEAST;

/**
 * Move the keys' pen by one cell; it stops at the border.
 *
 * @type {(at: Point, key: string) => Point | null} null for a key that moves nothing.
 */
export const moved = (at, key) => {
  const step = STEPS[key];
  return step ? [clamp(at[0] + step[0], 0, CELLS - 1), clamp(at[1] + step[1], 0, CELLS - 1)] : null;
};

/**
 * Return the middle of a cell of the keys' grid.
 *
 * @type {(at: Point) => Point}
 */
export const middle = ([column, row]) => [(column + 0.5) / CELLS, (row + 0.5) / CELLS];

/**
 * Take the grey out of a canvas's pixels, as base64 of one byte a pixel.
 *
 * @param {ArrayLike<number>} rgba
 */
export const inkText = (rgba) => {
  let text = '';
  for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i]);
  return btoa(text);
};

/**
 * Draw strokes on a square.
 *
 * @type {(g: CanvasRenderingContext2D, strokes: Point[][], side: number, ground: string, ink: string) => void}
 */
const paint = (g, strokes, side, ground, ink) => {
  g.fillStyle = ground;
  g.fillRect(0, 0, side, side);
  g.strokeStyle = g.fillStyle = ink;
  g.lineWidth = THICK * side;
  g.lineCap = g.lineJoin = 'round';
  for (const stroke of strokes) {
    const [[left, top]] = stroke;
    g.beginPath();
    if (stroke.length === 1) {
      g.arc(left * side, top * side, THICK * side / 2, 0, 7);
      g.fill();
    } else {
      g.moveTo(left * side, top * side);
      for (const [x, y] of stroke) g.lineTo(x * side, y * side);
      g.stroke();
    }
  }
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.drawing'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const canvas = /** @type {HTMLCanvasElement} */ ($('paper'));
  /** @type {State} */
  const state = (root.state ??= {
    strokes: structuredClone(data.strokes), pointer: null, pen: false, keys: false, at: [10, 10],
  });

  const draw = () => {
    const side = Math.max(80, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    paint(g, state.strokes, side, '#ffffff', '#111111');
    const { activeElement } = /** @type {Document | ShadowRoot} */ (canvas.getRootNode());
    if (!state.keys || !root.contains(activeElement)) return;
    const [x, y] = middle(state.at);
    g.strokeStyle = '#D9730D';
    g.lineWidth = side / 90;
    g.beginPath();
    g.arc(x * side, y * side, side * (state.pen ? 0.03 : 0.05), 0, 7);
    g.stroke();
  };
  const send = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      const small = document.createElement('canvas');
      small.width = small.height = data.side;
      const g = /** @type {CanvasRenderingContext2D} */ (small.getContext('2d', { willReadFrequently: true }));
      paint(g, state.strokes, data.side, '#000000', '#ffffff');
      const ink = inkText(g.getImageData(0, 0, data.side, data.side).data);
      setTriggerValue('drawn', { ink, strokes: state.strokes });
    }, 250);
  };
  const tell = (/** @type {string} */ words) => { $('pen').textContent = words; };

  canvas.onpointerdown = (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    state.pointer = event.pointerId;
    state.pen = state.keys = false;
    state.strokes.push([spot(canvas.getBoundingClientRect(), event)]);
    draw();
  };
  canvas.onpointermove = (event) => {
    const stroke = state.strokes.at(-1), last = stroke?.at(-1);
    if (state.pointer !== event.pointerId || !stroke || !last) return;
    const next = spot(canvas.getBoundingClientRect(), event);
    if (!far(last, next)) return;
    stroke.push(next);
    draw();
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (state.pointer !== event.pointerId) return;
    state.pointer = null;
    send();
  };

  canvas.onkeydown = (event) => {
    const to = moved(state.at, event.key);
    if (!to && event.key !== ' ' && event.key !== 'Escape') return;
    event.preventDefault();
    state.keys = true;
    if (to) {
      state.at = to;
      if (state.pen) state.strokes.at(-1)?.push(middle(to));
    } else {
      state.pen = event.key === ' ' && !state.pen;
      if (state.pen) state.strokes.push([middle(state.at)]);
    }
    if (state.pen) send();
    const [column, row] = state.at;
    tell(`Pen ${state.pen ? 'down' : 'up'}, row ${row + 1}, column ${column + 1} of ${CELLS}`);
    draw();
  };
  canvas.onfocus = canvas.onblur = draw;
  const leave = (/** @type {Point[][]} */ strokes, /** @type {string} */ words) => {
    state.strokes = strokes;
    state.pen = false;
    draw();
    send();
    tell(words);
  };
  $('undo').onclick = () => leave(state.strokes.slice(0, -1), 'The last stroke is gone');
  $('clear').onclick = () => leave([], 'The paper is clear');
  state.observer?.disconnect();
  state.observer = new ResizeObserver(draw);
  state.observer.observe(root);
  draw();
}
