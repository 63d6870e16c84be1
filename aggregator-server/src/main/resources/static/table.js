// The numbers behind a picture: a table that a button shows and hides.

import { h } from './dom.js';

const shown = new Set();

export function toggleTable(key) {
  if (!shown.delete(key)) shown.add(key);
}

/** Parts with the same data, a button and the table; `rows` is called only while it is open. */
export function dataTable(key, caption, columns, rows) {
  const open = shown.has(key);
  const id = `table-${key}`;
  return {
    button: h(
      'button',
      { type: 'button', class: 'btn small', 'data-key': `button-${key}`, 'data-do': 'table', 'data-table': key, 'aria-expanded': String(open), 'aria-controls': id },
      open ? `Hide the table: ${caption}` : `${caption} as a table`,
    ),
    panel: h(
      'div',
      { id, 'data-key': id, class: 'data', hidden: !open },
      open &&
        h(
          'div',
          { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
          h(
            'table',
            { class: 'plain' },
            h('caption', { class: 'vh' }, caption),
            h('thead', {}, h('tr', {}, columns.map((column) => h('th', { scope: 'col' }, column)))),
            h('tbody', {}, rows().map((row) => h('tr', {}, row.map((cell, i) => h(i === 0 ? 'th' : 'td', i === 0 ? { scope: 'row' } : {}, cell))))),
          ),
        ),
    ),
  };
}
