import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { CELLS, far, inkText, middle, moved, spot } from './digit_canvas.js';
import { open } from '../testing.js';

const EMPTY = { side: 4, strokes: [] };

const paper = () => {
  const page = open('digit_canvas', component);
  const canvas = page.find('.paper');
  canvas.getBoundingClientRect = () => new window.DOMRect(100, 50, 200, 200);
  const draws = (/** @type {string[]} */ ...keys) => keys.forEach((key) => page.press(canvas, key));
  /** What Python has after the pause that follows a stroke. */
  const strokes = () => {
    page.pass(250);
    return page.sent.at(-1)?.[1].strokes;
  };
  return { ...page, canvas, draws, strokes };
};

test('a spot is a share of the paper, and stays on it', () => {
  const box = { left: 100, top: 50, width: 200, height: 400 };
  assert.deepEqual(spot(box, { clientX: 150, clientY: 150 }), [0.25, 0.25]);
  assert.deepEqual(spot(box, { clientX: 50, clientY: 900 }), [0, 1]);
  assert.deepEqual(spot(box, { clientX: 100 + 200 / 3, clientY: 50 }), [0.333, 0]);
});

test('a way of less than 0.008 of the side adds no point', () => {
  assert.equal(far([0.5, 0.5], [0.505, 0.505]), false);  // 0.0071
  assert.equal(far([0.5, 0.5], [0.506, 0.506]), true);  // 0.0085
});

test('arrow keys move the pen by a cell, and not off the paper', () => {
  assert.deepEqual(moved([3, 7], 'ArrowRight'), [4, 7]);
  assert.deepEqual(moved([3, 7], 'ArrowUp'), [3, 6]);
  assert.deepEqual(moved([0, CELLS - 1], 'ArrowLeft'), [0, CELLS - 1]);
  assert.deepEqual(moved([0, CELLS - 1], 'ArrowDown'), [0, CELLS - 1]);
  assert.equal(moved([3, 7], 'a'), null);
  assert.deepEqual(middle([0, CELLS - 1]), [0.025, 0.975]);
});

test('ink is one byte a pixel', () => {
  const rgba = [255, 0, 0, 9, 128, 1, 1, 9, 0, 2, 2, 9];
  assert.deepEqual([...Buffer.from(inkText(rgba), 'base64')], [255, 128, 0]);
});

test('keys draw a stroke, which is sent once when the pen rests', () => {
  const { run, draws, sent, strokes, text } = paper();
  run(EMPTY);
  run(EMPTY);
  draws(' ', 'ArrowRight', 'ArrowDown', ' ', 'ArrowLeft');
  assert.equal(text('.pen'), 'Pen up, row 12, column 11 of 20');
  assert.equal(sent.length, 0);
  assert.deepEqual(strokes(), [[[0.525, 0.525], [0.575, 0.525], [0.575, 0.575]]]);
  assert.equal(sent.length, 1);
  assert.equal(sent[0][1].ink, Buffer.alloc(16).toString('base64'));
});

test('a pointer draws until it is lifted', () => {
  const { run, canvas, point, strokes } = paper();
  run(EMPTY);
  point(canvas, 'down', 200, 150);
  point(canvas, 'move', 220, 150);
  point(canvas, 'move', 220.5, 150);  // hardly moved
  point(canvas, 'up', 220, 150);
  point(canvas, 'move', 300, 250);
  assert.deepEqual(strokes(), [[[0.5, 0.5], [0.6, 0.5]]]);
});

test('the last stroke can be undone, and all be cleared', () => {
  const { run, draws, find, strokes, text } = paper();
  run({ side: 4, strokes: [[[0.1, 0.1]], [[0.2, 0.2]]] });  // drawn in another view
  draws(' ', ' ');
  find('.undo').click();
  assert.equal(text('.pen'), 'The last stroke is gone');
  assert.deepEqual(strokes(), [[[0.1, 0.1]], [[0.2, 0.2]]]);
  find('.clear').click();
  assert.deepEqual(strokes(), []);
});

test('what is being drawn survives an answer', () => {
  const { run, draws, strokes, watchers } = paper();
  run(EMPTY);
  draws(' ', 'ArrowRight');
  run(EMPTY);  // Python answers an earlier stroke
  draws('ArrowRight');
  assert.deepEqual(strokes(), [[[0.525, 0.525], [0.575, 0.525], [0.625, 0.525]]]);
  assert.equal(watchers(), 1);
});
