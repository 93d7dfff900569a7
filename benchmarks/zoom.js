// The clock of zoom.py: from what a reader does to the moment when the scene that it leads to is drawn, its pictures
// decoded and its products there; and the frames that the browser draws while things fly.

/**
 * @typedef {object} Took
 * @property {number} shown Milliseconds until the new scene was there.
 * @property {number[]} moving Milliseconds since then at which frames were drawn while something moved.
 */
/** @typedef {HTMLElement & { state?: import('../ui/widgets/zoom/types').State }} Walk */

/** @returns {Walk | undefined} */
const walk = () => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
  .flatMap((host) => /** @type {Walk | null} */ (host.shadowRoot?.querySelector('.zoom')) ?? [])[0];
const formula = () => document.querySelector('.formula')?.textContent ?? '';
/** Which scene is drawn, and which products. */
const scene = () => {
  const state = walk()?.state;
  return state ? `${state.drawn} ${state.scene.at} ${state.scene.level === 3 ? formula() : ''}` : '';
};
const decoded = () => Promise.all(Object.values(walk()?.state?.scene.sheets ?? {}).map(({ source }) => {
  const image = new Image();
  image.src = source;
  return image.decode();
}));
const moves = () => {
  const within = /** @type {ShadowRoot | undefined} */ (walk()?.getRootNode());
  const running = within?.getAnimations().filter((each) => each.playState === 'running') ?? [];
  return running.some((each) => !(each instanceof CSSTransition));
};

/**
 * Start the clock at the next event of a kind.
 *
 * @param {string} kind
 */
const arm = (kind) => {
  const clock = { took: /** @type {Took | null} */ (null) }, before = scene();
  Object.assign(window, { clock });
  addEventListener(kind, () => {
    const pressed = performance.now();
    /** @type {number[]} */
    const moving = [];
    let shown = 0, waiting = false;
    const there = () => {
      const here = walk(), level = here?.state?.scene.level;
      if (!here || here.classList.contains('waiting') || scene() === before) return false;
      return level !== 3 || formula() !== '';
    };
    const tick = () => {
      const now = performance.now() - pressed, moved = moves();
      if (moved) moving.push(now);
      if (!shown && !waiting && there()) {
        waiting = true;
        decoded().then(() => requestAnimationFrame(() => { shown = performance.now() - pressed; }));
      }
      if (shown && !moved) clock.took = { shown, moving };
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }, { capture: true, once: true });
};

Object.assign(window, { arm });
