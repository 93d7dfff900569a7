// Prints the page once, as soon as the script has run and its pictures have come.

import { once } from '../parts/once.js';

const RUNNING = '[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stDialog]';
const PAUSE = 200; // ms

/** @typedef {{ once: string }} Data */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{}, Data>} Args */

/** @param {Args} args */
export default function ({ data, parentElement }) {
  const page = parentElement.ownerDocument;
  let left = 50;
  const look = () => {
    const coming = page.querySelector(RUNNING) || [...page.images].some((image) => !image.complete);
    if (coming && --left) return false;
    page.defaultView?.print();
    return true;
  };
  once(data.once, look, { tries: left, pause: PAUSE, at: PAUSE });
}
