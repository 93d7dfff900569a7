import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { along, beside, columnsOf, edgePath, scrolled } from './graph_view.js';
import { open } from '../testing.js';

/** @typedef {import('./graph_view.js').Data} Data */
/** @typedef {import('./graph_view.js').Edge} Edge */

/** @type {(name: string, row: number, column: number, block?: string, folded?: boolean) => Data['nodes'][0]} */
const node = (name, row, column, block = '', folded = false) => ({
  name, title: name, kind: 'Conv', shape: '7 × 7', family: folded ? 'block' : 'convolution', row, column, block, folded,
  frame: block,
  said: `${name}: said.`,
});
// input → a_1 → a_2 → add, with a skip past a and a branch b beside it
const NODES = [node('input', 0, 0), node('a_1', 1, 0, 'a'), node('b', 1, 1), node('a_2', 2, 0, 'a'), node('add', 3, 0)];
/** @type {Edge[]} */
const EDGES = [[0, 1, null, false], [0, 2, null, false], [1, 3, null, false], [3, 4, null, false], [0, 4, -1, true]];
/** @type {Data} */
const OPEN = { nodes: NODES, edges: EDGES, label: 'Net', height: 500, chosen: '', folds: true, chooses: true };
/** @type {Data} The same with a folded. */
const FOLDED = {
  ...OPEN, nodes: [node('input', 0, 0), node('a', 1, 0, 'a', true), node('add', 2, 0)],
  edges: [[0, 1, null, false], [1, 2, null, false]],
};

test('columns stand side by side, narrow where only edges run', () => {
  const { middles, width } = columnsOf(NODES, EDGES);
  assert.deepEqual([...middles], [[-1, 26 + 6], [0, 26 + 12 + 28 + 88], [1, 26 + 12 + 28 + 176 + 28 + 88]]);
  assert.equal(width, 26 + 12 + 28 + 176 + 28 + 176 + 26);
});

test('an edge goes from bottom to top, and through its lane past what lies between', () => {
  const [from, to] = [{ x: 100, row: 0 }, { x: 200, row: 1 }];  // a node is 46 high, rows are 74 apart, the first at 26
  assert.equal(edgePath(from, to), 'M100 72C100 86 200 81 200 95');
  assert.equal(
    edgePath(from, { x: 200, row: 3 }, 50), 'M100 72C100 86 50 86 50 100L50 220C50 234 200 229 200 243',
  );
});

test('left and right lead to the nearest at about the same height', () => {
  assert.equal(beside(NODES, 1, 1), 2);
  assert.equal(beside(NODES, 2, -1), 1, 'the same row before the next');
  assert.equal(beside(NODES, 1, -1), undefined);
  assert.equal(beside([node('a', 0, 0), node('b', 3, 1)], 0, 1), undefined, 'too far down');
});

test('down and up follow edges, straight on rather than past others', () => {
  assert.equal(along(NODES, EDGES, 0, 'down'), 1);
  assert.equal(along(NODES, EDGES, 4, 'up'), 3);
  assert.equal(along(NODES, EDGES, 4, 'down'), undefined);
});

test('scrolling goes no further than needed', () => {
  assert.equal(scrolled(100, 200, 180, 50), 100, 'seen already');
  assert.equal(scrolled(100, 200, 290, 50), 140, 'from below');
  assert.equal(scrolled(100, 200, 120, 50), 70, 'from above');
});

const graph = () => {
  const page = open('graph_view', component);
  const here = () => page.all('.node').filter((box) => box.getAttribute('tabindex') === '0').map((box) =>
    box.getAttribute('aria-label'));
  /** Press keys where the keyboard is. */
  const keys = (/** @type {string[]} */ ...names) => names.forEach((key) => page.press(page.find('.node.here'), key));
  return { ...page, here, keys };
};

test('every node, edge and open block is drawn', () => {
  const { run, all, text } = graph();
  run(OPEN);
  assert.deepEqual(all('.title').map((title) => title.textContent), ['input', 'a_1', 'b', 'a_2', 'add']);
  assert.equal(all('.edge').length, 5);
  assert.equal(all('.edge.skip').length, 1);
  assert.deepEqual(all('.tab').map((tab) => tab.textContent), ['− a']);
  assert.equal(text('.legend'), 'convolution');
  run(FOLDED);
  assert.deepEqual(all('.title').map((title) => title.textContent), ['input', '+ a', 'add']);
  assert.equal(all('.frame').length, 0);
});

test('one node has the keyboard, and arrows, Home and End move it', () => {
  const { run, here, keys, focused, find, text } = graph();
  run(OPEN);
  assert.deepEqual(here(), ['input: said.']);
  keys('ArrowDown');
  assert.deepEqual(here(), ['a_1: said.']);
  assert.equal(focused(), find('.node.here'));
  assert.equal(text('.said'), 'a_1: said. Enter folds a. Space chooses it.');
  keys('ArrowRight');
  assert.deepEqual(here(), ['b: said.']);
  keys('End', 'ArrowUp');
  assert.deepEqual(here(), ['a_2: said.']);
  keys('Home', 'ArrowUp');
  assert.deepEqual(here(), ['input: said.']);
});

test('Enter folds and Space chooses what can be folded and chosen', () => {
  const { run, keys, sent } = graph();
  run(OPEN);
  keys('Enter', ' ', 'ArrowDown', 'Enter', ' ');
  assert.deepEqual(sent, [['choose', 'input'], ['fold', 'a'], ['choose', 'a_1']]);
  run({ ...OPEN, folds: false, chooses: false });
  keys('Enter', ' ');
  assert.equal(sent.length, 3);
});

test('folding and unfolding keep the reader at the block', () => {
  const { run, keys, here } = graph();
  run(OPEN);
  keys('ArrowDown', 'ArrowDown', 'Enter');
  run(FOLDED);
  assert.deepEqual(here(), ['a: said.']);
  keys('Enter');
  run(OPEN);
  assert.deepEqual(here(), ['a_1: said.']);
});

test('a run without news draws nothing again', () => {
  const { run, all, keys, here, watchers } = graph();
  run(OPEN);
  keys('ArrowDown');
  const before = all('.node');
  run({ ...OPEN, chosen: 'b' });
  run({ ...OPEN, chosen: 'a_1' });
  assert.deepEqual(all('.node'), before);
  assert.deepEqual(all('.node.chosen').map((box) => box.getAttribute('aria-label')), ['a_1: said.']);
  assert.deepEqual(here(), ['a_1: said.']);
  assert.equal(watchers(), 1);
});

test('another network starts at its first node', () => {
  const { run, keys, here } = graph();
  run(OPEN);
  keys('End');
  run({ ...OPEN, label: 'Other' });
  assert.deepEqual(here(), ['input: said.']);
});

test('a click moves there, and chooses a layer or unfolds a block', () => {
  const { run, find, all, sent, here } = graph();
  run(FOLDED);
  const [, block, last] = all('.node');
  block.dispatchEvent(new window.MouseEvent('click'));
  last.dispatchEvent(new window.MouseEvent('click'));
  assert.deepEqual(sent, [['fold', 'a'], ['choose', 'add']]);
  assert.deepEqual(here(), ['add: said.']);
  run(OPEN);
  find('.tab').dispatchEvent(new window.MouseEvent('click'));
  assert.deepEqual(sent.at(-1), ['fold', 'a']);
});
