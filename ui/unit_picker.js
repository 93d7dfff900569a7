// Left the picture with the field of one unit, right the units. What a unit sees comes from Python as a list of
// intervals. State lives on the host element, since this function runs again on every change of data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.picker');
  const $ = (name) => root.querySelector('.' + name);
  const { intervals, size, layer } = data;
  const count = intervals.length, clamp = (n) => Math.max(0, Math.min(count - 1, n));
  const state = (root.state ??= { unit: [0, 0], given: '', timer: null, image: null });
  const given = JSON.stringify([layer, count, data.unit]);
  if (given !== state.given && !state.timer) state.unit = data.unit;  // what is being moved is not overwritten
  state.given = given;
  state.unit = state.unit.map(clamp);

  const style = getComputedStyle(root);
  const colour = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const ink = colour('--st-text-color', '#172033'), ground = colour('--st-secondary-background-color', '#F1F4F9');
  const line = colour('--st-border-color', '#C9D1DE'), accent = '#D9730D';
  const MARGIN = 0.1;  // of the side: room for what lies beyond the border

  const prepare = (name) => {
    const canvas = $(name), side = Math.floor(Math.max(120, Math.min(420, canvas.parentElement.clientWidth)));
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.height = side * ratio;
    canvas.style.width = canvas.style.height = side + 'px';
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    return [g, side];
  };
  const share = (i) => {  // of the field along one axis that lies in the picture
    const [first, last, from, to] = intervals[i];
    return from === null ? 0 : (to - from + 1) / (last - first + 1);
  };

  const drawSeen = () => {
    const [g, side] = prepare('seen'), edge = side * MARGIN / (1 + 2 * MARGIN), scale = (side - 2 * edge) / size;
    state.scale = scale; state.edge = edge;
    g.fillStyle = ground; g.fillRect(0, 0, side, side);
    g.strokeStyle = line; g.lineWidth = 1;
    for (let d = -side; d < side; d += 9) { g.beginPath(); g.moveTo(d, 0); g.lineTo(d + side, side); g.stroke(); }
    g.imageSmoothingEnabled = scale < 2;
    if (state.image?.complete) g.drawImage(state.image, edge, edge, size * scale, size * scale);
    const [rows, columns] = state.unit.map((i) => intervals[i]);
    const place = (pixel) => edge + pixel * scale;
    const box = (a, b, c, d) => [place(c), place(a), (d - c + 1) * scale, (b - a + 1) * scale];
    if (rows[2] !== null && columns[2] !== null) {
      const inside = box(rows[2], rows[3], columns[2], columns[3]);
      g.fillStyle = 'rgba(8,12,20,0.5)';
      g.beginPath(); g.rect(edge, edge, size * scale, size * scale); g.rect(...inside); g.fill('evenodd');
      g.lineWidth = 3; g.strokeStyle = accent; g.strokeRect(...inside);
    }
    g.lineWidth = 1.5; g.strokeStyle = ink; g.setLineDash([5, 4]);
    g.strokeRect(...box(rows[0], rows[1], columns[0], columns[1]));
    g.setLineDash([]);
  };

  const drawUnits = () => {
    const [g, side] = prepare('units'), cell = side / count;
    state.cell = cell;
    g.fillStyle = ground; g.fillRect(0, 0, side, side);
    if (count <= 64) for (let r = 0; r < count; r++) for (let c = 0; c < count; c++) {
      g.fillStyle = ink; g.globalAlpha = 0.6 * (1 - share(r) * share(c));
      g.fillRect(c * cell, r * cell, cell, cell);
    }
    g.globalAlpha = 1; g.strokeStyle = line; g.lineWidth = 1;
    if (cell >= 4) for (let n = 0; n <= count; n++) {
      const at = Math.min(side - 0.5, n * cell + 0.5);
      g.beginPath(); g.moveTo(at, 0); g.lineTo(at, side); g.moveTo(0, at); g.lineTo(side, at); g.stroke();
    }
    g.strokeRect(0.5, 0.5, side - 1, side - 1);
    const [r, c] = state.unit, shown = Math.max(cell, 6), from = (n) => Math.min(side - shown, Math.max(0, (n + 0.5) * cell - shown / 2));
    g.fillStyle = accent; g.fillRect(from(c), from(r), shown, shown);
  };

  const draw = () => {
    drawSeen(); drawUnits();
    const [r, c] = state.unit, rows = intervals[r], columns = intervals[c];
    const inside = share(r) * share(c), padding = 100 * (1 - inside);
    const percent = padding > 0 && padding < 1 ? 'less than 1' : padding > 99 && padding < 100 ? 'more than 99' : Math.round(padding);
    const sees = inside ? `sees rows ${rows[2]}–${rows[3]}, columns ${columns[2]}–${columns[3]}; ${percent} % of its field is padding.` : 'sees nothing but padding.';
    $('said').textContent = `Unit (${r}, ${c}) of ${layer} ${sees}`;
    $('seen').setAttribute('aria-label', $('said').textContent);
    $('units').setAttribute('aria-label', `${count} × ${count} units of ${layer}; row ${r}, column ${c} is chosen`);
    $('title').textContent = `Units of ${layer}`;
    $('seensize').textContent = `${size} × ${size}`;
    $('mapsize').textContent = `${count} × ${count}`;
  };
  const move = (r, c) => {
    const to = [clamp(r), clamp(c)];
    if (to[0] === state.unit[0] && to[1] === state.unit[1]) return;
    state.unit = to;
    draw();
    clearTimeout(state.timer);
    state.timer = setTimeout(() => { state.timer = null; setTriggerValue('unit', state.unit); }, 250);
  };

  root.onkeydown = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(state.unit[0] + step[0], state.unit[1] + step[1]);
  };
  const nearest = (pixel) => {  // the unit whose field's middle is nearest
    let best = 0;
    const off = (i) => Math.abs((intervals[i][0] + intervals[i][1]) / 2 - pixel);
    for (let i = 1; i < count; i++) if (off(i) < off(best)) best = i;
    return best;
  };
  const pick = (to) => (event) => {
    if (event.type === 'pointermove' && !event.buttons) return;
    const box = event.currentTarget.getBoundingClientRect();
    move(to(event.clientY - box.top), to(event.clientX - box.left));
  };
  const unitAt = (at) => Math.floor(at / state.cell), unitNear = (at) => nearest((at - state.edge) / state.scale - 0.5);
  $('units').onpointerdown = $('units').onpointermove = pick(unitAt);
  $('seen').onpointerdown = $('seen').onpointermove = pick(unitNear);

  if (state.image?.src !== data.picture) {
    state.image = new Image();
    state.image.onload = () => state.draw();
    state.image.src = data.picture;
  }
  state.draw = draw;
  state.observer?.disconnect();
  state.observer = new ResizeObserver(() => draw());
  state.observer.observe(root);
  draw();
}
