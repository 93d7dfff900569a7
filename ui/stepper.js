// One window at a time: input, the window's cells, the output. Everything is computed here, so that a step needs no
// round trip to the server. State lives on the host element, since this function runs again on every change of data.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.stepper');
  const $ = (name) => root.querySelector('.' + name);
  const raw = atob(data.values);
  const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
  const image = new Float32Array(bytes.buffer);
  const { width, height, kernel, stride, dilation, mode } = data;
  const [top, left, bottom, right] = data.pad;
  const kh = data.window[0], kw = data.window[1];
  const spanH = (kh - 1) * dilation + 1, spanW = (kw - 1) * dilation + 1;
  const fullH = height + top + bottom, fullW = width + left + right;
  const outH = Math.floor((fullH - spanH) / stride) + 1, outW = Math.floor((fullW - spanW) / stride) + 1;
  const state = (root.state ??= { i: 0, j: 0, timer: null });
  state.i = Math.min(state.i, outH - 1);
  state.j = Math.min(state.j, outW - 1);

  const isPad = (y, x) => y < top || y >= top + height || x < left || x >= left + width;
  const mirror = (n, size) => { if (size === 1) return 0; const p = 2 * (size - 1); n = ((n % p) + p) % p; return n < size ? n : p - n; };
  const at = (y, x) => {
    let r = y - top, c = x - left;
    if (isPad(y, x)) {
      if (data.edge !== 'reflect') return mode === 'max' ? -Infinity : 0;
      r = mirror(r, height); c = mirror(c, width);
    }
    return image[r * width + c];
  };
  const cells = (i, j) => {
    const found = [];
    for (let a = 0; a < kh; a++) for (let b = 0; b < kw; b++) {
      const y = i * stride + a * dilation, x = j * stride + b * dilation;
      found.push({ a, b, y, x, value: at(y, x), pad: isPad(y, x), weight: kernel ? kernel[a][b] : 1 });
    }
    return found;
  };
  const result = (i, j) => {
    const found = cells(i, j), real = found.filter((c) => !c.pad);
    if (mode === 'max') return Math.max(...found.map((c) => c.value));
    if (mode === 'average') return real.reduce((s, c) => s + c.value, 0) / real.length;
    if (mode === 'l2') return Math.sqrt(real.reduce((s, c) => s + c.value ** 2, 0));
    return found.reduce((s, c) => s + c.value * c.weight, 0);
  };
  const text = (v) => !Number.isFinite(v) ? '−∞' : (Math.abs(v) < 5e-4 ? '0' : String(+v.toFixed(Math.abs(v) >= 100 ? 0 : Math.abs(v) >= 10 ? 1 : 2))).replace('-', '−');

  let low = Infinity, high = -Infinity;
  for (const v of image) { if (v < low) low = v; if (v > high) high = v; }
  const scale = kernel ? Math.max(1e-9, kernel.flat().reduce((s, w) => s + Math.abs(w), 0) * Math.max(Math.abs(low), Math.abs(high)) / 2) : Math.max(1e-9, high);
  const style = getComputedStyle(root);
  const ink = style.getPropertyValue('--st-text-color').trim() || '#172033';
  const accent = '#D9730D';
  const grey = (v) => { const g = Math.round(high > low ? 25 + 225 * (v - low) / (high - low) : 128); return [`rgb(${g},${g},${g})`, g > 140 ? '#111' : '#fff']; };
  const signed = (v) => {
    const t = Math.max(-1, Math.min(1, v / scale)), end = t >= 0 ? [178, 24, 43] : [33, 102, 172];
    const rgb = end.map((c) => Math.round(247 + (c - 247) * Math.abs(t)));
    return [`rgb(${rgb})`, Math.abs(t) > 0.6 ? '#fff' : '#111'];
  };

  // A grid shows as many cells as stay readable; on a larger picture it follows the window.
  const view = (canvas, rows, columns, follow) => {
    const available = Math.max(150, canvas.parentElement.clientWidth);
    const fits = Math.max(6, Math.min(32, Math.floor(available / 27)));
    const n = Math.min(rows, fits), m = Math.min(columns, fits);
    const size = Math.min(44, Math.floor(available / m));
    const origin = (centre, whole, shown) => Math.max(0, Math.min(whole - shown, Math.round(centre - shown / 2)));
    return { n, m, size, y0: origin(follow[0], rows, n), x0: origin(follow[1], columns, m) };
  };
  const paint = (canvas, v, colour, value) => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = v.m * v.size * ratio; canvas.height = v.n * v.size * ratio;
    canvas.style.width = v.m * v.size + 'px'; canvas.style.height = v.n * v.size + 'px';
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    g.textAlign = 'center'; g.textBaseline = 'middle';
    g.font = `${Math.max(8, Math.min(14, v.size * 0.36))}px system-ui, sans-serif`;
    for (let r = 0; r < v.n; r++) for (let c = 0; c < v.m; c++) {
      const y = r + v.y0, x = c + v.x0, [fill, pen, hatched] = colour(y, x);
      g.fillStyle = fill; g.fillRect(c * v.size, r * v.size, v.size - 1, v.size - 1);
      if (hatched) {
        g.strokeStyle = ink; g.globalAlpha = 0.35; g.lineWidth = 1;
        g.beginPath(); g.moveTo(c * v.size + 2, (r + 1) * v.size - 3); g.lineTo((c + 1) * v.size - 3, r * v.size + 2); g.stroke();
        g.globalAlpha = 1;
      }
      g.fillStyle = pen; g.fillText(text(value(y, x)), (c + 0.5) * v.size, (r + 0.52) * v.size);
    }
    return g;
  };

  const draw = () => {
    const { i, j } = state, found = cells(i, j), out = result(i, j);
    const winner = mode === 'max' ? found.findIndex((c) => c.value === out) : -1;
    const input = view($('input'), fullH, fullW, [i * stride + spanH / 2, j * stride + spanW / 2]);
    const g = paint($('input'), input, (y, x) => isPad(y, x) && data.edge !== 'reflect' ? ['rgba(128,128,128,0.18)', ink, true] : [...grey(at(y, x)), isPad(y, x)], at);
    g.lineWidth = 3; g.strokeStyle = accent;
    for (const c of found) {
      g.lineWidth = dilation > 1 || found.indexOf(c) === winner ? 3 : 1;
      g.strokeRect((c.x - input.x0) * input.size + 1, (c.y - input.y0) * input.size + 1, input.size - 3, input.size - 3);
    }
    g.lineWidth = 3;
    g.strokeRect((j * stride - input.x0) * input.size, (i * stride - input.y0) * input.size, spanW * input.size - 1, spanH * input.size - 1);
    const output = view($('output'), outH, outW, [i, j]);
    const h = paint($('output'), output, (y, x) => kernel ? signed(result(y, x)) : grey(mode === 'l2' ? result(y, x) / Math.sqrt(kh * kw) : result(y, x)), result);
    h.lineWidth = 3; h.strokeStyle = accent;
    h.strokeRect((j - output.x0) * output.size, (i - output.y0) * output.size, output.size - 1, output.size - 1);
    state.views = { input, output };

    const table = $('cells');
    table.replaceChildren();
    for (let a = 0; a < kh; a++) {
      const row = table.insertRow();
      for (let b = 0; b < kw; b++) {
        const c = found[a * kw + b], cell = row.insertCell();
        if (c.pad) cell.className = 'pad';
        if (a * kw + b === winner) cell.className = 'winner';
        if (kernel) {
          const small = document.createElement('small');
          small.textContent = `${text(c.value)} × ${text(c.weight)}`;
          const bold = document.createElement('b');
          bold.textContent = text(c.value * c.weight);
          cell.append(small, bold);
        } else cell.textContent = text(c.value);
      }
    }
    const real = found.filter((c) => !c.pad);
    const said = kernel
      ? (found.length <= 9 ? found.map((c) => text(c.value * c.weight)).join(' + ').replaceAll('+ −', '− ') + ' = ' : `sum of ${found.length} products = `)
      : { max: 'largest = ', average: `mean of ${real.length} = `, l2: 'root of the sum of squares = ' }[mode];
    $('sum').textContent = `Row ${i}, column ${j}: ${said}${text(out)}`;
    $('position').textContent = `${i * outW + j + 1} of ${outH * outW}`;
    $('inputsize').textContent = `${height} × ${width}` + (top + bottom + left + right ? `, padded to ${fullH} × ${fullW}` : '') + (input.n < fullH || input.m < fullW ? ` (showing ${input.n} × ${input.m})` : '');
    $('outputsize').textContent = `${outH} × ${outW}` + (output.n < outH || output.m < outW ? ` (showing ${output.n} × ${output.m})` : '');
    drawMap(input);
  };

  const drawMap = (input) => {
    const map = $('map'), shown = input.n < fullH || input.m < fullW;
    map.hidden = !shown;
    if (!shown) return;
    const w = 110, h = Math.max(20, Math.round(w * fullH / fullW));
    if (map.width !== w || map.dataset.key !== data.key) {
      map.width = w; map.height = h; map.dataset.key = data.key;
    }
    const g = map.getContext('2d'), picture = g.createImageData(w, h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      const sy = Math.floor(y * fullH / h), sx = Math.floor(x * fullW / w), v = at(sy, sx);
      const t = Number.isFinite(v) && high > low ? 255 * (v - low) / (high - low) : 0, p = 4 * (y * w + x);
      picture.data[p] = picture.data[p + 1] = picture.data[p + 2] = t; picture.data[p + 3] = 255;
    }
    g.putImageData(picture, 0, 0);
    g.strokeStyle = accent; g.lineWidth = 2;
    g.strokeRect(input.x0 * w / fullW, input.y0 * h / fullH, Math.max(4, input.m * w / fullW), Math.max(4, input.n * h / fullH));
  };

  const go = (n) => { const all = outH * outW; n = ((n % all) + all) % all; state.i = Math.floor(n / outW); state.j = n % outW; draw(); };
  const here = () => state.i * outW + state.j;
  const pause = () => { clearInterval(state.timer); state.timer = null; $('play').textContent = 'Play'; };
  const play = () => {
    if (state.timer) return pause();
    $('play').textContent = 'Pause';
    state.timer = setInterval(() => (root.isConnected ? go(here() + 1) : pause()), 1000 / Number($('speed').value));
  };
  const move = (di, dj) => { state.i = Math.max(0, Math.min(outH - 1, state.i + di)); state.j = Math.max(0, Math.min(outW - 1, state.j + dj)); draw(); };
  $('first').onclick = () => go(0);
  $('back').onclick = () => go(here() - 1);
  $('next').onclick = () => go(here() + 1);
  $('play').onclick = play;
  $('speed').onchange = () => { if (state.timer) { pause(); play(); } };
  root.onkeydown = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step || event.target.tagName === 'SELECT') return;
    event.preventDefault();
    move(...step);
  };
  const pick = (name) => (event) => {
    if (event.type === 'pointermove' && event.pointerType === 'touch') return;
    const v = state.views[name], box = event.currentTarget.getBoundingClientRect();
    const y = v.y0 + Math.floor((event.clientY - box.top) / v.size), x = v.x0 + Math.floor((event.clientX - box.left) / v.size);
    const i = name === 'output' ? y : Math.round((y - (spanH - 1) / 2) / stride), j = name === 'output' ? x : Math.round((x - (spanW - 1) / 2) / stride);
    const to = [Math.max(0, Math.min(outH - 1, i)), Math.max(0, Math.min(outW - 1, j))];
    if (to[0] === state.i && to[1] === state.j) return;
    // Following the pointer would move a zoomed view under it: there a click is needed.
    const zoomed = v.n < (name === 'output' ? outH : fullH) || v.m < (name === 'output' ? outW : fullW);
    if (event.type === 'pointermove' && zoomed) return;
    [state.i, state.j] = to;
    draw();
  };
  for (const name of ['input', 'output']) $(name).onpointermove = $(name).onpointerdown = pick(name);
  $('map').onpointerdown = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    state.i = Math.max(0, Math.min(outH - 1, Math.round(((event.clientY - box.top) / box.height * fullH - spanH / 2) / stride)));
    state.j = Math.max(0, Math.min(outW - 1, Math.round(((event.clientX - box.left) / box.width * fullW - spanW / 2) / stride)));
    draw();
  };
  state.observer?.disconnect();
  state.observer = new ResizeObserver(() => draw());
  state.observer.observe(root);
  if (state.timer) { pause(); play(); }
  draw();
}
