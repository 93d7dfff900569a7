// What a component does once: Streamlit calls it again with every run of the page's script.

let done = '';

/**
 * Look again and again until there is nothing more to wait for; for each name once.
 *
 * @param {string} name Of what is to be done; empty for nothing.
 * @param {() => boolean} look Does it if it can be done; true if that is settled.
 * @param {{ tries: number, pause: number, at?: number }} how How often at most, the ms between, those before the first.
 */
export const once = (name, look, { tries, pause, at = 0 }) => {
  if (!name || name === done) return;
  done = name;
  const again = (/** @type {number} */ left) => {
    if (!look() && left > 1) setTimeout(() => again(left - 1), pause);
  };
  if (at) setTimeout(() => again(tries), at);
  else again(tries);
};
