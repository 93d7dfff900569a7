// What moves between two pictures of one thing: it flies from where it was to where it is, and what is new fades in.

/** Milliseconds of a flight, and how many fly at most. */
const FLIGHT = 300, FLYING = 20;

/** Whether nothing may move: the reader has said so, or this browser cannot. */
export const still = () => !('animate' in Element.prototype) || matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * Return where things are, by their ids: those that are wanted, of two with one id the first.
 *
 * @type {(things: Iterable<HTMLElement>, wanted: Set<string>) => Map<string, DOMRect>}
 */
export const places = (things, wanted) => {
  const found = new Map();
  for (const thing of things) {
    const { id } = thing.dataset;
    if (id && wanted.has(id) && !found.has(id)) found.set(id, thing.getBoundingClientRect());
  }
  return found;
};

/**
 * Return how a thing is drawn at `from` while it lies at `to`; nothing if either has no size.
 *
 * @type {(from: DOMRect, to: DOMRect) => string}
 */
export const moved = (from, to) => from.width && to.width
  ? `translate(${from.left - to.left}px, ${from.top - to.top}px) ` +
    `scale(${from.width / to.width}, ${from.height / to.height})`
  : '';

/**
 * Let things fly from where those with their ids were.
 *
 * @type {(before: Map<string, DOMRect>, things: Iterable<HTMLElement>) => void}
 */
export const fly = (before, things) => {
  if (still() || !before.size) return;
  /** @type {[HTMLElement, string][]} */
  const flights = [];
  const seen = new Set();
  for (const thing of things) {
    const { id } = thing.dataset, from = id && before.get(id);
    if (!id || !from || seen.has(id) || flights.length === FLYING) continue;
    seen.add(id);
    const transform = moved(from, thing.getBoundingClientRect());  // all are read before the first is moved
    if (transform && transform !== 'translate(0px, 0px) scale(1, 1)') flights.push([thing, transform]);
  }
  for (const [thing, transform] of flights) {
    const ends = [transform, 'none'].map((each) => ({ transform: each, transformOrigin: '0 0', zIndex: 3 }));
    thing.animate(ends, { duration: FLIGHT, easing: 'cubic-bezier(0.2, 0, 0.2, 1)' });
  }
};

/**
 * Let things come into sight.
 *
 * @type {(things: Iterable<HTMLElement>) => void}
 */
export const appear = (things) => {
  if (still()) return;
  for (const thing of things) thing.animate([{ opacity: 0 }, { opacity: 1 }], { duration: FLIGHT, easing: 'ease-out' });
};

/**
 * Let what was clicked grow at once, from the pixels that are there, until what it leads to has come.
 *
 * @type {(tile: HTMLElement, within: HTMLElement, side: number) => HTMLElement | undefined}
 */
export const grow = (tile, within, side) => {
  if (still()) return undefined;
  const from = tile.getBoundingClientRect(), room = within.getBoundingClientRect();
  if (!from.width) return undefined;
  const scale = side / Math.max(from.width, from.height), ghost = document.createElement('div');
  const to = { x: room.left + (room.width - from.width * scale) / 2, y: Math.max(room.top, 60) };
  const { backgroundImage, backgroundSize, backgroundPosition } = tile.style;
  ghost.className = `${tile.className} ghost`;
  ghost.dataset.id = tile.dataset.id;
  ghost.setAttribute('aria-hidden', 'true');
  Object.assign(ghost.style, {
    backgroundImage, backgroundSize, backgroundPosition,
    left: `${from.left}px`, top: `${from.top}px`, width: `${from.width}px`, height: `${from.height}px`,
  });
  within.append(ghost);
  const transform = `translate(${to.x - from.left}px, ${to.y - from.top}px) scale(${scale})`;
  const frames = [{ transform: 'none', transformOrigin: '0 0' }, { transform, transformOrigin: '0 0' }];
  ghost.animate(frames, { duration: FLIGHT, easing: 'cubic-bezier(0.2, 0, 0.2, 1)', fill: 'forwards' });
  return ghost;
};
