// Cells come from Python; here they become boxes and curves in a scrolled SVG. State lives on the host element, since
// this function runs again on every change of data.

/**
 * @typedef {object} Node
 * @property {string} name
 * @property {string} title
 * @property {string} kind
 * @property {string} shape
 * @property {string} family
 * @property {number} row
 * @property {number} column
 * @property {string} block Name of the block that it belongs to, or is; empty for none.
 * @property {string} frame What is read of that block.
 * @property {boolean} folded Whether it is a whole block.
 * @property {string} said
 */
/** @typedef {{ row: number, column: number }} Place */
/** @typedef {[source: number, target: number, lane: number | null, skip: boolean]} Edge A lane is a column. */
/**
 * @typedef {object} Data
 * @property {Node[]} nodes
 * @property {Edge[]} edges
 * @property {string} label
 * @property {number} height Of the window onto the graph, in pixels, at most.
 * @property {string} chosen Name of the layer that is marked.
 * @property {boolean} folds
 * @property {boolean} chooses
 */
/** @typedef {{ fold: string, choose: string }} Answer */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<Answer, Data>} Args */
/**
 * @typedef {object} State
 * @property {string} drawn What is drawn.
 * @property {string} [label]
 * @property {string} here Identity of the node that the keyboard is on.
 * @property {number} scale
 * @property {{ block: string, at: number } | null} wanted What the reader folds or unfolds, and where it stood.
 * @property {SVGElement[]} boxes Of the nodes.
 * @property {number} width Of the window onto the graph.
 * @property {boolean} moved Whether the pointer has moved since it went down.
 * @property {{ x: number, y: number, left: number, top: number } | null} drag Where it began.
 * @property {ResizeObserver} [observer]
 */

const WIDTH = 176, HEIGHT = 46, GAP = 28, LANE = 12, DOWN = 74, EDGE = 26;  // pixels of the drawing
const LEAST = 0.05, MOST = 2, READABLE = 0.62;  // scales

/** @type {(node: Node) => string} */
const identity = (node) => `${node.folded ? 'block' : 'layer'} ${node.name}`;

/**
 * Place the columns; one is narrow if only edges run in it.
 *
 * @param {{ column: number }[]} nodes
 * @param {Edge[]} edges
 * @returns {{ middles: Map<number, number>, width: number }} The middle of each column, and the width of all.
 */
export const columnsOf = (nodes, edges) => {
  const wide = new Set(nodes.map((node) => node.column)), lanes = edges.flatMap(([, , column]) => column ?? []);
  const middles = new Map();
  let width = EDGE - GAP;
  for (const column of [...new Set([...wide, ...lanes])].sort((a, b) => a - b)) {
    const across = wide.has(column) ? WIDTH : LANE;
    middles.set(column, width + GAP + across / 2);
    width += GAP + across;
  }
  return { middles, width: width + EDGE };
};

/** @type {(row: number) => number} */
const topOf = (row) => EDGE + row * DOWN;

/**
 * Draw an edge from the bottom of one node to the top of another, straight or through a lane.
 *
 * @type {(from: { x: number, row: number }, to: { x: number, row: number }, lane?: number) => string} A path of SVG.
 */
export const edgePath = (from, to, lane) => {
  const half = (DOWN - HEIGHT) / 2, start = topOf(from.row) + HEIGHT, end = topOf(to.row) - 5;
  /** @type {(x: number, y: number, toX: number, toY: number) => string} */
  const curve = (x, y, toX, toY) => `C${x} ${y + half} ${toX} ${toY - half} ${toX} ${toY}`;
  if (lane === undefined) return `M${from.x} ${start}${curve(from.x, start, to.x, end)}`;
  const first = topOf(from.row + 1), last = topOf(to.row - 1) + HEIGHT;
  return `M${from.x} ${start}${curve(from.x, start, lane, first)}L${lane} ${last}${curve(lane, last, to.x, end)}`;
};

/**
 * Return the nearest node in the columns to one side, at about the same height.
 *
 * @type {(nodes: Place[], n: number, side: -1 | 1) => number | undefined}
 */
export const beside = (nodes, n, side) => {
  const from = nodes[n];
  const far = (/** @type {number} */ i) =>
    Math.abs(nodes[i].row - from.row) * 2 + Math.abs(nodes[i].column - from.column);
  return nodes.map((_, i) => i)
    .filter((i) => side * (nodes[i].column - from.column) > 0 && Math.abs(nodes[i].row - from.row) < 3)
    .sort((a, b) => far(a) - far(b))[0];
};

/**
 * Return the node that an edge leads to, down or up; past a skip, straight on if it goes straight on.
 *
 * @type {(nodes: Place[], edges: Edge[], n: number, way: 'down' | 'up') => number | undefined}
 */
export const along = (nodes, edges, n, way) => {
  const from = nodes[n];
  const far = (/** @type {number} */ i) =>
    100 * Math.abs(nodes[i].row - from.row) + Math.abs(nodes[i].column - from.column);
  return edges.filter(([source, target]) => (way === 'down' ? source : target) === n)
    .map(([source, target]) => way === 'down' ? target : source)
    .sort((a, b) => far(a) - far(b))[0];
};

/**
 * Return how far to scroll so that a place is seen, with a margin; no further than needed.
 *
 * @param {number} from How far it is scrolled.
 * @param {number} size Of what is seen.
 * @param {number} at The place.
 * @param {number} margin
 */
export const scrolled = (from, size, at, margin) => Math.min(at - margin, Math.max(from, at + margin - size));

/**
 * Add an element of SVG.
 *
 * @type {(tag: string, parent: Element, attributes?: Record<string, unknown>, text?: string) => SVGElement}
 */
const make = (tag, parent, attributes = {}, text = '') => {
  const element = /** @type {SVGElement} */ (document.createElementNS('http://www.w3.org/2000/svg', tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  parent.append(element);
  return element;
};

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { state?: State }} */ (parentElement.querySelector('.graph'));
  const $ = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const stage = $('stage');
  const { nodes, edges, label, folds, chooses } = data;
  /** @type {State} */
  const state = (root.state ??= {
    drawn: '', here: '', scale: 0, wanted: null, boxes: [], width: 0, moved: false, drag: null,
  });
  const { middles, width } = columnsOf(nodes, edges);
  const middle = (/** @type {number} */ column) => /** @type {number} */ (middles.get(column));
  const height = topOf(Math.max(...nodes.map((node) => node.row))) + HEIGHT + EDGE;

  const index = () => Math.max(0, nodes.findIndex((node) => identity(node) === state.here));
  const say = (/** @type {number} */ n) => {
    const node = nodes[n], keys = [];
    if (folds && node.block) keys.push(node.folded ? 'Enter unfolds it.' : `Enter folds ${node.frame}.`);
    if (chooses && !node.folded) keys.push('Space chooses it.');
    $('said').textContent = [node.said, ...keys].join(' ');
  };
  const go = (/** @type {number} */ n, scroll = true) => {
    for (const each of state.boxes) {
      each.setAttribute('tabindex', '-1');
      each.classList.remove('here');
    }
    state.here = identity(nodes[n]);
    state.boxes[n].setAttribute('tabindex', '0');
    state.boxes[n].classList.add('here');
    say(n);
    if (!scroll) return;
    state.boxes[n].focus({ preventScroll: true });
    const x = middle(nodes[n].column) * state.scale, y = (topOf(nodes[n].row) + HEIGHT / 2) * state.scale;
    const { clientWidth: across, clientHeight: down } = stage;
    stage.scrollLeft = scrolled(stage.scrollLeft, across, x, Math.min(across / 2, WIDTH));
    stage.scrollTop = scrolled(stage.scrollTop, down, y, Math.min(down / 2, 1.5 * DOWN));
  };
  const fold = (/** @type {number} */ n) => {
    const node = nodes[n];
    if (!folds || !node.block) return;
    state.wanted = { block: node.block, at: topOf(node.row) * state.scale - stage.scrollTop };
    setTriggerValue('fold', node.block);
  };
  const choose = (/** @type {number} */ n) => {
    if (chooses && !nodes[n].folded) setTriggerValue('choose', nodes[n].name);
  };

  // Drawing ----------------------------------------------------------------------------------------------------------
  const drawFrames = (/** @type {SVGElement} */ frames) => {
    const open = nodes.filter((node) => node.block && !node.folded).map((node) => node.block);
    for (const block of new Set(open)) {
      const members = nodes.map((_, n) => n).filter((n) => nodes[n].block === block && !nodes[n].folded);
      const rows = members.map((n) => nodes[n].row), y = topOf(Math.min(...rows)) - 12;
      const lanes = edges.flatMap(([, to, column]) => column !== null && members.includes(to) ? middle(column) : []);
      const centres = members.map((n) => middle(nodes[n].column));
      const x = Math.min(...centres.map((at) => at - WIDTH / 2), ...lanes) - 9;
      const w = Math.max(...centres.map((at) => at + WIDTH / 2), ...lanes) + 9 - x;
      const h = topOf(Math.max(...rows)) + HEIGHT + 9 - y;
      make('rect', frames, { class: 'frame', x, y, width: w, height: h, rx: 10 });
      const name = `${folds ? '− ' : ''}${nodes[members[0]].frame}`;
      const tab = make('g', frames, { class: folds ? 'tab folds' : 'tab', 'aria-hidden': true });
      make('rect', tab, { x: x + 6, y: y - 11, width: 14 + 6.2 * name.length, height: 19, rx: 5 });
      make('text', tab, { x: x + 13, y: y + 3 }, name);
      tab.onclick = () => fold(members[0]);
    }
  };
  const drawEdges = (/** @type {SVGElement} */ lines) => {
    for (const [from, to, column, skip] of edges) {
      const [start, end] = [from, to].map((n) => ({ x: middle(nodes[n].column), row: nodes[n].row }));
      const d = edgePath(start, end, column === null ? undefined : middle(column)), bottom = topOf(end.row) - 5;
      make('path', lines, { d, class: skip ? 'edge skip' : 'edge' });
      const tip = `M${end.x - 4} ${bottom - 2}L${end.x + 4} ${bottom - 2}L${end.x} ${bottom + 5}Z`;
      make('path', lines, { d: tip, class: 'tip' });
    }
  };
  /** @type {(svg: SVGElement, node: Node) => SVGElement} */
  const drawNode = (svg, node) => {
    const x = middle(node.column) - WIDTH / 2, y = topOf(node.row), unfolds = folds && node.folded;
    const g = make('g', svg, { class: `node ${node.family}`, role: 'button', tabindex: -1, 'aria-label': node.said });
    if (unfolds) g.setAttribute('aria-expanded', 'false');
    make('rect', g, { class: 'box', x, y, width: WIDTH, height: HEIGHT, rx: 7 });
    make('rect', g, { class: 'mark', x: x + 3, y: y + 7, width: 5, height: HEIGHT - 14, rx: 2 });
    make('text', g, { class: 'title', x: x + 14, y: y + 19 }, `${unfolds ? '+ ' : ''}${node.title}`);
    make('text', g, { x: x + 14, y: y + 36 }, node.kind);
    make('text', g, { x: x + WIDTH - 8, y: y + 36, 'text-anchor': 'end' }, node.shape.replaceAll(' ', ''));
    return g;
  };
  const draw = () => {
    stage.replaceChildren();
    const svg = make('svg', stage, { role: 'group', 'aria-label': `${label}: arrow keys move between nodes` });
    drawFrames(make('g', svg));
    drawEdges(make('g', svg, { 'aria-hidden': true }));
    state.boxes = nodes.map((node) => drawNode(svg, node));
    const families = [...new Set(nodes.map((node) => node.family))].filter((family) => family !== 'other');
    $('legend').replaceChildren(...families.map((family) => {
      const item = document.createElement('span');
      item.className = family;
      item.append(document.createElement('i'), family === 'joining' ? 'add / concatenate' : family);
      return item;
    }));
  };

  // Scale ------------------------------------------------------------------------------------------------------------
  const fits = (/** @type {number} */ bound) => Math.min(bound, (stage.clientWidth - 4) / width);
  const stageHeight = () => { stage.style.height = `${Math.min(data.height, height * fits(1) + 4)}px`; };
  const resize = (/** @type {number} */ scale) => {
    state.scale = scale;
    const svg = /** @type {Element} */ (stage.firstElementChild);
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('width', String(width * scale));
    svg.setAttribute('height', String(height * scale));
    stageHeight();
  };
  const zoom = (/** @type {number} */ wanted) => {  // a node that is seen stays there; another comes to the middle
    const scale = Math.max(LEAST, Math.min(MOST, wanted));
    const node = nodes[index()], x = middle(node.column), y = topOf(node.row) + HEIGHT / 2;
    const { clientWidth: across, clientHeight: down } = stage;
    const left = x * state.scale - stage.scrollLeft, top = y * state.scale - stage.scrollTop;
    const inside = state.scale > 0 && left >= 0 && left <= across && top >= 0 && top <= down;
    resize(scale);
    stage.scrollLeft = x * scale - (inside ? left : across / 2);
    stage.scrollTop = y * scale - (inside ? top : down / 2);
  };
  const fit = () => {
    stageHeight();
    zoom(Math.min(fits(1), (stage.clientHeight - 4) / height));
  };
  const begin = () => {
    resize(Math.max(READABLE, fits(1)));
    stage.scrollLeft = middle(0) * state.scale - stage.clientWidth / 2;
  };

  // What is new ------------------------------------------------------------------------------------------------------
  const fresh = JSON.stringify([label, nodes.map(identity), folds]);
  if (state.drawn === fresh) say(index());
  else {
    const again = state.label === label, wanted = again ? state.wanted : null;
    const focused = root.contains(/** @type {Document | ShadowRoot} */ (root.getRootNode()).activeElement);
    Object.assign(state, { drawn: fresh, label, wanted: null });
    draw();
    if (wanted) {  // the block's first layer, or the block: where the reader is stays where it was
      const n = Math.max(0, nodes.findIndex((node) => node.block === wanted.block));
      resize(state.scale);
      stage.scrollTop = topOf(nodes[n].row) * state.scale - wanted.at;
      go(n);
    } else {
      const n = again ? index() : 0;
      if (again) resize(state.scale);
      else {
        stage.scrollTop = 0;
        begin();
      }
      go(n, false);
      if (focused) state.boxes[n].focus({ preventScroll: true });
    }
  }

  // Moving -----------------------------------------------------------------------------------------------------------
  nodes.forEach((node, n) => {
    const box = state.boxes[n];
    box.classList.toggle('chosen', !node.folded && node.name === data.chosen);
    box.onclick = () => {
      if (state.moved) return;
      go(n);
      if (node.folded) fold(n);
      else choose(n);
    };
    box.onfocus = () => { if (state.here !== identity(node)) go(n, false); };
  });
  root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const n = index(), onNode = event.target instanceof Element && event.target.closest('.node');
    /** @type {Record<string, () => number | undefined>} */
    const moves = {
      ArrowDown: () => along(nodes, edges, n, 'down'), ArrowUp: () => along(nodes, edges, n, 'up'),
      ArrowLeft: () => beside(nodes, n, -1), ArrowRight: () => beside(nodes, n, 1),
      Home: () => 0, End: () => nodes.length - 1,
    };
    const closer = () => zoom(state.scale * 1.25);
    /** @type {Record<string, () => void>} */
    const acts = { '+': closer, '=': closer, '-': () => zoom(state.scale / 1.25), 0: fit };
    if (onNode) Object.assign(acts, { Enter: () => fold(n), ' ': () => choose(n) });
    if (onNode && moves[event.key]) {
      const to = moves[event.key]();
      if (to !== undefined) go(to);
    } else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  };
  $('in').onclick = () => zoom(state.scale * 1.25);
  $('out').onclick = () => zoom(state.scale / 1.25);
  $('fit').onclick = fit;
  const release = () => {
    state.drag = null;
    stage.classList.remove('dragged');
  };
  stage.onpointerdown = (event) => {  // a finger scrolls by itself
    state.moved = false;
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    state.drag = { x: event.clientX, y: event.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  };
  stage.onpointermove = (event) => {
    if (!state.drag) return;
    const { x, y, left, top } = state.drag;
    if (!event.buttons) release();
    if (!event.buttons || Math.hypot(event.clientX - x, event.clientY - y) < 5 && !state.moved) return;
    state.moved = true;
    stage.classList.add('dragged');
    stage.scrollLeft = left + x - event.clientX;
    stage.scrollTop = top + y - event.clientY;
  };
  stage.onpointerup = release;
  state.observer?.disconnect();
  state.width = stage.clientWidth;
  state.observer = new ResizeObserver(() => {
    if (stage.clientWidth === state.width || !stage.firstElementChild) return;
    const before = state.width;
    state.width = stage.clientWidth;
    if (before && state.scale) resize(state.scale);
    else begin();
  });
  state.observer.observe(stage);
}
