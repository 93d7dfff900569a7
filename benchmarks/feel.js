// The clock of feel.py: from a key event to the moment when what is watched has changed and every picture is decoded.

/**
 * Find an element, also within a component.
 *
 * @param {string} selector
 * @param {string} text That it contains.
 * @returns {Element | undefined}
 */
const find = (selector, text) => {
  const inside = [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
    .flatMap((host) => host.shadowRoot ?? []);
  return [document, ...inside]
    .flatMap((root) => [...root.querySelectorAll(selector)])
    .find((element) => element.textContent?.includes(text));
};

/**
 * Return what a reader sees of an element: a picture's address, a line's path, a text.
 *
 * @param {Element | undefined} element
 * @returns {string | null | undefined}
 */
const look = (element) => element?.getAttribute('src') ?? element?.getAttribute('d') ?? element?.textContent;

/**
 * Return a letter for each element of the page, the watched one's in capitals.
 *
 * @param {string} selector
 * @param {string} text
 * @returns {string}
 */
const shape = (selector, text) => {
  const watched = find(selector, text);
  const kinds = { p: 'img', c: '.js-plotly-plot', w: 'button, input, [role=slider], textarea' };
  return [...document.querySelectorAll('[data-testid=stElementContainer]')]
    .map((element) => {
      const kind = Object.entries(kinds).find(([, each]) => element.querySelector(each))?.[0] ?? 't';
      const root = watched?.getRootNode();
      const outer = root instanceof ShadowRoot ? root.host : watched;
      return outer && element.contains(outer) ? kind.replace('w', 't').toUpperCase() : kind;
    })
    .join('');
};

/**
 * Start the clock.
 *
 * @param {string} selector Of what changes in answer to a key: the first such element.
 * @param {string} text That it contains.
 * @returns {number[]} Milliseconds from key to answer; grows with every answer.
 */
const startClock = (selector, text) => {
  const whole = () => [...document.images].every((image) => image.complete);
  /** @type {number[]} */
  const samples = [];
  /** @type {number | null} */
  let pressed = null;
  /** @type {string | null | undefined} */
  let before = null;
  document.addEventListener('keydown', () => {
    pressed = performance.now();
    before = look(find(selector, text));
  }, true);
  const tick = () => {
    const now = look(find(selector, text));
    if (pressed !== null && now && now !== before && whole()) {
      samples.push(performance.now() - pressed);
      pressed = null;
    }
    requestAnimationFrame(tick);
  };
  tick();
  return samples;
};

Object.assign(window, { shape, startClock });
