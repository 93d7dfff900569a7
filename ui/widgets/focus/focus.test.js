import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component from './focus.js';

const button = (/** @type {string} */ name) => {
  const made = document.createElement('button');
  made.className = name;
  document.body.append(made);
  return made;
};

test('nothing is focused while nothing was started', () => {
  const { run, focused } = open('focus', component);
  button('stop');
  run({ selector: '.stop', once: '' });
  assert.equal(focused(), document.body);
});

test('the keyboard goes to the button that took the place of the one pressed, as soon as it is there, and once', () => {
  const { run, focused, pass } = open('focus', component);
  run({ selector: '.stop', once: 'first' });
  assert.equal(focused(), document.body);
  const stop = button('stop');
  pass(150);
  assert.equal(focused(), stop);
  stop.blur();
  run({ selector: '.stop', once: 'first' });
  pass(150);
  assert.equal(focused(), document.body, 'it was done already');
});

test('a reader who is elsewhere by then is left there', () => {
  const { run, focused, pass } = open('focus', component);
  const [other] = [button('other'), button('stop')];
  other.focus();
  run({ selector: '.stop', once: 'second' });
  pass(150);
  assert.equal(focused(), other);
});
