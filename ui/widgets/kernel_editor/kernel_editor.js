// The cells of a kernel as fields of numbers. This function runs again on every change of data, and while the reader
// types: fields stay as long as the kernel keeps its size, and the one being typed into is not overwritten.

/**
 * @typedef {object} Data
 * @property {number[][]} cells
 */
/** @typedef {import('@streamlit/component-v2-lib').FrontendRendererArgs<{ edited: string }, Data>} Args */

/**
 * Write fields as a kernel's text; an empty field counts as 0.
 *
 * @param {string[][]} rows
 * @example kernelText([['1', ''], ['-1', '0.5']])  // '1,0;-1,0.5'
 */
export const kernelText = (rows) => rows.map((row) => row.map((cell) => cell || '0').join(',')).join(';');

/** @param {Args} args */
export default function ({ data, parentElement, setTriggerValue }) {
  const table = /** @type {HTMLTableElement} */ (parentElement.querySelector('table'));
  const { cells } = data;
  const fields = () => [...table.rows].map((line) => [...line.querySelectorAll('input')]);
  const send = () => setTriggerValue('edited', kernelText(fields().map((row) => row.map((field) => field.value))));

  const sizes = (/** @type {unknown[][]} */ rows) => rows.map((row) => row.length).join();
  if (sizes(fields()) !== sizes(cells)) {
    table.replaceChildren();
    cells.forEach((row, a) => {
      const line = table.insertRow();
      row.forEach((_, b) => {
        const field = document.createElement('input');
        field.type = 'number';
        field.step = 'any';
        field.setAttribute('aria-label', `kernel row ${a} column ${b}`);
        line.insertCell().append(field);
      });
    });
  }
  const root = /** @type {Document | ShadowRoot} */ (table.getRootNode());
  fields().forEach((row, a) => row.forEach((field, b) => {
    field.onchange = send;
    if (field !== root.activeElement) field.value = String(cells[a][b]);
  }));
}
