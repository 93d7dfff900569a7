import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreement, noneWords, paceWords, percent, shownClasses, verdictOf, verdictWords } from './said.js';

const found = (/** @type {object} */ more) => ({ pictures: 10, largest: {}, worst: 2.7e-7, bits: 10, ...more });

test('a share is rounded, but never to a certainty', () => {
  const said = [0, 0.004, 0.984, 0.9951, 0.9999, 1].map(percent);
  assert.deepEqual(said, ['0%', '0%', '98%', '99.5%', '99.9%', '100%']);
});

test('the likeliest class is the answer, and below the threshold it is none', () => {
  const classes = ['cat', 'dog', 'owl'];
  assert.deepEqual(verdictOf([0.2, 0.7, 0.1], classes, 0.7), { name: 'dog', share: 0.7, none: false });
  const none = verdictOf([0.2, 0.7, 0.1], classes, 0.71);
  assert.deepEqual([none.none, verdictWords(none)], [true, 'none of these (dog 70%)']);
  assert.equal(verdictWords({ ...none, none: false }), 'dog 70%');
});

test('few classes keep their places, of many the likeliest of any arm are shown', () => {
  assert.deepEqual(shownClasses([[0.1, 0.9]], 2, 2), [0, 1]);
  assert.deepEqual(shownClasses([[0.6, 0.3, 0.1], [0.05, 0.05, 0.9]], 3, 2), [2, 0]);
});

test('agreement is told with its size, and with what the network sees', () => {
  assert.deepEqual(agreement(found({}), 1e-3), {
    on: true,
    words: 'Agrees with the server to 3e-7 on 10 pictures; what the network sees is equal to the bit on all of them.',
  });
  const one = agreement(found({ worst: 0, pictures: 1, bits: 1 }), 1e-3);
  assert.match(one.words, /exactly on 1 picture; .* bit on it\.$/);
  assert.match(agreement(found({ bits: 8 }), 1e-3).words, /bit on 8, this browser decodes the others a little diff/);
  assert.match(agreement(found({ bits: null }), 1e-3).words, /can be checked on https:\/\/ or localhost only\.$/);
});

test('beyond the tolerance live answers are off, with the reason', () => {
  assert.deepEqual(agreement(found({ worst: 0.0213, bits: 4 }), 1e-3), {
    on: false,
    words: 'Live answers are off: this browser differs from the server by 0.02 on 10 pictures, more than 0.001; what '
      + 'the network sees is equal to the bit on 4, this browser decodes the others a little differently. The server '
      + 'answers photos that are dropped below.',
  });
  assert.equal(agreement(found({ worst: NaN }), 1e-3).on, false);
  assert.equal(agreement(found({ worst: Infinity }), 1e-3).on, false);
  assert.match(agreement(found({ pictures: 0, worst: 0 }), 1e-3).words, /off: this run has no test picture/);
});

test('none of these is said with its thresholds', () => {
  assert.equal(
    noneWords([['Frozen', 0.71], ['Fine-tuned', 0.8]]),
    '“None of these” is said below 71% (frozen), 80% (fine-tuned): 95 of 100 answers to the test pictures were '
      + 'at least so sure.',
  );
});

test('pace is a mean of the last frames', () => {
  const frames = [0, 40, 80].map((at) => ({ at, took: 30, seeing: 6 }));
  assert.equal(paceWords(frames), '25 frames a second · 30 ms a frame, of which 6 to read and resize it');
  assert.equal(paceWords(frames.slice(0, 1)), '30 ms a frame, of which 6 to read and resize it');
  const slow = [0, 250].map((at) => ({ at, took: 240, seeing: 6 }));
  assert.match(paceWords(slow), /^4\.0 frames a second/);
});
