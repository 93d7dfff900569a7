// How the page that is taken away writes a probability.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { percent } from './page/answers.js';

test('only what is certain is 100%', () => {
  assert.deepEqual([0, 0.504, 0.987, 0.9951, 0.99999, 1].map(percent),
    ['0%', '50%', '99%', '99.5%', '99.9%', '100%']);
});
