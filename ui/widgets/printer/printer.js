// Prints the page once, as soon as the script has run and its pictures have come.

const TRIES = 50;
const PAUSE = 200; // ms
const RUNNING = '[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stDialog]';

/** @typedef {{ once: string }} Data */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{}, Data>} Args */

let done = '';

/** @param {Args} args */
export default function ({ data, parentElement }) {
  const page = parentElement.ownerDocument;
  if (!data.once || data.once === done) return;
  done = data.once;
  let tries = 0;
  const look = () => {
    const coming = page.querySelector(RUNNING) || [...page.images].some((image) => !image.complete);
    if (coming && ++tries < TRIES) setTimeout(look, PAUSE);
    else page.defaultView?.print();
  };
  setTimeout(look, PAUSE);
}
