// Windows over a line or a square of cells. What each of them reads comes from Python; here it is drawn and moved, so
// that a step needs no round trip. State lives on the host element: this function runs again on every change of data.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.player');
  const $ = (name) => root.querySelector('.' + name);
  const { line, windows, reads, before, after } = data;
  const flat = data.dimensions === 1, length = line.length, count = windows.length;
  const rows = flat ? 1 : count;
  const state = (root.state ??= { i: 0, j: 0, y: null, x: null, timer: null, frame: null });
  const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
  state.i = clamp(state.i, 0, rows - 1);
  state.j = clamp(state.j, 0, count - 1);
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const span = windows[0].at(-1) - windows[0][0] + 1;
  const step = count > 1 ? windows[1][0] - windows[0][0] : 1;
  const most = Math.max(1, ...reads) ** data.dimensions;
  const size = (n) => flat ? `${n}` : `${n} × ${n}`;

  const style = getComputedStyle(root);
  const ink = style.getPropertyValue('--st-text-color').trim() || '#172033';
  const paper = style.getPropertyValue('--st-background-color').trim() || '#fff';
  const blue = '59, 130, 246', green = '#2E9E6B', orange = '#D9730D', red = '#C2344F';

  // Drawing ----------------------------------------------------------------------------------------------------------
  const prepare = (canvas, width, height) => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.ceil(width * ratio); canvas.height = Math.ceil(height * ratio);
    canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    g.textAlign = 'center'; g.textBaseline = 'middle';
    return g;
  };
  const stripes = (g, x, y, s, gap, both) => {
    g.save();
    g.beginPath(); g.rect(x, y, s, s); g.clip(); g.beginPath();
    for (let d = -s; d < s; d += gap) {
      g.moveTo(x + d, y + s); g.lineTo(x + d + s, y);
      if (both) { g.moveTo(x + d, y); g.lineTo(x + d + s, y + s); }
    }
    g.stroke();
    g.restore();
  };
  const write = (g, text, x, y, s) => {
    const pixels = clamp(s * 0.42, 0, 15);
    if (pixels < 7) return;
    g.fillStyle = ink;
    g.font = `${pixels}px system-ui, sans-serif`;
    g.fillText(text, x + s / 2, y + s / 2 + 1, s - 2);
  };
  const inputCell = (g, x, y, s, zero, times, label) => {
    const box = Math.max(1, s - 1);
    g.lineWidth = 1;
    if (zero) {
      g.strokeStyle = ink;
      g.globalAlpha = 0.3;
      stripes(g, x, y, box, Math.max(4, s / 4), false);
      g.setLineDash([2, 2]); g.strokeRect(x + 0.5, y + 0.5, box - 1, box - 1); g.setLineDash([]);
      g.globalAlpha = 1;
    } else {
      g.fillStyle = `rgba(${blue}, ${times ? 0.3 : 0.08})`;
      g.fillRect(x, y, box, box);
    }
    if (!times) {
      g.strokeStyle = red; g.lineWidth = zero ? 1 : 2;
      stripes(g, x, y, box, Math.max(5, s / 3), true);
    }
    if (!zero && times) write(g, label, x, y, s);
  };
  const heatCell = (g, x, y, s, times) => {
    const strength = 0.85 * times / most;
    g.fillStyle = paper; g.fillRect(x, y, s - 1, s - 1);
    g.fillStyle = `rgba(${blue}, ${strength})`; g.fillRect(x, y, s - 1, s - 1);
    g.strokeStyle = ink; g.globalAlpha = 0.15; g.lineWidth = 1; g.strokeRect(x + 0.5, y + 0.5, s - 2, s - 2); g.globalAlpha = 1;
    write(g, String(times), x, y, s);
  };
  const outputCell = (g, x, y, s, label, here) => {
    g.fillStyle = green; g.globalAlpha = here ? 0.75 : 0.25; g.fillRect(x, y, s - 1, s - 1); g.globalAlpha = 1;
    if (here) { g.strokeStyle = orange; g.lineWidth = 3; g.strokeRect(x + 1.5, y + 1.5, Math.max(1, s - 4), Math.max(1, s - 4)); }
    write(g, label, x, y, s);
  };
  const available = (canvas) => Math.max(150, canvas.parentElement.clientWidth);

  // (y, x): where the window is drawn, in cells; between two places while it glides from one to the other.
  const drawLine = (x) => {
    const canvas = $('input'), s = Math.min(52, available(canvas) / length), strip = Math.max(12, Math.min(26, s));
    const top = 6, counts = top + s + 6, outputs = counts + strip + 50;
    const g = prepare(canvas, s * length, outputs + s + 4);
    line.forEach((cell, at) => inputCell(g, at * s, top, s, cell === null, reads[at], cell));
    line.forEach((cell, at) => {
      if (cell === null) return;
      g.fillStyle = `rgba(${blue}, ${0.85 * reads[at] / most})`;
      g.fillRect(at * s, counts, Math.max(1, s - 1), strip);
      if (s >= 12) write(g, String(reads[at]), at * s + (s - strip) / 2, counts, strip);
    });
    const centre = (j) => (windows[j][0] + span / 2 - 0.5) * s;
    g.strokeStyle = orange; g.lineWidth = 1.5; g.globalAlpha = 0.8; g.beginPath();
    for (const at of windows[state.j]) {
      g.moveTo((at - windows[state.j][0] + x + 0.5) * s, counts + strip + 2);
      g.lineTo((x + span / 2) * s, outputs - 2);
    }
    g.stroke(); g.globalAlpha = 1;
    const fitted = Math.min(s, s * step);
    windows.forEach((_, j) => outputCell(g, centre(j) + (s - fitted) / 2, outputs, fitted, j, j === state.j));
    frame(g, s, [0], x, top);
    state.views = { input: s };
  };
  const frame = (g, s, downs, x, top = 0, y = 0) => {
    const cells = windows[state.j].map((at) => at - windows[state.j][0]);
    g.strokeStyle = orange; g.lineWidth = 2;
    if (cells.length < span) for (const a of downs) for (const b of cells) {
      g.strokeRect((x + b) * s + 1.5, top + (y + a) * s + 1.5, Math.max(1, s - 4), Math.max(1, s - 4));
    }
    g.lineWidth = 3;
    g.strokeRect(x * s + 1, top + y * s + 1, span * s - 3, (flat ? 1 : span) * s - 3);
  };
  const drawSquare = (y, x) => {
    const canvas = $('input'), s = Math.min(44, Math.min(available(canvas), 560) / length);
    const g = prepare(canvas, s * length, s * length);
    line.forEach((down, r) => line.forEach((right, c) => {
      inputCell(g, c * s, r * s, s, down === null || right === null, reads[r] * reads[c], s > 30 ? `${down},${right}` : '');
    }));
    frame(g, s, windows[state.i].map((at) => at - windows[state.i][0]), x, 0, y);
    const output = $('output'), t = Math.min(44, Math.min(available(output), 260) / count);
    const h = prepare(output, t * count, t * count);
    windows.forEach((_, i) => windows.forEach((__, j) => {
      outputCell(h, j * t, i * t, t, t > 30 ? `${i},${j}` : '', i === state.i && j === state.j);
    }));
    const cells = line.map((cell, at) => [cell, at]).filter(([cell]) => cell !== null).map(([, at]) => at);
    const heat = $('heat'), u = Math.min(30, Math.min(available(heat), 260) / cells.length);
    const k = prepare(heat, u * cells.length, u * cells.length);
    cells.forEach((a, r) => cells.forEach((b, c) => heatCell(k, c * u, r * u, u, reads[a] * reads[b])));
    state.views = { input: s, output: t };
  };
  const place = () => [flat ? 0 : windows[state.i][0], windows[state.j][0]];
  const paint = () => (flat ? drawLine(state.x) : drawSquare(state.y, state.x));
  const draw = (glide = false) => {
    cancelAnimationFrame(state.frame);
    const [toY, toX] = place(), fromY = state.y ?? toY, fromX = state.x ?? toX, start = performance.now();
    const tick = (now) => {
      const t = glide && !still ? clamp((now - start) / 140, 0, 1) : 1, eased = t * (2 - t);
      state.y = fromY + (toY - fromY) * eased;
      state.x = fromX + (toX - fromX) * eased;
      paint();
      if (t < 1) state.frame = requestAnimationFrame(tick);
    };
    tick(start);
    say();
  };

  // Words ------------------------------------------------------------------------------------------------------------
  const kind = (at) => line[at] !== null ? 'cell' : at < before || at >= length - after ? 'padding' : 'zero';
  const list = (j) => {
    const parts = [];
    for (const at of windows[j]) {
      const what = kind(at), last = parts.at(-1);
      if (last?.what === what) last.cells.push(line[at]);
      else parts.push({ what, cells: [line[at]] });
    }
    return parts.map(({ what, cells }) => what === 'cell' ? cells.join(', ') : cells.length > 1 ? `${cells.length} × ${what}` : what).join(', ');
  };
  const tally = (j, what) => windows[j].filter((at) => kind(at) === what).length;
  const say = () => {
    const { i, j } = state;
    $('said').setAttribute('aria-live', state.timer ? 'off' : 'polite');
    if (flat) $('said').textContent = `Output ${j} is written from input ${list(j)}.`;
    else {
      const all = windows[i].length * windows[j].length, inside = tally(i, 'cell') * tally(j, 'cell');
      const inner = (windows[i].length - tally(i, 'padding')) * (windows[j].length - tally(j, 'padding'));
      $('said').textContent = `Output (${i}, ${j}) is written from rows ${list(i)} and columns ${list(j)}: ${inside} input cell${inside === 1 ? '' : 's'}`
        + (inner > inside ? `, ${inner - inside} inserted zero${inner - inside === 1 ? '' : 's'}` : '') + (all > inner ? `, ${all - inner} of padding` : '') + '.';
    }
    $('position').textContent = `Window ${i * count + j + 1} of ${rows * count}`;
  };
  const gaps = line.slice(before, length - after).includes(null);
  $('inputsize').textContent = `Input: ${size(line.filter((cell) => cell !== null).length)}`
    + (gaps ? ', stretched' : '') + (before + after ? `${gaps ? ' and' : ','} padded` : '') + (gaps || before + after ? ` to ${size(length)}` : '')
    + (flat ? `. Below: how often each cell is read, and the ${count} output${count === 1 ? '' : 's'}` : '');
  $('outputsize').textContent = `Output: ${size(count)}`;
  $('zeros').hidden = !(gaps || before + after);
  $('zeros').querySelector('span').textContent = gaps && before + after ? 'padding, inserted zeros' : gaps ? 'inserted zeros' : 'padding';
  $('lost').hidden = !reads.includes(0);
  $('second').hidden = flat;
  $('panels').classList.toggle('two', !flat);
  $('input').classList.toggle('line', flat);

  // Moving -----------------------------------------------------------------------------------------------------------
  const to = (i, j, glide = true) => {
    i = clamp(i, 0, rows - 1); j = clamp(j, 0, count - 1);
    if (i === state.i && j === state.j) return;
    state.i = i; state.j = j;
    draw(glide);
  };
  const go = (n) => { n = (n + rows * count) % (rows * count); to(Math.floor(n / count), n % count); };
  const here = () => state.i * count + state.j;
  const pause = () => { clearInterval(state.timer); state.timer = null; $('play').textContent = 'Play'; say(); };
  const play = () => {
    if (state.timer) return pause();
    $('play').textContent = 'Pause';
    state.timer = setInterval(() => (root.isConnected ? go(here() + 1) : clearInterval(state.timer)), 1000 / Number($('speed').value));
    say();
  };
  $('back').onclick = () => go(here() - 1);
  $('next').onclick = () => go(here() + 1);
  $('play').onclick = play;
  $('speed').onchange = () => { if (state.timer) { pause(); play(); } };
  root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
    const { i, j } = state;
    const action = {
      ArrowRight: () => to(i, j + 1), ArrowLeft: () => to(i, j - 1), Home: () => to(0, 0), End: () => to(rows - 1, count - 1),
      ...(flat ? {} : { ArrowDown: () => to(i + 1, j), ArrowUp: () => to(i - 1, j) }),
      ...(event.target === root ? { ' ': play } : {}),  // on a button, space presses it
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const nearest = (cell) => Math.round((cell - span / 2 - windows[0][0]) / step);
  const drag = (name) => {
    const canvas = $(name);
    const follow = (event) => {
      const box = canvas.getBoundingClientRect(), s = state.views[name];
      const y = (event.clientY - box.top) / s, x = (event.clientX - box.left) / s;
      if (name === 'output') to(Math.floor(y), Math.floor(x), false);
      else to(flat ? 0 : nearest(y), nearest(x), false);
    };
    canvas.onpointerdown = (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId); canvas.classList.add('held');
      if (state.timer) pause();
      follow(event);
    };
    canvas.onpointermove = (event) => { if (canvas.hasPointerCapture(event.pointerId)) follow(event); };
    canvas.onpointerup = canvas.onpointercancel = () => canvas.classList.remove('held');
  };
  drag('input'); drag('output');
  state.observer?.disconnect();
  state.observer = new ResizeObserver(() => paint());
  state.x = state.y = null;
  if (state.timer) { pause(); play(); }
  draw();
  state.observer.observe(root);
}
