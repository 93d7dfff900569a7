import type { Sheet, Tile } from '../parts/tiles.js';

/** How a cell of the output lies on another panel, along rows and columns: what it reads there, or sees. */
export interface Window {
  size: [number, number];
  stride: [number, number];
  /** Cells of padding above and left. */
  before: [number, number];
  dilation: [number, number];
}

/** First column and row of a grid, from 1, and how many of each. */
export type Slot = [column: number, row: number, columns: number, rows: number];

export interface Step extends Tile {
  /** Where a click leads. */
  go: string;
  /** Row and column of the cell that is shown on the picture while one looks at the tile. */
  at?: [number, number];
}

export interface Panel {
  /** A place where it has one: the tile on a sheet and the large map of the next scene are then the same thing. */
  id: string;
  kind: 'picture' | 'sheet' | 'steps' | 'map' | 'number' | 'bars';
  wide: Slot;
  /** On a phone; not shown there if there is none. */
  narrow: Slot | null;
  title: string;
  /** Spoken, and in the lens. */
  about: string;
  /** A title within the picture's corner: where there are many small ones. */
  small?: boolean;
  /** Where it stands in its slot, or that it is a kernel. */
  look?: '' | 'start' | 'end' | 'kernel';
  /** Of a picture. */
  source?: string;
  /** Name of a sheet, and which of its tiles. */
  sheet?: string;
  index?: number;
  /** Rows and columns of cells. */
  shape?: [number, number];
  tiles?: Step[];
  /** Least width of a tile, in pixels. */
  tile?: number;
  /** What is read in place of a picture, or on it. */
  text?: string;
  /** Names and shares, 0 to 1. */
  bars?: { title: string; share: number; go?: string }[];
  /** The output's numbers, float32, row by row, in base64. */
  values?: string;
  go?: string;
  window?: Window;
}

export interface Join {
  from: string;
  to: string;
  text: string;
}

export interface Scene {
  /** Of the whole, spoken. */
  label: string;
  level: 0 | 1 | 2 | 3;
  /** Of the map or layer; of level 3 without the cell. */
  place: string;
  trail: { place: string; title: string }[];
  /** Row and column of the cell: taken up when it changes. */
  at: [number, number] | null;
  /** Whether all cells of the output make one number: there is one cell to go into. */
  single?: boolean;
  sheets: Record<string, Sheet>;
  /** Columns of the grid, as CSS has them. */
  wide: string[];
  narrow: string[];
  panels: Panel[];
  joins: Join[];
}

/** What is remembered between two runs. */
export interface State {
  /** Of the scene that is drawn: all but the cell. */
  drawn: string;
  scene: Scene;
  at: [number, number];
  /** Whether the pointer no longer moves the cell. */
  held: boolean;
  /** The cell by which the page has the reader come in; what is moved from there, it learns and sends not back. */
  entered: string;
  /** Tells Python: what was drawn once is told by the function of the last run. */
  send: (name: 'go' | 'at', value: string) => void;
  rest?: ReturnType<typeof setTimeout>;
  ghost?: HTMLElement;
  observer?: ResizeObserver;
}
