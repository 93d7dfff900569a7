// What live answers say of themselves, in words: whether this browser may answer, and what it answers.

/** @typedef {import('../../../cnn_core/browser/network.js').Parity} Parity */
/** @typedef {{ name: string, share: number, none: boolean }} Verdict */

/**
 * Write a share as people do; only what is certain is 100%.
 *
 * @param {number} value 0 to 1.
 * @example percent(0.984)  // '98%'
 */
export const percent = (value) => {
  if (value > 0.99 && value < 1) return `${Math.floor(1000 * value) / 10}%`;
  return `${Math.round(100 * value)}%`;
};

/**
 * Return an arm's answer: its likeliest class, or that it is none of them.
 *
 * @param {ArrayLike<number>} probabilities
 * @param {string[]} classes
 * @param {number} least The probability below which it is none.
 * @returns {Verdict}
 */
export const verdictOf = (probabilities, classes, least) => {
  let best = 0;
  for (let index = 1; index < classes.length; index += 1) if (probabilities[index] > probabilities[best]) best = index;
  return { name: classes[best], share: probabilities[best], none: probabilities[best] < least };
};

/**
 * Say it.
 *
 * @param {Verdict} verdict
 * @example verdictWords({ name: 'cat', share: 0.4, none: true })  // 'none of these (cat 40%)'
 */
export const verdictWords = ({ name, share, none }) =>
  none ? `none of these (${name} ${percent(share)})` : `${name} ${percent(share)}`;

/**
 * Return the classes of which bars are shown, by their numbers: all in their order, of many the likeliest.
 *
 * @param {ArrayLike<number>[]} answers Of each arm.
 * @param {number} classes How many there are.
 * @param {number} most That are shown.
 */
export const shownClasses = (answers, classes, most) => {
  const every = Array.from({ length: classes }, (_, index) => index);
  if (classes <= most) return every;
  const height = (/** @type {number} */ index) => Math.max(...answers.map((answer) => answer[index]));
  return every.sort((a, b) => height(b) - height(a)).slice(0, most);
};

/** @type {(pictures: number) => string} */
const onPictures = (pictures) => `on ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}`;

/** @type {(found: Parity) => string} */
const bitWords = ({ pictures, bits }) => {
  if (bits === null) return 'whether it sees the same to the bit can be checked on https:// or localhost only';
  const all = pictures === 1 ? 'it' : 'all of them';
  if (bits === pictures) return `what the network sees is equal to the bit on ${all}`;
  return `what the network sees is equal to the bit on ${bits}, this browser decodes the others a little differently`;
};

/**
 * Say whether this browser's network agrees with the server's, and so whether it may answer.
 *
 * @param {Parity} found
 * @param {number} tolerance The largest difference of a probability.
 * @returns {{ on: boolean, words: string }}
 */
export const agreement = (found, tolerance) => {
  const { pictures, worst } = found;
  if (!pictures) return { on: false, words: 'Live answers are off: this run has no test picture to check them by.' };
  if (!(worst <= tolerance)) {
    return {
      on: false,
      words: `Live answers are off: this browser differs from the server by ${worst.toPrecision(1)} `
        + `${onPictures(pictures)}, more than ${tolerance}; ${bitWords(found)}. `
        + 'The server answers photos that are dropped below.',
    };
  }
  const apart = worst ? `to ${worst.toExponential(0)}` : 'exactly';
  return { on: true, words: `Agrees with the server ${apart} ${onPictures(pictures)}; ${bitWords(found)}.` };
};

/**
 * Say below what an answer is none of the classes, and why there.
 *
 * @param {[title: string, least: number][]} arms
 */
export const noneWords = (arms) => {
  const each = arms.map(([title, least]) => `${percent(least)} (${title.toLowerCase()})`).join(', ');
  return `“None of these” is said below ${each}: 95 of 100 answers to the test pictures were at least so sure.`;
};

/**
 * Return frames a second, and milliseconds a frame, of the last ones.
 *
 * @param {{ at: number, took: number, seeing: number }[]} frames When each was done, and how long it took, in ms.
 */
export const paceWords = (frames) => {
  /** @type {(what: 'took' | 'seeing') => number} */
  const mean = (what) => frames.reduce((sum, each) => sum + each[what], 0) / frames.length;
  const span = frames.length > 1 ? (frames[frames.length - 1].at - frames[0].at) / (frames.length - 1) : 0;
  const rate = span ? `${(1000 / span).toFixed(span > 100 ? 1 : 0)} frames a second · ` : '';
  return `${rate}${mean('took').toFixed(0)} ms a frame, of which ${mean('seeing').toFixed(0)} to read and resize it`;
};
