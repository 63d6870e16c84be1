// Small pieces that several pages share.

import { h } from './dom.js';
import { glyph, SITE_ORDER, siteState, TALLY_WORDS } from './vocabulary.js';
import { count } from './format.js';

/** One piece a round: committed, abandoned, live with its part done, still owed. */
export function roundsBar(counts, rounds, mini) {
  const pieces = [];
  if (rounds) {
    for (const round of rounds) {
      if (round.kind !== 'TRAIN' && round.state === 'COMMITTED') continue;
      pieces.push(round.state === 'COMMITTED' ? 'done' : round.state === 'ABANDONED' ? 'gone' : 'now');
    }
  } else {
    for (let i = 0; i < counts.committed; i++) pieces.push('done');
    counts.abandoned.forEach((number) => pieces.splice(number - 1, 0, 'gone'));
    if (counts.current !== null && counts.committed < counts.planned) pieces.push('now');
  }
  const owed = counts.planned - counts.committed - (pieces.at(-1) === 'now' ? 1 : 0);
  for (let i = 0; i < owed; i++) pieces.push('');
  const live = rounds?.at(-1);
  const sites = live ? Object.values(live.sites) : [];
  const part = sites.length ? sites.filter((state) => ['READY', 'IN_SESSION', 'SUMMED'].includes(state)).length / sites.length : 0.5;
  const words = `${counts.committed} of ${count(counts.planned, 'round')} committed${counts.abandoned.length ? `, ${counts.abandoned.length} abandoned` : ''}`;
  return h(
    'div',
    { class: mini ? 'progress mini' : 'progress', role: 'img', 'aria-label': words },
    pieces.map((piece) => h('i', { class: piece }, piece === 'now' && h('b', { css: { width: `${Math.round(part * 100)}%` } }))),
  );
}

/** How many sites are in which state. */
export const tally = (counts, small) =>
  SITE_ORDER.filter((state) => counts[state]).map((state) => {
    const [name, tone] = siteState(state);
    return small
      ? h('span', { title: TALLY_WORDS[state], 'data-key': state }, glyph(name, tone), String(counts[state]), h('span', { class: 'vh' }, ` ${TALLY_WORDS[state]}`))
      : h('div', { 'data-key': state }, h('b', {}, glyph(name, tone), String(counts[state])), h('small', {}, TALLY_WORDS[state]));
  });

/** Filter buttons; `pressed` is the chosen key. */
export const chips = (label, action, options, pressed) =>
  h(
    'div',
    { class: 'chips', role: 'group', 'aria-label': label },
    options.map(([key, text]) => h('button', { type: 'button', 'data-key': key, 'data-do': action, 'data-choice': key, 'aria-pressed': String(key === pressed) }, text)),
  );

/** A problem in its own words. */
export const problemView = (title, problem, action = 'again') =>
  h(
    'div',
    { class: 'blank', role: 'alert' },
    h('h2', {}, title),
    h('p', {}, h('b', {}, problem.title ?? 'Something failed'), problem.detail ? ` ${problem.detail}` : ''),
    problem.errors?.length > 0 && h('ul', { class: 'faults' }, problem.errors.map((fault) => h('li', {}, h('code', {}, fault.pointer), ` ${fault.detail}`))),
    problem.remedy && h('p', {}, problem.remedy),
    h(
      'dl',
      { class: 'kv narrow' },
      problem.status ? [h('dt', {}, 'Status'), h('dd', {}, String(problem.status))] : null,
      problem.traceId ? [h('dt', {}, 'Trace'), h('dd', {}, h('code', {}, problem.traceId))] : null,
    ),
    h('button', { type: 'button', class: 'btn', 'data-do': action }, 'Try again'),
    h('button', { type: 'button', class: 'btn plain', 'data-do': 'copy', 'data-copy': JSON.stringify({ status: problem.status, title: problem.title, detail: problem.detail, traceId: problem.traceId, path: problem.path }) }, 'Copy details'),
  );

/** What stands there while the first answer is awaited. */
export const loadingView = (headings) =>
  h(
    'div',
    { class: 'loading', 'aria-busy': 'true' },
    h('span', { class: 'vh' }, 'Loading'),
    h('span', { class: 'sk h' }),
    h('div', { class: 'skhead' }, headings.map((heading) => h('span', {}, heading))),
    [1, 2, 3, 4].map(() => h('div', { class: 'skrow' }, headings.map(() => h('span', { class: 'sk' })))),
  );
