// The pixels of a picture file, as the server has them: upright, on white, colour profiles not applied.

import { turned } from './resample.js';

/**
 * Decode a picture file.
 *
 * @param {Blob} blob A file that the browser knows; EXIF data of its own turns it.
 * @param {number} [orientation] EXIF orientation, 1 to 8, of a file that is kept without such data.
 * @returns {Promise<ImageData>} Upright, opaque; transparent parts lie on white.
 * @throws {Error} What the browser says of a file that it cannot read.
 */
export async function pixelsOf(blob, orientation = 1) {
  const bitmap = await createImageBitmap(
    blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none', imageOrientation: 'from-image' });
  const { width, height } = bitmap;
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = pen.getImageData(0, 0, width, height), upright = turned(image, orientation);
  return upright === image ? image : new ImageData(upright.data, upright.width, upright.height);
}
