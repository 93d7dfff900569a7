// A sheet of paper: pointer, touch or keys draw strokes; a small grey picture goes to Python when a stroke has ended.
// State lives on the host element, since this function runs again on every change of data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.drawing');
  const $ = (name) => root.querySelector('.' + name);
  const canvas = $('paper'), THICK = 0.085, CELLS = 20;  // of the side; of the keys' grid
  const state = (root.state ??= { strokes: data.strokes, pointer: null, pen: false, at: [10, 10], timer: null });

  const paint = (g, side, ground, ink) => {
    g.fillStyle = ground; g.fillRect(0, 0, side, side);
    g.strokeStyle = g.fillStyle = ink; g.lineWidth = THICK * side; g.lineCap = g.lineJoin = 'round';
    for (const stroke of state.strokes) {
      g.beginPath();
      g.moveTo(stroke[0][0] * side, stroke[0][1] * side);
      for (const [x, y] of stroke) g.lineTo(x * side, y * side);
      if (stroke.length === 1) { g.arc(stroke[0][0] * side, stroke[0][1] * side, THICK * side / 2, 0, 7); g.fill(); } else g.stroke();
    }
  };
  const place = () => state.at.map((n) => (n + 0.5) / CELLS);
  const draw = () => {
    const side = Math.max(80, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const g = canvas.getContext('2d');
    paint(g, side, '#ffffff', '#111111');
    if (state.keys && root.contains(canvas.getRootNode().activeElement)) {
      const [x, y] = place();
      g.strokeStyle = '#D9730D'; g.lineWidth = side / 90;
      g.beginPath(); g.arc(x * side, y * side, side * (state.pen ? 0.03 : 0.05), 0, 7); g.stroke();
    }
  };
  const send = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      const small = document.createElement('canvas');
      small.width = small.height = data.side;
      const g = small.getContext('2d', { willReadFrequently: true });
      paint(g, data.side, '#000000', '#ffffff');
      const rgba = g.getImageData(0, 0, data.side, data.side).data;
      let text = '';
      for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i]);
      setTriggerValue('drawn', { ink: btoa(text), strokes: state.strokes });
    }, 250);
  };
  const tell = (words) => { $('pen').textContent = words; };

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    const share = (n) => Math.round(1000 * Math.max(0, Math.min(1, n))) / 1000;
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  };
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    state.pointer = event.pointerId; state.pen = state.keys = false;
    state.strokes.push([spot(event)]);
    draw();
  };
  canvas.onpointermove = (event) => {
    if (state.pointer !== event.pointerId) return;
    const stroke = state.strokes.at(-1), to = spot(event), last = stroke.at(-1);
    if (Math.hypot(to[0] - last[0], to[1] - last[1]) < 0.008) return;
    stroke.push(to);
    draw();
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (state.pointer !== event.pointerId) return;
    state.pointer = null;
    send();
  };

  const where = () => `row ${state.at[1] + 1}, column ${state.at[0] + 1} of ${CELLS}`;
  canvas.onkeydown = (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!step && event.key !== ' ' && event.key !== 'Escape') return;
    event.preventDefault();
    state.keys = true;
    if (step) {
      state.at = state.at.map((n, axis) => Math.max(0, Math.min(CELLS - 1, n + step[axis])));
      if (state.pen) { state.strokes.at(-1).push(place()); send(); }
    } else {
      state.pen = event.key === ' ' && !state.pen;
      if (state.pen) { state.strokes.push([place()]); send(); }
    }
    tell(`Pen ${state.pen ? 'down' : 'up'}, ${where()}`);
    draw();
  };
  canvas.onfocus = canvas.onblur = draw;
  $('undo').onclick = () => { state.strokes.pop(); state.pen = false; draw(); send(); tell('The last stroke is gone'); };
  $('clear').onclick = () => { state.strokes = []; state.pen = false; draw(); send(); tell('The paper is clear'); };
  state.observer?.disconnect();
  state.observer = new ResizeObserver(draw);
  state.observer.observe(root);
  draw();
}
