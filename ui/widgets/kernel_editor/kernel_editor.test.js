import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { kernelText } from './kernel_editor.js';
import { open } from '../testing.js';

const SOBEL = { cells: [[1, 0, -1], [2, 0, -2], [1, 0, -1]] };

const editor = () => {
  const page = open('kernel_editor', component);
  const fields = () => /** @type {HTMLInputElement[]} */ (page.all('input'));
  return { ...page, fields, values: () => fields().map((field) => field.value) };
};

test('an empty field counts as zero', () => {
  assert.equal(kernelText([['1', ''], ['-1', '0.5']]), '1,0;-1,0.5');
});

test('every cell is a field that says where it is', () => {
  const { run, all, fields, values } = editor();
  run(SOBEL);
  assert.deepEqual(values(), ['1', '0', '-1', '2', '0', '-2', '1', '0', '-1']);
  assert.equal(all('tr').length, 3);
  assert.equal(fields()[5].getAttribute('aria-label'), 'kernel row 1 column 2');
});

test('an edited cell sends the whole kernel once, however often the script ran', () => {
  const { run, fields, sent } = editor();
  run(SOBEL);
  run(SOBEL);
  fields()[2].value = '3.5';
  fields()[2].dispatchEvent(new window.Event('change'));
  assert.deepEqual(sent, [['edited', '1,0,3.5;2,0,-2;1,0,-1']]);
});

test('an answer changes the other fields, and neither the one being typed into nor the focus', () => {
  const { run, fields, values, focused } = editor();
  run(SOBEL);
  const typed = fields()[4];
  typed.focus();
  typed.value = '0.5';
  run({ cells: [[9, 8, 7], [6, 5, 4], [3, 2, 1]] });
  assert.deepEqual(values(), ['9', '8', '7', '6', '0.5', '4', '3', '2', '1']);
  assert.equal(focused(), typed);
});

test('a kernel of another size gets other fields', () => {
  const { run, all, values } = editor();
  run(SOBEL);
  run({ cells: [[1, 2]] });
  assert.deepEqual(values(), ['1', '2']);
  assert.equal(all('tr').length, 1);
  run({ cells: [[1], [2]] });  // as many cells in another shape
  assert.equal(all('tr').length, 2);
});
