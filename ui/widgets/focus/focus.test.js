import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from '../testing.js';
import component from './focus.js';

test('nothing is focused while nothing was started', () => {
  const { run, focused } = open('focus', component);
  run({ selector: 'button', once: '' });
  assert.equal(focused(), document.body);
});
