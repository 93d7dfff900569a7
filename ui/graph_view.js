// Cells come from Python; here they become boxes and curves in a scrolled SVG. State lives on the host element, since
// this function runs again on every change of data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.graph');
  const $ = (name) => root.querySelector('.' + name);
  const { nodes, edges, folds, chooses } = data;
  const WIDTH = 176, HEIGHT = 46, GAP = 28, LANE = 12, DOWN = 74, EDGE = 26, LEAST = 0.05, MOST = 2;
  const state = (root.state ??= { drawn: '', here: '', scale: 0, wanted: null });
  const stage = $('stage'), identity = (node) => (node.folded ? 'block ' : 'layer ') + node.name;
  const make = (tag, parent, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  };

  // Geometry: the middle of a column, which is narrow if only edges run in it, and the top of a row.
  const wide = new Set(nodes.map((n) => n.column)), lanes = edges.map((e) => e[2]).filter((c) => c !== null);
  const middles = new Map();
  let width = EDGE - GAP;
  for (const column of [...new Set([...wide, ...lanes])].sort((a, b) => a - b)) {
    const across = wide.has(column) ? WIDTH : LANE;
    middles.set(column, width + GAP + across / 2);
    width += GAP + across;
  }
  width += EDGE;
  const middle = (column) => middles.get(column), top = (row) => EDGE + row * DOWN;
  const height = 2 * EDGE + Math.max(...nodes.map((n) => n.row)) * DOWN + HEIGHT;

  const index = () => Math.max(0, nodes.findIndex((n) => identity(n) === state.here));
  const box = (n) => state.boxes[n];
  const say = (n) => {
    const node = nodes[n], keys = [];
    if (folds && node.block) keys.push(node.folded ? 'Enter unfolds it.' : `Enter folds ${node.block}.`);
    if (chooses && !node.folded) keys.push('Space chooses it.');
    $('said').textContent = `${node.said} ${keys.join(' ')}`;
  };
  const go = (n, scroll = true) => {
    for (const each of state.boxes) { each.tabIndex = -1; each.classList.remove('here'); }
    state.here = identity(nodes[n]);
    box(n).tabIndex = 0; box(n).classList.add('here');
    say(n);
    if (!scroll) return;
    box(n).focus({ preventScroll: true });
    const x = middle(nodes[n].column) * state.scale, y = (top(nodes[n].row) + HEIGHT / 2) * state.scale;
    const keep = (from, size, at, margin) => Math.min(at - margin, Math.max(from, at + margin - size));
    stage.scrollLeft = keep(stage.scrollLeft, stage.clientWidth, x, Math.min(stage.clientWidth / 2, WIDTH));
    stage.scrollTop = keep(stage.scrollTop, stage.clientHeight, y, Math.min(stage.clientHeight / 2, 1.5 * DOWN));
  };
  const fold = (n) => {
    const node = nodes[n];
    if (!folds || !node.block) return;
    const at = top(node.row) * state.scale - stage.scrollTop;
    state.wanted = { block: node.block, unfolded: node.folded, at };
    setTriggerValue('fold', node.block);
  };
  const choose = (n) => { if (chooses && !nodes[n].folded) setTriggerValue('choose', nodes[n].name); };

  const draw = () => {
    stage.replaceChildren();
    const svg = make('svg', stage, { role: 'group', 'aria-label': `${data.label}: arrow keys move between nodes` });
    const frames = make('g', svg, {}), lines = make('g', svg, { 'aria-hidden': 'true' });
    const open = new Map();
    nodes.forEach((node, n) => {
      if (node.block && !node.folded) open.set(node.block, [...(open.get(node.block) ?? []), n]);
    });
    for (const [block, members] of open) {
      const rows = members.map((n) => nodes[n].row), y = top(Math.min(...rows)) - 12, h = top(Math.max(...rows)) + HEIGHT + 9 - y;
      const mine = edges.filter((e) => e[2] !== null && members.includes(e[1])).map((e) => middle(e[2]));
      const sides = [...members.flatMap((n) => [-1, 1].map((side) => middle(nodes[n].column) + side * WIDTH / 2)), ...mine];
      const x = Math.min(...sides) - 9, w = Math.max(...sides) + 9 - x;
      make('rect', frames, { class: 'frame', x, y, width: w, height: h, rx: 10 });
      const name = (folds ? '− ' : '') + block, long = 14 + 6.2 * name.length;
      const tab = make('g', frames, { class: folds ? 'tab folds' : 'tab', 'aria-hidden': 'true' });
      make('rect', tab, { x: x + 6, y: y - 11, width: long, height: 19, rx: 5 });
      make('text', tab, { x: x + 13, y: y + 3 }, name);
      if (folds) tab.onclick = () => fold(members[0]);
    }
    for (const [from, to, column, skip] of edges) {
      const x = middle(nodes[from].column), y = top(nodes[from].row) + HEIGHT, half = (DOWN - HEIGHT) / 2;
      const end = middle(nodes[to].column), bottom = top(nodes[to].row) - 5;
      let path = `M${x} ${y}`;
      if (column === null) path += `C${x} ${y + half} ${end} ${bottom - half} ${end} ${bottom}`;
      else {
        const lane = middle(column), first = top(nodes[from].row + 1), last = top(nodes[to].row - 1) + HEIGHT;
        path += `C${x} ${y + half} ${lane} ${first - half} ${lane} ${first}L${lane} ${last}`;
        path += `C${lane} ${last + half} ${end} ${bottom - half} ${end} ${bottom}`;
      }
      make('path', lines, { d: path, class: skip ? 'edge skip' : 'edge' });
      make('path', lines, { d: `M${end - 4} ${bottom - 2}L${end + 4} ${bottom - 2}L${end} ${bottom + 5}Z`, class: 'tip' });
    }
    state.boxes = nodes.map((node, n) => {
      const x = middle(node.column) - WIDTH / 2, y = top(node.row);
      const g = make('g', svg, { class: `node ${node.family}`, role: 'button', tabindex: -1, 'aria-label': node.said });
      if (folds && node.folded) g.setAttribute('aria-expanded', 'false');
      make('rect', g, { class: 'box', x, y, width: WIDTH, height: HEIGHT, rx: 7 });
      make('rect', g, { class: 'mark', x: x + 3, y: y + 7, width: 5, height: HEIGHT - 14, rx: 2 });
      make('text', g, { class: 'title', x: x + 14, y: y + 19 }, (folds && node.folded ? '+ ' : '') + node.title);
      make('text', g, { x: x + 14, y: y + 36 }, node.kind);
      make('text', g, { x: x + WIDTH - 8, y: y + 36, 'text-anchor': 'end' }, node.shape.replaceAll(' ', ''));
      g.onclick = () => {
        if (state.moved) return;
        go(n);
        if (node.folded) fold(n); else choose(n);
      };
      g.onfocus = () => { if (state.here !== identity(node)) go(n, false); };
      return g;
    });
    const families = [...new Set(nodes.map((n) => n.family))].filter((f) => f !== 'other');
    $('legend').replaceChildren(...families.map((family) => {
      const item = document.createElement('span'), patch = document.createElement('i');
      item.className = family;
      item.append(patch, family);
      return item;
    }));
  };

  const fits = (bound) => Math.min(bound, (stage.clientWidth - 4) / width);
  const zoom = (scale) => {
    scale = Math.max(LEAST, Math.min(MOST, scale));
    const n = index(), x = middle(nodes[n].column), y = top(nodes[n].row) + HEIGHT / 2;
    const seen = [x * state.scale - stage.scrollLeft, y * state.scale - stage.scrollTop];
    const size = [stage.clientWidth, stage.clientHeight];
    const inside = state.scale && seen.every((at, i) => at >= 0 && at <= size[i]);
    resize(scale);
    stage.scrollLeft = x * scale - (inside ? seen[0] : size[0] / 2);
    stage.scrollTop = y * scale - (inside ? seen[1] : size[1] / 2);
  };
  const resize = (scale) => {
    state.scale = scale;
    const svg = stage.firstElementChild;
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('width', width * scale); svg.setAttribute('height', height * scale);
    stage.style.height = Math.min(data.height, height * fits(1) + 4) + 'px';
  };
  const fit = () => {
    stage.style.height = Math.min(data.height, height * fits(1) + 4) + 'px';
    zoom(Math.min(fits(1), (stage.clientHeight - 4) / height));
  };

  const fresh = JSON.stringify([data.label, nodes.map(identity), data.folds]);
  if (state.drawn !== fresh) {
    const again = state.label === data.label, wanted = again ? state.wanted : null, focused = root.contains(root.getRootNode().activeElement);
    state.drawn = fresh; state.label = data.label; state.wanted = null;
    draw();
    if (wanted) {  // the block's first layer, or the block: where the reader is stays where it was
      const n = Math.max(0, nodes.findIndex((node) => node.block === wanted.block && node.folded !== wanted.unfolded));
      resize(state.scale);
      stage.scrollTop = top(nodes[n].row) * state.scale - wanted.at;
      go(n, true);
    } else {
      const n = again ? index() : 0;
      resize(again ? state.scale : Math.max(0.62, fits(1)));
      go(n, false);
      if (!again) { stage.scrollTop = 0; stage.scrollLeft = middle(0) * state.scale - stage.clientWidth / 2; }
      if (focused) box(n).focus({ preventScroll: true });
    }
  } else say(index());
  nodes.forEach((node, n) => box(n).classList.toggle('chosen', !node.folded && node.name === data.chosen));

  const beside = (n, sign) => {  // the nearest in the next columns, at about the same height
    const from = nodes[n], far = (each) => Math.abs(each.row - from.row) * 2 + Math.abs(each.column - from.column);
    const found = nodes.map((each, i) => [far(each), i]).filter(([, i]) => sign * (nodes[i].column - from.column) > 0 && Math.abs(nodes[i].row - from.row) < 3);
    return found.sort((a, b) => a[0] - b[0])[0]?.[1];
  };
  const along = (n, own, other) => {  // an edge down or up; past a skip, straight on if it goes straight on
    const found = edges.filter((edge) => edge[own] === n);
    const cost = (edge) => 100 * Math.abs(nodes[edge[other]].row - nodes[n].row) + Math.abs(nodes[edge[other]].column - nodes[n].column);
    return found.sort((a, b) => cost(a) - cost(b))[0]?.[other];
  };
  root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onNode = event.target.closest?.('.node');
    const n = index(), moves = {
      ArrowDown: () => along(n, 0, 1), ArrowUp: () => along(n, 1, 0), ArrowLeft: () => beside(n, -1),
      ArrowRight: () => beside(n, 1), Home: () => 0, End: () => nodes.length - 1,
    };
    const acts = { '+': () => zoom(state.scale * 1.25), '=': () => zoom(state.scale * 1.25), '-': () => zoom(state.scale / 1.25), 0: fit };
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
  stage.onpointerdown = (event) => {  // a finger scrolls by itself
    state.moved = false;
    if (event.pointerType === 'mouse' && event.button === 0) state.drag = [event.clientX, event.clientY, stage.scrollLeft, stage.scrollTop];
  };
  stage.onpointermove = (event) => {
    if (!state.drag) return;
    if (!event.buttons) { stage.onpointerup(); return; }
    const [x, y, left, up] = state.drag;
    if (Math.hypot(event.clientX - x, event.clientY - y) < 5 && !state.moved) return;
    state.moved = true;
    stage.classList.add('dragged');
    stage.scrollLeft = left + x - event.clientX; stage.scrollTop = up + y - event.clientY;
  };
  stage.onpointerup = () => { state.drag = null; stage.classList.remove('dragged'); };
  state.observer?.disconnect();
  state.width = stage.clientWidth;
  state.observer = new ResizeObserver(() => {
    if (stage.clientWidth === state.width || !stage.firstElementChild) return;
    const before = state.width;
    state.width = stage.clientWidth;
    if (!before || !state.scale) { resize(Math.max(0.62, fits(1))); stage.scrollLeft = middle(0) * state.scale - stage.clientWidth / 2; }
    else resize(state.scale);
  });
  state.observer.observe(stage);
}
