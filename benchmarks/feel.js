// The clock of feel.py: from a key event to the moment when what is watched has changed and every picture is decoded.

/**
 * Start the clock.
 *
 * @param {() => string | null | undefined} watched What changes in answer to a key.
 * @returns {number[]} Milliseconds from key to answer; grows with every answer.
 */
const startClock = (watched) => {
  const whole = () => [...document.images].every((image) => image.complete);
  /** @type {number[]} */
  const samples = [];
  /** @type {number | null} */
  let pressed = null;
  /** @type {string | null | undefined} */
  let before = null;
  document.addEventListener('keydown', () => { pressed = performance.now(); before = watched(); }, true);
  const look = () => {
    const now = watched();
    if (pressed !== null && now && now !== before && whole()) {
      samples.push(performance.now() - pressed);
      pressed = null;
    }
    requestAnimationFrame(look);
  };
  look();
  return samples;
};

Object.assign(window, { startClock });
