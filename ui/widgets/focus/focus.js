// A button that was pressed is gone: the keyboard goes on to the one in its place, once, unless it is elsewhere by now.

const TRIES = 40;
const PAUSE = 100; // ms: the button comes a little later than this

/** @typedef {{ selector: string, once: string }} Data */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{}, Data>} Args */

let done = '';

/** @param {Args} args */
export default function ({ data, parentElement }) {
  const page = parentElement.ownerDocument;
  if (!data.once || data.once === done) return;
  done = data.once;
  let tries = 0;
  const look = () => {
    const button = /** @type {HTMLElement | null} */ (page.querySelector(data.selector));
    const elsewhere = page.activeElement && page.activeElement !== page.body;
    if (elsewhere) return;
    if (button) button.focus();
    else if (++tries < TRIES) setTimeout(look, PAUSE);
  };
  look();
}
