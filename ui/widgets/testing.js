// A page without a browser, for the tests of the components: jsdom, and a stand-in for what it lacks.

import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

/** Stands in for a canvas's context: takes every call, gives black pixels, and writes letters of 0.6 em. */
const pen = () => {
  /** @type {Record<string | symbol, unknown>} */
  const set = {};
  const pixels = (/** @type {number} */ width, /** @type {number} */ height) =>
    ({ data: new Uint8ClampedArray(4 * width * height) });
  const measured = (/** @type {string} */ text) => ({ width: 0.6 * parseFloat(String(set.font)) * text.length });
  return new Proxy(set, {
    get: (_, name) => {
      if (name === 'createImageData') return pixels;
      if (name === 'getImageData') return (/** @type {number[]} */ ...[, , width, height]) => pixels(width, height);
      if (name === 'measureText') return measured;
      return set[name] ?? (() => {});
    },
  });
};

/** Stands in for an observer of sizes: sizes change when a test says so, and it is known who watches. */
class Watcher {
  /** @type {Set<Watcher>} */
  static watching = new Set();

  /** @param {() => void} ring */
  constructor(ring) {
    this.ring = ring;
  }

  observe() {
    Watcher.watching.add(this);
  }

  disconnect() {
    Watcher.watching.delete(this);
  }
}

/** Stands in for the clock: time passes when a test says so. */
const clock = () => {
  /** @type {Map<number, { at: number, every: number | null, ring: () => void }>} */
  const timers = new Map();
  let now = 0, last = 0;
  /** @type {(ring: () => void, after: number, every: number | null) => number} */
  const start = (ring, after, every) => {
    last += 1;
    timers.set(last, { at: now + after, every, ring });
    return last;
  };
  const stop = (/** @type {number} */ timer) => timers.delete(timer);
  return {
    timers: {
      setTimeout: (/** @type {() => void} */ ring, /** @type {number} */ after) => start(ring, after, null),
      setInterval: (/** @type {() => void} */ ring, /** @type {number} */ every) => start(ring, every, every),
      clearTimeout: stop,
      clearInterval: stop,
    },
    pass: (/** @type {number} */ milliseconds) => {
      const end = now + milliseconds;
      const due = () => [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at).at(0);
      for (let next = due(); next; next = due()) {
        const [name, timer] = next;
        now = timer.at;
        if (timer.every === null) timers.delete(name);
        else timer.at += timer.every;
        timer.ring();
      }
      now = end;
    },
  };
};

/**
 * Open a page that holds a component, as Streamlit mounts it.
 *
 * @template {{ data: unknown, setTriggerValue: (...message: never) => void }} Args
 * @param {string} name Of the component: its HTML is taken from `<name>/<name>.html`.
 * @param {(args: Args) => void} component
 * @param {{ motion?: boolean, search?: string }} [how] Whether the reader lets things move; what the address asks.
 */
export const open = (name, component, { motion = false, search = '' } = {}) => {
  const html = readFileSync(new URL(`${name}/${name}.html`, import.meta.url), 'utf8');
  const { window } = new JSDOM(`<main>${html}</main>`, { pretendToBeVisual: true, url: `http://app/${search}` });
  const { document, getComputedStyle, requestAnimationFrame, cancelAnimationFrame, Element, Image } = window;
  const matchMedia = () => ({ matches: !motion });  // `prefers-reduced-motion: reduce` is all that is asked
  const { pass, timers } = clock();
  Object.assign(globalThis, {
    window, document, getComputedStyle, requestAnimationFrame, cancelAnimationFrame, Element, Image, matchMedia,
    ResizeObserver: Watcher, ...timers,
  });
  Watcher.watching.clear();
  Object.assign(window.HTMLCanvasElement.prototype, { getContext: pen });
  /** @type {{ on: Element, frames: Keyframe[], milliseconds: number }[]} */
  const moved = [];
  /** @type {Map<string, { x: number, y: number, width: number, height: number }>} */
  const places = new Map();
  Object.assign(window.Element.prototype, {
    setPointerCapture: () => {},
    /** @type {(this: Element, frames: Keyframe[], how: { duration: number }) => unknown} */
    animate(frames, { duration }) {
      moved.push({ on: this, frames, milliseconds: duration });
      return { finished: Promise.resolve(), cancel: () => {} };
    },
    /** @this {Element} */
    getBoundingClientRect() {
      const found = [...places].filter(([selector]) => this.matches(selector)).at(-1)?.[1];
      const { x, y, width, height } = found ?? { x: 0, y: 0, width: 0, height: 0 };
      return { x, y, width, height, left: x, top: y, right: x + width, bottom: y + height };
    },
  });

  const parentElement = /** @type {HTMLElement} */ (document.querySelector('main'));
  /** @type {Parameters<Args['setTriggerValue']>[]} */
  const sent = [];
  const send = (/** @type {Parameters<Args['setTriggerValue']>} */ ...message) => sent.push(message);
  /** @type {(selector: string) => HTMLElement} */
  const find = (selector) => {
    const found = parentElement.querySelector(selector);
    if (!found) throw new Error(`nothing on the page is ${selector}`);
    return /** @type {HTMLElement} */ (found);
  };
  return {
    find,
    all: (/** @type {string} */ selector) => [...parentElement.querySelectorAll(selector)],
    text: (/** @type {string} */ selector) => find(selector).textContent,
    /** The element with the keyboard. */
    focused: () => document.activeElement,
    /** Let milliseconds pass. */
    pass,
    /** What was animated. */
    moved,
    /** Say where elements lie: nothing is laid out here. */
    lay: (/** @type {string} */ selector, /** @type {number[]} */ [x, y, width, height]) =>
      places.set(selector, { x, y, width, height }),
    /** What the address asks. */
    search: () => window.location.search,
    /** How many observers watch. */
    watchers: () => Watcher.watching.size,
    /** Tell them that sizes have changed. */
    resized: () => Watcher.watching.forEach((each) => each.ring()),
    /** What went to Python. */
    sent,
    /** Run the component's script, as Streamlit does on every change of data. */
    run: (/** @type {Args['data']} */ data) => {
      const args = { data, key: 'key', name, parentElement, setStateValue: send, setTriggerValue: send };
      component(/** @type {Args} */ (/** @type {unknown} */ (args)));
    },
    /** Press a key; returns whether the component has used it. */
    press: (/** @type {Element} */ on, /** @type {string} */ key) =>
      !on.dispatchEvent(new window.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })),
    /**
     * Send an event of a pointer, or any other that bubbles, to whoever listens.
     *
     * @type {(on: Element, type: string, how?: { x?: number, y?: number, by?: 'mouse' | 'touch' }) => void}
     */
    pointer: (on, type, { x = 0, y = 0, by = 'mouse' } = {}) => {
      const bubbles = !type.endsWith('leave');
      const event = new window.MouseEvent(type, { clientX: x, clientY: y, bubbles, cancelable: true, buttons: 1 });
      on.dispatchEvent(Object.assign(event, { pointerId: 1, pointerType: by }));
    },
    /**
     * Put down, move, lift or lead away a mouse; jsdom knows no handlers of pointers, so they are called here.
     *
     * @type {(on: HTMLElement, type: 'down' | 'move' | 'up' | 'leave', clientX?: number, clientY?: number) => void}
     */
    point: (on, type, clientX = 0, clientY = 0) => {
      const event = new window.MouseEvent(`pointer${type}`, { clientX, clientY, button: 0, buttons: 1 });
      Object.assign(event, { pointerId: 1, pointerType: 'mouse' });
      on[`onpointer${type}`]?.(/** @type {PointerEvent} */ (event));
    },
  };
};
