import type { Camera, Facing } from '../../../cnn_core/browser/camera.js';
import type { Settings } from '../../../cnn_core/browser/convolve.js';

/** What the server sends: how to look, and what it sees itself in a frame of its own. */
export interface Data {
  /** The server's frame: red, green and blue, a byte each, in base64. */
  frame: { pixels: string; height: number; width: number };
  /** What of a frame the kernels read. */
  channel: 'grey' | 'red' | 'green' | 'blue' | 'colours';
  /** Pixels are taken less the first and over the second. */
  rescaled: [number, number];
  /** By channel, row, column. */
  kernels: number[][];
  cells: [number, number];
  how: Settings;
  /** What is done to each map's sums; empty for nothing. */
  scale: number[];
  shift: number[];
  relu: boolean;
  /** Of ReLU; null for none. */
  ceiling: number | null;
  /** The server's maps of its frame, float32 in base64, one after another. */
  expected: string;
  /** The largest difference that is allowed, of a map whose values are 1 at most; of others, in parts of them. */
  tolerance: number;
  /** The map that is shown large. */
  chosen: number;
}

export interface Frame {
  data: ArrayLike<number>;
  width: number;
  height: number;
}

/** How one looks with these settings. */
export interface Sight {
  /** Take a frame in; the maps are made when they are asked for. */
  take(frame: Frame): void;
  /** What the kernels read of it: a plane, or three. */
  planes(): Float64Array[];
  /** Rows and columns of a map. */
  size(): [number, number];
  map(at: number): Float64Array;
  count: number;
}

export interface Checked {
  /** In parts of the largest value, where that is above 1. */
  difference: number;
  /** What is said of it. */
  words: string;
  good: boolean;
}

export interface State {
  camera?: Camera;
  opening?: boolean;
  facing: Facing;
  trouble: string;
  /** The map that was drawn large last, and which small one is drawn next. */
  last?: Float64Array;
  next: number;
  chosen: number;
  told: number;
  /** Value of the full colour, of each map. */
  limits: number[];
  /** When the last frames were done, and how long each took: milliseconds. */
  ends: number[];
  took: number[];
  paced: number;
  shown?: (frame: Frame) => void;
  said?: () => void;
  still?: () => void;
  canvas?: HTMLCanvasElement;
  watch?: ReturnType<typeof setInterval>;
}
