import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grey, signed } from '../parts/colours.js';
import { decode } from '../parts/numbers.js';
import { open } from '../testing.js';
import component, { kept, mirror, sliding, sum, text, viewOf } from './stepper.js';

/** @typedef {import('./stepper.js').Data} Data */

const packed = (/** @type {number[]} */ values) => Buffer.from(new Float32Array(values).buffer).toString('base64');
/** @type {Data} A picture of 2 × 3 cells under a kernel of two. */
const DATA = {
  values: packed([1, 2, 3, 4, 5, 6]), height: 2, width: 3, kernel: [[1, -1]], mode: 'conv', window: [1, 2],
  stride: 1, dilation: 1, pad: [0, 0, 0, 0], edge: 'zero',
};
/** @type {(data: Partial<Data>) => number[][]} */
const results = (data) => {
  const { output, result } = sliding({ ...DATA, ...data });
  return Array.from({ length: output.height }, (_, i) => Array.from({ length: output.width }, (__, j) => result(i, j)));
};

test('numbers arrive as they were sent', () => {
  assert.deepEqual([...decode('AACAPwAAIMEAAAAA')], [1, -10, 0]);  // 0x3f800000, 0xc1200000, 0, little-endian
});

test('a mirror repeats no end', () => {
  const places = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6];
  assert.deepEqual(places.map((n) => mirror(n, 4)), [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
  assert.deepEqual([-2, 0, 3].map((n) => mirror(n, 1)), [0, 0, 0]);
});

test('a kernel is multiplied cell by cell, not turned', () => {
  assert.deepEqual(results({}), [[-1, -1], [-1, -1]]);
  assert.deepEqual(results({ kernel: [[1, 0], [0, 10]], window: [2, 2] }), [[51, 62]]);
});

test('stride and dilation choose the cells', () => {
  assert.deepEqual(results({ dilation: 2 }), [[-2], [-2]]);
  assert.deepEqual(results({ kernel: [[1]], window: [1, 1], stride: 2 }), [[1, 3]]);
});

test('padding is zeros or the mirrored picture', () => {
  assert.deepEqual(results({ pad: [0, 1, 0, 1] }), [[-1, -1, -1, 3], [-4, -1, -1, 6]]);
  assert.deepEqual(results({ pad: [0, 1, 0, 1], edge: 'reflect' }), [[1, -1, -1, 1], [1, -1, -1, 1]]);
  assert.deepEqual(results({ kernel: [[1]], window: [1, 1], pad: [1, 0, 0, 0], edge: 'reflect' })[0], [4, 5, 6]);
});

test('pooling leaves padding out', () => {
  const negative = { values: packed([-1, -2, -3, -4, -5, -6]), kernel: null, window: /** @type {[2, 2]} */ ([2, 2]) };
  const pad = /** @type {Data['pad']} */ ([0, 0, 0, 1]);
  assert.deepEqual(results({ ...negative, pad, stride: 2, mode: 'max' }), [[-1, -3]]);
  assert.deepEqual(results({ ...negative, pad, stride: 2, mode: 'average' }), [[-3, -4.5]]);
  assert.deepEqual(results({ ...negative, pad, stride: 2, mode: 'l2' }), [[Math.sqrt(46), Math.sqrt(45)]]);
});

test('numbers are written with the digits that a cell has room for', () => {
  const written = { 0.126: '0.13', 3: '3', '-12.34': '−12.3', 123.6: '124', 0.0004: '0', '-0.0004': '0', 0.0006: '0' };
  for (const [value, expected] of Object.entries(written)) assert.equal(text(Number(value)), expected);
  assert.equal(text(-Infinity), '−∞');
});

test('the sum says what was added', () => {
  const cells = [[2, 3], [-1, 1], [4, -0.5]].map(([value, weight], x) => ({ y: 0, x, value, weight, pad: x === 2 }));
  assert.equal(sum(cells, 3, 'conv'), '6 − 1 − 2 = 3');
  assert.equal(sum([...cells, ...cells, ...cells, ...cells], 12, 'conv'), 'sum of 12 products = 12');
  assert.equal(sum(cells, 4, 'max'), 'largest = 4');
  assert.equal(sum(cells, 0.5, 'average'), 'mean of 2 = 0.5');
  assert.equal(sum(cells, 2.236, 'l2'), 'root of the sum of squares = 2.24');
});

test('colours run from dark to light and from blue over white to red, with readable writing', () => {
  assert.deepEqual(grey(0, 0, 10), ['rgb(25,25,25)', '#fff']);
  assert.deepEqual(grey(10, 0, 10), ['rgb(250,250,250)', '#111']);
  assert.deepEqual(grey(3, 3, 3), ['rgb(128,128,128)', '#fff']);
  assert.deepEqual(signed(0, 5), ['rgb(250,250,247)', '#111']);
  assert.deepEqual(signed(5, 5), ['rgb(178,24,43)', '#fff']);
  assert.deepEqual(signed(-50, 5), ['rgb(33,102,172)', '#fff']);
});

test('a large grid shows the part around the window, and never beyond itself', () => {
  assert.deepEqual(viewOf(270, 5, 7, [2, 3]), { rows: 5, columns: 7, size: 38, top: 0, left: 0 });
  assert.deepEqual(viewOf(270, 100, 100, [50, 99]), { rows: 10, columns: 10, size: 27, top: 45, left: 90 });
  assert.equal(viewOf(100, 100, 100, [0, 0]).rows, 6, 'at least');
  assert.equal(viewOf(5000, 100, 100, [0, 0]).rows, 32, 'at most');
});

const stepper = () => {
  const page = open('stepper', component);
  return { ...page, click: (/** @type {string} */ name) => page.find(name).click(), root: page.find('.stepper') };
};

test('a number fits into its cell, however many digits it has', () => {
  const page = stepper(), output = /** @type {HTMLCanvasElement} */ (page.find('.output'));
  const pen = output.getContext.bind(output);
  /** @type {number[]} */
  const widths = [];
  Object.assign(output, {
    getContext: () => {
      const g = /** @type {CanvasRenderingContext2D} */ (pen('2d'));
      return Object.assign(g, { fillText: (/** @type {string} */ said) => widths.push(g.measureText(said).width) });
    },
  });
  page.run({ ...LARGE, kernel: [[-2]] });  // −1072 to −1674 in cells of 25 pixels
  assert.equal(widths.length, 36);
  assert.ok(Math.max(...widths) <= 21, `${Math.max(...widths)} pixels wide`);
});

test('the page says the sum and the sizes', () => {
  const { run, text: said, all } = stepper();
  run({ ...DATA, pad: [1, 0, 0, 0] });
  assert.equal(said('.sum'), 'Row 0, column 0: 0 + 0 = 0');
  assert.equal(said('.inputsize'), '2 × 3, padded to 3 × 3');
  assert.equal(said('.outputsize'), '3 × 2');
  assert.equal(said('.position'), '1 of 6');
  assert.equal(all('td.pad').length, 2);
});

test('buttons go on and around, arrow keys stop at the border', () => {
  const { run, text: said, click, press, root } = stepper();
  run({ ...DATA, kernel: [[1]], window: [1, 1] });
  click('.back');
  assert.equal(said('.sum'), 'Row 1, column 2: 6 = 6');
  click('.next');
  assert.equal(said('.sum'), 'Row 0, column 0: 1 = 1');
  assert.ok(press(root, 'ArrowDown'));
  press(root, 'ArrowDown');
  assert.equal(said('.sum'), 'Row 1, column 0: 4 = 4');
  assert.ok(!press(root, 'a'), 'another key is left to the browser');
  click('.first');
  assert.equal(said('.position'), '1 of 6');
});

test('playing takes one step at a time, however often the script runs', () => {
  const { run, text: said, find, click, pass, watchers } = stepper();
  run(DATA);
  click('.play');
  assert.equal(said('.play'), 'Pause');
  run(DATA);
  run({ ...DATA, values: packed([9, 7, 0, 0, 0, 0]) });
  pass(334);  // three a second
  assert.equal(said('.position'), '2 of 4');
  assert.equal(said('.sum'), 'Row 0, column 1: 7 + 0 = 7', 'of the new picture');
  pass(667);
  assert.equal(said('.position'), '4 of 4');
  assert.equal(find('.sum').getAttribute('aria-live'), 'off', 'not read out at every step');
  click('.play');
  pass(2000);
  assert.equal(said('.position'), '4 of 4');
  assert.equal(said('.play'), 'Play');
  assert.equal(watchers(), 1);
});

test('the page is told where the reader has come to rest, once, and while it plays not at all', () => {
  const { run, click, press, root, pass, sent } = stepper();
  run({ ...DATA, kernel: [[1]], window: [1, 1] });
  pass(5000);
  assert.deepEqual(sent, [], 'nobody has gone anywhere');
  press(root, 'ArrowRight');
  pass(300);
  press(root, 'ArrowDown');
  pass(300);
  assert.deepEqual(sent, []);
  pass(200);
  assert.deepEqual(sent, [['at', '1,1']]);
  click('.play');
  pass(3000);
  assert.equal(sent.length, 1);
  click('.play');
  assert.equal(sent.length, 2);
});

test('a link says where it goes, and what the reader has done since is not undone by an answer', () => {
  const { run, text: said, click, pass } = stepper();
  const data = { ...DATA, kernel: [[1]], window: /** @type {[number, number]} */ ([1, 1]) };
  run({ ...data, start: [0, 2], at: [1, 0] });
  assert.equal(said('.sum'), 'Row 1, column 0: 4 = 4');
  click('.next');
  pass(500);
  click('.next');
  run({ ...data, at: [1, 1] });  // the answer to what it was told, while one has gone on
  assert.equal(said('.sum'), 'Row 1, column 2: 6 = 6');
  run({ ...data, at: [0, 1] });
  assert.equal(said('.sum'), 'Row 0, column 1: 2 = 2', 'somebody has gone back');
});

test('another picture keeps the place if it has it', () => {
  const { run, text: said, click, all } = stepper();
  run(DATA);
  click('.back');
  run({ ...DATA, values: packed([9, 8, 7, 6, 5, 4]) });
  assert.equal(said('.sum'), 'Row 1, column 1: 5 − 4 = 1');
  run({ ...DATA, values: packed([3, 1]), height: 1, width: 2 });
  assert.equal(said('.sum'), 'Row 0, column 0: 3 − 1 = 2');
  assert.equal(all('td').length, 2);
});

test('a click chooses a window by its output or its middle', () => {
  const { run, text: said, point, find } = stepper();
  run({ ...DATA, values: packed(Array.from({ length: 25 }, (_, n) => n)), height: 5, width: 5 });  // cells of 30 pixels
  point(find('.output'), 'down', 80, 40);
  assert.match(said('.sum') ?? '', /^Row 1, column 2:/);
  point(find('.input'), 'down', 140, 140);
  assert.match(said('.sum') ?? '', /^Row 4, column 3:/);
});

test('a view stays as long as what it follows is in it', () => {
  const before = { rows: 6, columns: 6, size: 25, top: 10, left: 10 }, now = { ...before, top: 12 };
  const span = { height: 3, width: 2 };
  assert.equal(kept(now, before, span, [13, 14]), before);
  assert.equal(kept(now, before, span, [14, 14]), now, 'it ends below');
  assert.equal(kept(now, before, span, [13, 9]), now);
  assert.equal(kept({ ...now, size: 30 }, before, span, [13, 14]).size, 30, 'the page has another width');
  assert.equal(kept(now, undefined, span, [13, 14]), now);
});

/** @type {Data} A picture of 40 × 40, of which 6 × 6 cells are in sight, 25 pixels each. */
const LARGE = {
  ...DATA, values: packed(Array.from({ length: 1600 }, (_, n) => n)), height: 40, width: 40, kernel: [[1]],
  window: [1, 1], start: [20, 20],
};
const place = (/** @type {ReturnType<typeof stepper>} */ page) => page.text('.sum')?.split(':')[0];

test('hover moves the window and not the view, and leaving returns', () => {
  const page = stepper(), output = page.find('.output');
  page.run(LARGE);
  for (const [x, y, row, column] of [[5, 5, 17, 17], [145, 30, 18, 22], [80, 145, 22, 20]]) {
    page.point(output, 'move', x, y);
    assert.equal(place(page), `Row ${row}, column ${column}`, 'the view begins at 17, whatever the window does');
  }
  page.point(output, 'leave');
  assert.equal(place(page), 'Row 20, column 20');
  page.point(page.find('.input'), 'move', 30, 5);
  assert.equal(place(page), 'Row 18, column 19', 'so it is over the picture');
  page.point(page.find('.input'), 'leave');
  assert.equal(place(page), 'Row 20, column 20');
  page.pass(5000);
  assert.deepEqual(page.sent, [], 'to look is not to go');
});

test('a click holds the window, another one there lets it go, and so does leaving', () => {
  const page = stepper(), output = page.find('.output');
  page.run(LARGE);
  page.point(output, 'move', 5, 5);
  page.point(output, 'down', 5, 5);
  page.point(output, 'move', 145, 145);
  assert.equal(place(page), 'Row 17, column 17');
  page.pass(500);
  assert.deepEqual(page.sent, [['at', '17,17']]);
  page.run({ ...LARGE, at: [17, 17] });  // the answer, with the pointer still there
  page.point(output, 'down', 5, 5);
  page.point(output, 'move', 30, 5);
  assert.equal(place(page), 'Row 17, column 18', 'and the view has stayed');
  page.point(output, 'down', 55, 5);
  page.point(output, 'move', 145, 145);
  assert.equal(place(page), 'Row 17, column 19');
  page.point(output, 'leave');
  assert.equal(place(page), 'Row 17, column 19', 'it is there that one has gone');
  page.point(output, 'move', 5, 5);
  assert.equal(place(page), 'Row 14, column 16', 'nothing is held, and the view has followed');
});

test('over the picture the whole window stays in the view', () => {
  const page = stepper(), input = page.find('.input');
  page.run({ ...LARGE, kernel: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], window: [3, 3], stride: 2, start: [10, 10] });
  page.point(input, 'move', 149, 149);  // of cells 19 to 24, the last window covers 22 to 24
  assert.equal(place(page), 'Row 11, column 11');
  page.point(input, 'move', 0, 0);
  assert.equal(place(page), 'Row 10, column 10');
});

test('a finger goes at once, and the view with it', () => {
  const page = stepper(), output = page.find('.output');
  page.run(LARGE);
  output.onpointermove?.(/** @type {PointerEvent} */ ({ pointerType: 'touch', clientX: 5, clientY: 5 }));
  assert.equal(place(page), 'Row 20, column 20', 'it scrolls the page');
});

test('keys and buttons go on from where one is, not from where the pointer looks', () => {
  const page = stepper();
  page.run(LARGE);
  page.point(page.find('.output'), 'move', 5, 5);
  page.press(page.root, 'ArrowRight');
  assert.equal(place(page), 'Row 20, column 21');
  page.point(page.find('.output'), 'move', 5, 5);
  page.click('.next');
  assert.equal(place(page), 'Row 20, column 22');
});
