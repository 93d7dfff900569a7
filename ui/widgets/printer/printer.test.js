import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component from './printer.js';

/** @returns {{ count: number }} */
const counted = () => {
  const printed = { count: 0 };
  window.print = () => {
    printed.count += 1;
  };
  return printed;
};

test('nothing is printed while nobody has asked', () => {
  const { run, pass } = open('printer', component);
  const printed = counted();
  run({ once: '' });
  pass(20_000);
  assert.equal(printed.count, 0);
});

test('it is printed once for each wish', () => {
  const { run, pass } = open('printer', component);
  const printed = counted();
  run({ once: 'first' });
  run({ once: 'first' });
  pass(1_000);
  assert.equal(printed.count, 1);
  run({ once: 'second' });
  pass(1_000);
  assert.equal(printed.count, 2);
});

test('it waits for the dialog in which it was asked to go, but not for ever', () => {
  const { run, pass } = open('printer', component);
  const printed = counted();
  const dialog = document.createElement('div');
  dialog.dataset.testid = 'stDialog';
  document.body.append(dialog);
  run({ once: 'third' });
  pass(1_000);
  assert.equal(printed.count, 0);
  dialog.remove();
  pass(400);
  assert.equal(printed.count, 1);
  document.body.append(dialog);
  run({ once: 'fourth' });
  pass(20_000);
  assert.equal(printed.count, 2);
  dialog.remove();
});
