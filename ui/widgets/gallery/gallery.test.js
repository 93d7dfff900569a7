import assert from 'node:assert/strict';
import { test } from 'node:test';
import component, { step, toggled } from './gallery.js';
import { open } from '../testing.js';

const PICTURES = ['a', 'b', 'c'].map((id) => ({ id, name: `${id}.png`, jpeg: 'AAAA' }));

const gallery = () => {
  const page = open('gallery', component);
  const buttons = () => /** @type {HTMLButtonElement[]} */ (page.all('button'));
  return { ...page, buttons, pressed: () => buttons().map((button) => button.getAttribute('aria-pressed')) };
};

test('choosing adds to the end, and choosing again takes away', () => {
  assert.deepEqual(toggled([], 'a'), ['a']);
  assert.deepEqual(toggled(['a', 'b'], 'c'), ['a', 'b', 'c']);
  assert.deepEqual(toggled(['a', 'b', 'c'], 'b'), ['a', 'c']);
});

test('what is chosen is marked, and a click sends all that is chosen', () => {
  const { run, buttons, pressed, sent } = gallery();
  run({ pictures: PICTURES, chosen: ['b'] });
  assert.deepEqual(pressed(), ['false', 'true', 'false']);
  buttons()[2].click();
  buttons()[1].click();
  assert.deepEqual(pressed(), ['false', 'false', 'true']);
  assert.deepEqual(sent, [['chosen', ['b', 'c']], ['chosen', ['c']]]);
});

test('the answer to a choice leaves the keyboard where it was', () => {
  const { run, buttons, focused, all } = gallery();
  run({ pictures: PICTURES, chosen: [] });
  buttons()[1].focus();
  run({ pictures: PICTURES, chosen: ['b'] });
  assert.equal(all('figure').length, 3);
  assert.equal(focused(), buttons()[1]);
  run({ pictures: PICTURES.slice(2), chosen: [] });
  assert.equal(focused(), document.body, 'the picture is gone');
});

test('a name is text, whatever stands in it', () => {
  const { run, all, find } = gallery();
  const evil = '<img src=x onerror=alert(1)>';
  run({ pictures: [{ id: 'a', name: evil, jpeg: 'AAAA' }], chosen: [] });
  assert.equal(find('img').getAttribute('alt'), evil);
  assert.equal(find('img').getAttribute('src'), 'data:image/jpeg;base64,AAAA');
  assert.equal(all('img').length, 1);
});

test('however many pictures, they are one stop of the keyboard, which arrow keys move', () => {
  const { run, buttons, press, focused } = gallery();
  const stops = () => buttons().map((button) => button.tabIndex);
  run({ pictures: PICTURES, chosen: [], label: 'Pictures of cats' });
  assert.deepEqual(stops(), [0, -1, -1]);
  buttons()[0].focus();
  assert.ok(press(buttons()[0], 'ArrowRight'), 'the page must not scroll');
  assert.equal(focused(), buttons()[1]);
  assert.deepEqual(stops(), [-1, 0, -1]);
  press(buttons()[1], 'End');
  assert.equal(focused(), buttons()[2]);
  assert.ok(!press(buttons()[2], 'ArrowRight'), 'there is no further');
  run({ pictures: PICTURES, chosen: ['c'], label: 'Pictures of cats' });
  assert.deepEqual(stops(), [-1, -1, 0], 'the answer to a choice leaves the stop where it was');
  buttons()[1].click();
  assert.deepEqual(stops(), [-1, 0, -1], 'a click moves it');
});

test('arrow keys go down and up by rows', () => {
  assert.deepEqual(['ArrowDown', 'ArrowUp', 'Home', 'End', 'x'].map((key) => step(key, 3, 3, 7)), [6, 0, 0, 6, 3]);
  assert.equal(step('ArrowDown', 5, 3, 7), 5);
});

test('a tile after the pictures tells which it is, and is reached by the same arrow keys', () => {
  const { run, buttons, sent, press, focused, find } = gallery();
  const acts = [{ id: 'all', title: '+9', about: '+9: show all 12' }];
  run({ pictures: PICTURES, chosen: [], label: 'Pictures of cats', acts });
  assert.equal(find('.sheet').getAttribute('aria-label'), 'Pictures of cats: arrow keys move, Space chooses');
  buttons()[2].focus();
  press(buttons()[2], 'ArrowRight');
  assert.equal(focused()?.getAttribute('aria-label'), '+9: show all 12');
  /** @type {HTMLButtonElement} */ (focused()).click();
  assert.deepEqual(sent, [['act', 'all']]);
});
