// The journal, newest first; bursts fold into one row whose first line is the whole.

import { h } from './dom.js';
import { at, clock, clockSeconds, count, day, sameDay } from './format.js';
import { chips } from './bars.js';
import { glyph, journalGlyph, TALLY_WORDS } from './vocabulary.js';

const KINDS = { all: null, sites: ['SITE'], sessions: ['SESSION'], models: ['MODEL', 'RUN', 'ROUND'] };

const burst = (entry) =>
  entry.kind === 'SESSION' ? `session ${entry.session}` : entry.kind === 'SITE' ? `site ${entry.round} ${entry.to}` : `line ${entry.revision}`;

function fold(entries) {
  const groups = [];
  for (const entry of entries) {
    const group = groups.at(-1);
    if (group && group.burst === burst(entry)) group.entries.push(entry);
    else groups.push({ burst: burst(entry), entries: [entry] });
  }
  return groups;
}

function headline(group) {
  const [newest] = group.entries;
  const oldest = group.entries.at(-1);
  if (newest.kind === 'SITE') {
    const sites = new Set(group.entries.map((entry) => entry.site));
    if (sites.size > 1) return `${count(sites.size, 'site')} ${TALLY_WORDS[newest.to] ?? newest.to.toLowerCase()} since ${clock(Date.parse(oldest.at))}`;
  }
  return newest.sentence;
}

function row(group) {
  const [newest] = group.entries;
  const oldest = group.entries.at(-1);
  const [name, tone] = journalGlyph(newest);
  const several = group.entries.length > 1;
  const revisions = several ? `r${oldest.revision}–${newest.revision}` : `r${newest.revision}`;
  return h(
    'li',
    { 'data-key': `from-${oldest.revision}` },
    at(Date.parse(newest.at), clock(Date.parse(newest.at))),
    glyph(name, tone),
    several
      ? h(
          'details',
          {},
          h('summary', {}, headline(group), ' ', h('span', { class: 'rev mono' }, revisions)),
          h('ul', {}, group.entries.map((entry) => h('li', { 'data-key': `line-${entry.revision}` }, `${clockSeconds(Date.parse(entry.at))} ${entry.sentence}`))),
        )
      : h('span', {}, newest.sentence, ' ', h('span', { class: 'rev mono' }, revisions)),
  );
}

/** @param entries oldest first; `most` rows are shown; `older` says that more lie at the aggregator */
export function journalView(entries, filter, most, older, now) {
  const kinds = KINDS[filter];
  const wanted = entries.filter((entry) => !kinds || kinds.includes(entry.kind)).reverse();
  const rows = [];
  let place = null;
  const groups = fold(wanted);
  for (const group of groups.slice(0, most)) {
    const [newest] = group.entries;
    const round = newest.round ?? null;
    const told = `${sameDay(Date.parse(newest.at), now) ? '' : `${day(Date.parse(newest.at))}, `}${round === null ? 'the run' : `round ${round}`}`;
    if (told !== place) {
      rows.push(h('li', { class: 'day', 'data-key': `day-${group.entries.at(-1).revision}` }, told.charAt(0).toUpperCase() + told.slice(1)));
      place = told;
    }
    rows.push(row(group));
  }
  return h(
    'section',
    { class: 'journal-part', 'data-key': 'journal' },
    h('div', { class: 'head' }, h('h2', {}, 'Journal')),
    chips('Filter the journal', 'filter', [['all', 'All'], ['sites', 'Sites'], ['sessions', 'Sessions'], ['models', 'Rounds and models']], filter),
    wanted.length === 0 ? h('p', { class: 'foot' }, filter === 'all' ? 'Nothing has happened yet.' : 'No line of this kind.') : h('ol', { class: 'journal' }, rows),
    (older || groups.length > most) && h('button', { type: 'button', class: 'btn small', 'data-do': 'older', 'data-key': 'older' }, 'Older lines'),
  );
}
