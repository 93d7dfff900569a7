// The middle of a picture as a network sees it: Pillow's bicubic filter, to the bit (cnn_core/pictures/picture.square).

/** @typedef {{ data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number }} Pixels RGBA */
/** @typedef {{ first: Int32Array, count: Int32Array, weights: Int32Array, taps: number }} Filter */

/** Bits behind the point of a weight; half of the last one. Pillow's PRECISION_BITS: 32 - 8 - 2. */
const WEIGHT_BITS = 22, HALF_BIT = 1 << (WEIGHT_BITS - 1);
/** Keys cubic convolution, a = -0.5: how far it reaches, in pixels. */
const REACH = 2, KEYS_A = -0.5;

/** @type {(distance: number) => number} */
const bicubic = (distance) => {
  const x = Math.abs(distance);
  if (x < 1) return ((KEYS_A + 2) * x - (KEYS_A + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * KEYS_A : 0;
};

/**
 * Round to the nearest whole number, halves to the even one, as Python does.
 *
 * @param {number} value
 * @example [0.5, 1.5, 2.4].map(roundEven)  // [0, 2, 2]
 */
export function roundEven(value) {
  const below = Math.floor(value), rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/** @type {(value: number) => number} */
const clip8 = (value) => {
  const whole = value >> WEIGHT_BITS;
  return whole < 0 ? 0 : whole > 255 ? 255 : whole;
};

/**
 * Return the weights with which `length` pixels become `scaled`, of `count` of these from the one at `start`.
 *
 * @type {(length: number, scaled: number, start: number, count: number) => Filter}
 */
const filterOf = (length, scaled, start, count) => {
  const scale = length / scaled, spread = Math.max(scale, 1), support = REACH * spread, narrow = 1 / spread;
  const taps = 2 * Math.ceil(support) + 1, weights = new Int32Array(count * taps), exact = new Float64Array(taps);
  const first = new Int32Array(count), counts = new Int32Array(count);
  for (let index = 0; index < count; index += 1) {
    const centre = (start + index + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const many = Math.min(Math.trunc(centre + support + 0.5), length) - low;
    let sum = 0;
    for (let tap = 0; tap < many; tap += 1) {
      exact[tap] = bicubic((tap + low - centre + 0.5) * narrow);
      sum += exact[tap];
    }
    for (let tap = 0; tap < many; tap += 1) {
      const weight = (sum === 0 ? exact[tap] : exact[tap] / sum) * (1 << WEIGHT_BITS);
      weights[index * taps + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[index] = low;
    counts[index] = many;
  }
  return { first, count: counts, weights, taps };
};

/** @type {Map<string, Filter>} Of the last few frames: the next has the same size. */
const filters = new Map();

/** @type {typeof filterOf} */
const keptFilter = (length, scaled, start, count) => {
  const key = [length, scaled, start, count].join(), kept = filters.get(key);
  if (kept) return kept;
  if (filters.size >= 16) filters.clear();
  const made = filterOf(length, scaled, start, count);
  filters.set(key, made);
  return made;
};

/**
 * Filter RGBA pixels along the rows, then along the columns.
 *
 * @type {(image: Pixels, across: Filter, down: Filter, size: number) => Uint8Array<ArrayBuffer>}
 */
const filtered = ({ data, width }, across, down, size) => {
  const top = down.first[0], bottom = down.first[size - 1] + down.count[size - 1], long = 3 * size;
  const narrow = new Uint8Array((bottom - top) * long);  // 8 bits between the passes, as Pillow has it
  for (let row = top; row < bottom; row += 1) {
    for (let column = 0, at = (row - top) * long; column < size; column += 1, at += 3) {
      let red = HALF_BIT, green = HALF_BIT, blue = HALF_BIT, from = 4 * (row * width + across.first[column]);
      const start = column * across.taps, end = start + across.count[column];
      for (let tap = start; tap < end; tap += 1, from += 4) {
        const weight = across.weights[tap];
        red = (red + Math.imul(weight, data[from])) | 0;
        green = (green + Math.imul(weight, data[from + 1])) | 0;
        blue = (blue + Math.imul(weight, data[from + 2])) | 0;
      }
      narrow[at] = clip8(red);
      narrow[at + 1] = clip8(green);
      narrow[at + 2] = clip8(blue);
    }
  }

  const found = new Uint8Array(size * long), sums = new Int32Array(long);
  for (let row = 0; row < size; row += 1) {
    sums.fill(HALF_BIT);
    for (let tap = 0; tap < down.count[row]; tap += 1) {
      const weight = down.weights[row * down.taps + tap], from = (down.first[row] - top + tap) * long;
      for (let at = 0; at < long; at += 1) sums[at] += Math.imul(weight, narrow[from + at]);
    }
    for (let at = 0; at < long; at += 1) found[row * long + at] = clip8(sums[at]);
  }
  return found;
};

/** @type {(bytes: Uint8Array, size: number) => Uint8Array<ArrayBuffer>} Rows and columns of a square changed over. */
const transposed = (bytes, size) => {
  const found = new Uint8Array(bytes.length);
  for (let row = 0, at = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1, at += 3) {
      const from = 3 * (column * size + row);
      for (let channel = 0; channel < 3; channel += 1) found[at + channel] = bytes[from + channel];
    }
  }
  return found;
};

/**
 * Return the middle of a picture as a network is evaluated on it: the shorter side is scaled to
 * round(size / cropFraction), and the central square taken. Only what the square shows is computed.
 *
 * Where the height loses more than twice as many pixels as the width, Pillow (from 13 on) filters the columns first;
 * that is the same as rows first in the transposed picture.
 *
 * @param {Pixels} image RGBA; alpha is not looked at.
 * @param {number} size The network's input, in pixels.
 * @param {number} cropFraction Share of the shorter side that is kept, above 0 and at most 1.
 * @returns {Uint8Array<ArrayBuffer>} size · size · 3, by row, column and channel.
 * @throws {RangeError}
 */
export function square(image, size, cropFraction) {
  const { width, height } = image;
  if (!(Number.isInteger(size) && size >= 1 && cropFraction > 0 && cropFraction <= 1 && width && height)) {
    throw new RangeError(`A square needs a picture, a whole size from 1 and a crop in (0, 1]; received ${width} x `
      + `${height} pixels, ${size} and ${cropFraction}.`);
  }
  const shorter = roundEven(size / cropFraction), least = Math.min(width, height);
  const [tall, wide] = [height, width].map((side) => Math.floor(side * shorter / least));
  const across = keptFilter(width, wide, roundEven((wide - size) / 2), size);
  const down = keptFilter(height, tall, roundEven((tall - size) / 2), size);
  const columnsFirst = height > tall && height - tall > 2 * (width - wide);
  return columnsFirst ? transposed(filtered(turned(image, 5), down, across, size), size)
    : filtered(image, across, down, size);
}

/**
 * Return what `square` gives as the numbers that a network takes; it prepares them itself.
 *
 * @param {Uint8Array} bytes
 * @returns {Float32Array<ArrayBuffer>}
 */
export function tensor(bytes) {
  return Float32Array.from(bytes);
}

/**
 * Turn a picture upright.
 *
 * @template {Pixels} P
 * @param {P} image RGBA.
 * @param {number} orientation EXIF orientation of its pixels, 1 to 8; others leave it as it is.
 * @returns {P | Pixels} The same picture where there is nothing to turn.
 */
export function turned(image, orientation) {
  if (!(orientation >= 2 && orientation <= 8)) return image;
  const { data, width, height } = image, lies = orientation >= 5;
  const [wide, tall] = lies ? [height, width] : [width, height];
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height), to = new Uint32Array(width * height);
  for (let row = 0, at = 0; row < tall; row += 1) {
    for (let column = 0; column < wide; column += 1, at += 1) {
      let [y, x] = lies ? [column, row] : [row, column];
      if ([2, 3, 7, 8].includes(orientation)) x = width - 1 - x;
      if ([3, 4, 6, 7].includes(orientation)) y = height - 1 - y;
      to[at] = from[y * width + x];
    }
  }
  return { data: new Uint8ClampedArray(to.buffer), width: wide, height: tall };
}
