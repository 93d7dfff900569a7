// What a convolution layer computes, as cnn_core/arithmetic/convolution.py has it, quick enough for a camera's frames.
// A picture is laid out once, with its border and by columns of one stride, so that a kernel's cell reads neighbours
// only; then any number of kernels go over it. All sums are float64, as NumPy's.

/**
 * @typedef {object} Settings How a kernel is laid on a picture.
 * @property {number} [stride] Step between two positions, in pixels.
 * @property {'valid' | 'same' | 'full'} [padding] Cells laid round the picture; of *same* the odd one goes after.
 * @property {number} [dilation] Distance between two cells of the kernel, in pixels.
 * @property {'zero' | 'reflect'} [edge] What the border is made of.
 * @property {boolean} [flip] Turn the kernel by 180° first, as mathematics has it.
 */
/**
 * @typedef {object} Laid A picture, ready for kernels of one size.
 * @property {Float64Array} values By channel, column modulo stride, row of the padded picture, column over stride.
 * @property {number} channels
 * @property {number} rows Of the map.
 * @property {number} columns Of the map.
 * @property {[number, number]} cells Height and width of the kernels.
 * @property {Required<Settings>} settings
 * @property {number} pitch Numbers from one row to the next.
 * @property {number} plane Numbers from one column modulo stride to the next.
 */
/** @typedef {ArrayLike<number>} Numbers */

/**
 * Return how many pixels are added along an axis, before and after.
 *
 * @type {(size: number, cells: number, settings: Required<Settings>) => [number, number]}
 * @example paddings(224, 3, { ...PLAIN, stride: 2, padding: 'same' })  // [0, 1]
 */
export const paddings = (size, cells, { stride, padding, dilation }) => {
  const span = (cells - 1) * dilation + 1;
  if (padding === 'full') return [span - 1, span - 1];
  if (padding === 'valid') return [0, 0];
  const added = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
  return [Math.floor(added / 2), Math.ceil(added / 2)];
};

/** A kernel laid on every place, and nothing round the picture. */
export const PLAIN = /** @type {Required<Settings>} */ (
  { stride: 1, padding: 'valid', dilation: 1, edge: 'zero', flip: false });

/**
 * Return which pixel each place of the padded axis shows; −1 for none, a zero.
 *
 * @type {(size: number, before: number, after: number, edge: 'zero' | 'reflect') => Int32Array}
 * @example bordered(3, 2, 1, 'reflect')  // [2, 1, 0, 1, 2, 1]: the outermost is not repeated
 */
export const bordered = (size, before, after, edge) => {
  const round = Math.max(1, 2 * (size - 1));
  return Int32Array.from({ length: before + size + after }, (_, place) => {
    const at = place - before;
    if (at >= 0 && at < size) return at;
    if (edge === 'zero') return -1;
    const folded = ((at % round) + round) % round;
    return Math.min(folded, round - folded) % size;
  });
};

/**
 * Lay a picture out for kernels of one size.
 *
 * @param {Numbers[]} planes A channel each, row by row.
 * @param {[number, number]} size Rows and columns.
 * @param {[number, number]} cells Height and width of the kernels.
 * @param {Settings} how
 * @param {Laid} [into] Of the frame before: its memory is used again where it has the size.
 * @returns {Laid}
 * @throws {Error} In a sentence, if the kernel does not fit.
 */
export const prepare = (planes, [height, width], cells, how = {}, into = undefined) => {
  const settings = { ...PLAIN, ...how }, { stride, dilation, edge } = settings;
  const [above, below] = paddings(height, cells[0], settings), [left, right] = paddings(width, cells[1], settings);
  const spans = cells.map((n) => (n - 1) * dilation + 1);
  const padded = [above + height + below, left + width + right];
  if (spans[0] > padded[0] || spans[1] > padded[1]) {
    throw new Error(
      `A kernel that spans ${spans.join(' × ')} does not fit into a picture of ${padded.join(' × ')}, ` +
      'padding included; make it smaller or pad the picture.');
  }
  const down = bordered(height, above, below, edge), across = bordered(width, left, right, edge);
  const pitch = Math.ceil(padded[1] / stride), plane = padded[0] * pitch, length = planes.length * stride * plane;
  const values = into?.values.length === length ? into.values.fill(0) : new Float64Array(length);
  planes.forEach((pixels, channel) => {
    for (let row = 0; row < padded[0]; row += 1) {
      if (down[row] < 0) continue;
      const from = down[row] * width;
      for (let phase = 0; phase < stride; phase += 1) {
        let to = (channel * stride + phase) * plane + row * pitch;
        for (let column = phase; column < padded[1]; column += stride, to += 1) {
          if (across[column] >= 0) values[to] = pixels[from + across[column]];
        }
      }
    }
  });
  const [rows, columns] = padded.map((n, axis) => Math.floor((n - spans[axis]) / stride) + 1);
  return { values, channels: planes.length, rows, columns, cells, settings, pitch, plane };
};

/**
 * Slide a kernel over a picture: Σ over channels and cells of weight times pixel, for each position.
 *
 * @param {Laid} laid
 * @param {Numbers} kernel By channel, row, column: as many channels as the picture has.
 * @param {Float64Array} [into] Where the map goes; a new one without.
 * @returns {Float64Array} Row by row.
 * @throws {Error} In a sentence, if the kernel is of another size.
 */
export const crossCorrelate = (laid, kernel, into = new Float64Array(laid.rows * laid.columns)) => {
  const { values, channels, rows, columns, cells, settings, pitch, plane } = laid, { stride, dilation } = settings;
  const [height, width] = cells, each = height * width;
  if (kernel.length !== channels * each || into.length !== rows * columns) {
    throw new Error(
      `Here a kernel has ${channels} × ${height} × ${width} cells and its map ${rows} × ${columns}; ` +
      `received ${kernel.length} and ${into.length} numbers.`);
  }
  /** @type {number[]} */
  const weights = [], places = [];
  for (let cell = 0; cell < kernel.length; cell += 1) {
    const channel = Math.floor(cell / each), within = cell - channel * each;
    const weight = kernel[settings.flip ? channel * each + each - 1 - within : cell];
    if (weight === 0) continue;  // most of the kernels that people know have some
    const row = Math.floor(within / width) * dilation, column = within % width * dilation;
    weights.push(weight);
    places.push((channel * stride + column % stride) * plane + row * pitch + Math.floor(column / stride));
  }
  while (weights.length % 4) {
    weights.push(0);
    places.push(0);
  }
  into.fill(0);
  for (let row = 0; row < rows; row += 1) {
    const from = row * stride * pitch, to = row * columns;
    for (let n = 0; n < weights.length; n += 4) {  // four cells at once: the sum is fetched and put back less often
      const a = weights[n], b = weights[n + 1], c = weights[n + 2], d = weights[n + 3];
      const p = places[n] + from, q = places[n + 1] + from, r = places[n + 2] + from, s = places[n + 3] + from;
      for (let x = 0; x < columns; x += 1) {
        into[to + x] += a * values[p + x] + b * values[q + x] + c * values[r + x] + d * values[s + x];
      }
    }
  }
  return into;
};

/**
 * Change a map in place to what a layer hands on: scale · sum + shift, with ReLU nothing below 0 or above a ceiling.
 *
 * @param {Float64Array} map
 * @param {{ scale?: number, shift?: number, relu?: boolean, ceiling?: number }} how
 * @returns {Float64Array} The same.
 * @example activated(Float64Array.of(-1, 2), { scale: 2, relu: true, ceiling: 3 })  // [0, 3]
 */
export const activated = (map, { scale = 1, shift = 0, relu = false, ceiling = Infinity } = {}) => {
  if (scale === 1 && shift === 0 && !relu) return map;
  const least = relu ? 0 : -Infinity, most = relu ? ceiling : Infinity;
  for (let n = 0; n < map.length; n += 1) map[n] = Math.min(most, Math.max(least, map[n] * scale + shift));
  return map;
};

/** Brightness of red, green and blue: ITU-R BT.601, as Pillow's "L". */
const BRIGHT = [0.299, 0.587, 0.114];

/**
 * Return what kernels see of a frame: one plane, or all three colours.
 *
 * @param {{ data: Numbers, width: number, height: number }} image RGBA, 0 to 255.
 * @param {'grey' | 'red' | 'green' | 'blue' | 'colours'} channel
 * @param {[number, number]} rescaled Less the first and over the second: [0, 255] gives 0 to 1.
 * @returns {Float64Array[]}
 */
export const planesOf = ({ data, width, height }, channel, [less, over] = [0, 255]) => {
  const length = width * height;
  const one = (/** @type {number} */ at) => {
    const plane = new Float64Array(length);
    for (let n = 0, from = at; n < length; n += 1, from += 4) plane[n] = (data[from] - less) / over;
    return plane;
  };
  if (channel === 'colours') return [0, 1, 2].map(one);
  if (channel !== 'grey') return [one(['red', 'green', 'blue'].indexOf(channel))];
  const grey = new Float64Array(length), [red, green, blue] = BRIGHT;
  for (let n = 0, from = 0; n < length; n += 1, from += 4) {
    grey[n] = (red * data[from] + green * data[from + 1] + blue * data[from + 2] - less) / over;
  }
  return [grey];
};

/**
 * Return the largest difference between two maps, infinite where one has no number, and the second's largest value.
 *
 * @type {(map: Numbers, other: Numbers) => { difference: number, largest: number }}
 * @throws {Error} In a sentence, if they are of different lengths.
 */
export const compared = (map, other) => {
  if (map.length !== other.length) {
    throw new Error(`The map has ${map.length} cells here, and ${other.length} on the server.`);
  }
  let difference = 0, largest = 0;
  for (let n = 0; n < map.length; n += 1) {
    const gap = Math.abs(map[n] - other[n]);
    if (!(gap <= difference)) difference = Number.isNaN(gap) ? Infinity : gap;
    largest = Math.max(largest, Math.abs(other[n]));
  }
  return { difference, largest };
};
