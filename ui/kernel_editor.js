export default function ({ data, parentElement, setTriggerValue }) {
  const table = parentElement.querySelector('table');
  const key = JSON.stringify(data.cells);
  if (table.dataset.key === key) return;  // what is being typed is not overwritten
  table.dataset.key = key;
  table.replaceChildren();
  data.cells.forEach((row, a) => {
    const line = table.insertRow();
    row.forEach((cell, b) => {
      const input = document.createElement('input');
      input.type = 'number'; input.step = 'any'; input.value = cell;
      input.setAttribute('aria-label', `kernel row ${a} column ${b}`);
      input.onchange = () => {
        const rows = [...table.rows].map((r) => [...r.querySelectorAll('input')].map((i) => i.value || '0').join(','));
        setTriggerValue('edited', rows.join(';'));
      };
      line.insertCell().append(input);
    });
  });
}
