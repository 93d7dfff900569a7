export interface Data {
  /** Float32 cells of the picture, row by row, in base64. */
  values: string;
  height: number;
  width: number;
  /** As it is laid on the picture. */
  kernel: number[][] | null;
  mode: 'conv' | 'max' | 'average' | 'l2';
  /** Height and width. */
  window: [number, number];
  stride: number;
  dilation: number;
  /** Cells above, left, below, right. */
  pad: [number, number, number, number];
  edge: 'zero' | 'reflect';
  /** Row and column of the output where it begins. */
  start?: [number, number];
  /** Row and column where it goes whenever this changes. */
  at?: [number, number] | null;
}

/** One of a window's. */
export interface Cell {
  y: number;
  x: number;
  value: number;
  pad: boolean;
  weight: number;
}

/** The part of a grid that is shown. */
export interface View {
  rows: number;
  columns: number;
  /** Of a cell, in pixels. */
  size: number;
  /** First row. */
  top: number;
  /** First column. */
  left: number;
}

/** Where the stepper is: the row and column of its output. */
export interface State {
  i: number;
  j: number;
  /** Where the pointer looks meanwhile. */
  peek?: { i: number; j: number };
  /** A click holds the window while the pointer moves on. */
  held?: boolean;
  /** What is shown while the pointer is in it. */
  over?: { input: View; output: View };
  /** What the page has last said of it, or has been told. */
  at: string;
  /** Runs while it plays. */
  timer?: ReturnType<typeof setInterval>;
  /** Runs until it has come to rest. */
  rest?: ReturnType<typeof setTimeout>;
  observer?: ResizeObserver;
}
