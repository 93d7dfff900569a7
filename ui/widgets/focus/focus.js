// A button that was pressed is gone: the keyboard goes on to the one in its place, once, unless it is elsewhere by now.

import { once } from '../parts/once.js';

/** @typedef {{ selector: string, once: string }} Data */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{}, Data>} Args */

/** @param {Args} args */
export default function ({ data, parentElement }) {
  const page = parentElement.ownerDocument;
  const look = () => {
    const button = /** @type {HTMLElement | null} */ (page.querySelector(data.selector));
    if (page.activeElement && page.activeElement !== page.body) return true;
    button?.focus();
    return button !== null;
  };
  once(data.once, look, { tries: 41, pause: 100 }); // the button comes a little later than this
}
