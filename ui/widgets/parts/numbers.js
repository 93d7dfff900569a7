// Numbers, as several components read and bound them.

/**
 * Keep a number between two.
 *
 * @type {(value: number, least: number, most: number) => number}
 * @example clamp(9, 0, 5)  // 5
 */
export const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * Read float32 numbers out of base64.
 *
 * @param {string} text
 */
export const decode = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
