/** Windows along one axis; a square has the same along both. */
export interface Data {
  /** Input cells by number, null for a zero that was put in. */
  line: (number | null)[];
  /** How many of the zeros are padding before the first cell, */
  before: number;
  /** and after the last. */
  after: number;
  /** Places in the line that each of them reads. */
  windows: number[][];
  /** How many windows read each place. */
  reads: number[];
  dimensions: 1 | 2;
  /** Row and column where it goes whenever this changes. */
  at?: [number, number] | null;
}

export interface State {
  i: number;
  j: number;
  /** Where the window is drawn, in cells: between two places while it glides. */
  y: number;
  x: number;
  /** What the page has last said of where it is, or has been told. */
  at: string;
  /** Runs while it plays. */
  timer?: ReturnType<typeof setInterval>;
  /** Runs until it has come to rest. */
  rest?: ReturnType<typeof setTimeout>;
  /** Of the animation. */
  frame?: number;
  observer?: ResizeObserver;
}
