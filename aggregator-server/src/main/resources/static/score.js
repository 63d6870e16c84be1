// The score: curves and sites × rounds on one axis, the round.

import { h, narrow, s, tip } from './dom.js';
import { change, count, measure, span, ticks, when } from './format.js';
import { dataTable } from './table.js';
import { glyph, isLive, LEGEND, NOT_BEGUN, RARE, ROUND_WORDS, siteState, SITE_STATES } from './vocabulary.js';

export const WINDOW = 24;
const FEWEST_COLUMNS = 6;

/** Width of a strip in pixels, as the style sheet lays it out. */
export function stripWidth() {
  if (narrow()) return document.getElementById('main').clientWidth - 32;
  return WINDOW * parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--cell'));
}

/** Whether the run has differential privacy, so that no metric travels and nothing evaluates. */
export const isPrivate = (run) => (run.submission?.privacy?.kind ?? 'none') !== 'none';

export const NOT_MEASURED = 'Not measured: differential privacy';

/** Rounds that a run is expected to take. */
const expectedRounds = (run, rounds) => Math.max(rounds.length, run.rounds.planned + run.rounds.abandoned.length + (isPrivate(run) ? 0 : 1));

const stateAt = (round, site) => {
  const state = round?.sites[site];
  return state === 'SUMMED' && round.partial.includes(site) ? 'PARTIAL' : state;
};

/** What a site of the live round does, in words: state, reason, expected end. */
export function standing(lane, at) {
  const [name, tone, word] = siteState(lane.partial && lane.state === 'SUMMED' ? 'PARTIAL' : lane.state);
  const begun = lane.segments.at(-1)?.from;
  const more =
    lane.state === 'TRAINING' && lane.expected ? `about ${when(Date.parse(lane.expected), at)}`
    : lane.state === 'PAUSED' && lane.expected ? `until about ${when(Date.parse(lane.expected), at)}`
    : lane.state === 'PAUSED' || lane.state === 'LOST' || lane.state === 'IN_DOUBT' ? (begun ? `since ${when(Date.parse(begun), at)}` : '')
    : lane.readyAt ? when(Date.parse(lane.readyAt), at)
    : '';
  const doing = lane.state === 'TRAINING' ? `Training ${lane.tenths * 10} %` : word;
  return { name, tone, text: lane.reason ? `${doing}, ${lane.reason.replace(/\.$/, '')}` : doing, more };
}

function brief(round, now) {
  const length = (round.endedAt ? Date.parse(round.endedAt) : now) - Date.parse(round.openedAt);
  const again = round.sessions > 1 ? `, ${round.sessions} sessions` : '';
  const kind = round.kind === 'TRAIN' ? '' : 'Evaluation. ';
  if (round.state === 'COMMITTED') return `${kind}${round.survivors} of ${Math.max(round.roster, round.survivors)} in the sum${again}, ${span(length)}`;
  if (round.state === 'ABANDONED') return `${kind}Abandoned after ${span(length)}${round.reason ? `: ${round.reason}` : ''}`;
  const ready = Object.values(round.sites).filter((state) => state === 'READY').length;
  return `${kind}${ROUND_WORDS[round.state]}, ${ready} of ${Object.keys(round.sites).length} ready, ${span(length)} so far`;
}

/** One strip with lines over the rounds from `first` on. */
function chart({ title, hint, values, columns, first, width, low, high, digits, marks, note, key }) {
  const height = 88;
  const x = (index) => ((index + 0.5) * width) / columns;
  const y = (value) => 6 + (height - 12) * (1 - (value - low) / (high - low));
  const said = values.filter((line) => line.points.some((point) => point !== null)).map((line) => {
    const known = line.points.map((point, i) => [point, first + i]).filter(([point]) => point !== null);
    return `${line.name} ${known[0][0].toFixed(3)} in round ${known[0][1]}, ${known.at(-1)[0].toFixed(3)} in round ${known.at(-1)[1]}`;
  });
  const svg = s('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title} by round. ${said.join('; ') || 'No round has told it yet.'}` });
  for (const mark of marks) {
    svg.append(
      s('line', { class: 'ln-grid', x1: 0, x2: width, y1: y(mark), y2: y(mark) }),
      s('text', narrow() ? { class: 'halo', x: width, y: y(mark) - 3, 'text-anchor': 'end' } : { x: -8, y: y(mark) + 4, 'text-anchor': 'end' }, mark.toFixed(digits)),
    );
  }
  const ends = [];
  for (const line of values) {
    let path = '';
    let last = null;
    let broken = false; // an abandoned round measures nothing: the line is dashed across it
    line.points.forEach((point, i) => {
      if (point === null) {
        broken = last !== null;
        return;
      }
      const here = `${x(i).toFixed(1)} ${y(point).toFixed(1)}`;
      if (broken) svg.append(s('path', { class: `${line.look} dashed`, d: `M${last.here}L${here}` }));
      path += (last === null || broken ? 'M' : 'L') + here;
      last = { here, i, point };
      broken = false;
    });
    if (!last) continue;
    svg.append(s('path', { class: line.look, d: path }), s('circle', { class: line.dot, cx: x(last.i), cy: y(last.point), r: 3 }));
    ends.push({ at: y(last.point) + 4, x: x(last.i), text: `${line.name} ${last.point.toFixed(3)}`, look: line.label });
  }
  ends.sort((a, b) => a.at - b.at);
  if (ends.length === 2 && ends[1].at - ends[0].at < 15) {
    const middle = (ends[0].at + ends[1].at) / 2;
    ends[0].at = middle - 7.5;
    ends[1].at = middle + 7.5;
  }
  for (const end of ends) {
    const left = end.x + 12 + end.text.length * 6.4 > width; // no room to the right
    const above = left ? (ends.length > 1 && end === ends.at(-1) ? 14 : -9) : 0;
    svg.append(s('text', { class: `${end.look} halo`, x: left ? Math.min(end.x, width) - 2 : end.x + 9, y: Math.min(height - 3, Math.max(11, end.at + above)), 'text-anchor': left ? 'end' : 'start' }, end.text));
  }
  svg.append(s('g', { class: 'hover', 'data-own': true }));
  return h(
    'div',
    { class: 'lane chart', 'data-key': key },
    h('div', { class: 'lab' }, h('h3', {}, title), h('span', {}, hint)),
    h('div', { class: 'strip' }, svg),
    h('div', { class: 'note' }, note),
  );
}

function scale(lines, ceiling) {
  const all = lines.flatMap((line) => line.points).filter((point) => point !== null);
  let low = all.length ? Math.min(...all) : 0;
  let high = all.length ? Math.max(...all) : 1;
  const room = Math.max((high - low) * 0.12, 0.01);
  low = Math.max(0, low - room);
  high = ceiling === undefined ? high + room : Math.min(ceiling, high + room);
  const { marks, digits } = ticks(low, high, 3);
  return { low, high, marks, digits };
}

const series = (rounds, pick) => rounds.map((round) => (round?.metrics ? pick(round.metrics) ?? null : null));

function lastTwo(rounds, pick) {
  const known = rounds.filter((round) => round.metrics && (pick(round.metrics) ?? null) !== null);
  return known.slice(-2).map((round) => [pick(round.metrics), round.round]);
}

function chartNote(rounds, pick, best) {
  const known = lastTwo(rounds, pick);
  if (known.length === 0) return [h('span', { class: 'muted' }, 'No round has measured it yet.')];
  const [value, number] = known.at(-1);
  return [
    h('b', {}, measure(value)),
    known.length > 1 && h('span', {}, `${change(value - known[0][0])} on round ${known[0][1]}${best !== undefined && value === best ? '; best so far' : ''}`),
    known.length === 1 && h('span', {}, `in round ${number}`),
  ];
}

/**
 * @param model run, rounds, live (the live round's report or null), selected, window (first column), focus, now
 */
export function score({ run, rounds, live, selected, start, focus, now }) {
  const newest = rounds.at(-1);
  const expected = expectedRounds(run, rounds);
  const total = run.state === 'RUNNING' ? expected : rounds.length;
  const columns = Math.min(WINDOW, Math.max(total, FEWEST_COLUMNS));
  const numbers = Array.from({ length: columns }, (_, i) => start + i);
  const byNumber = new Map(rounds.map((round) => [round.round, round]));
  const shown = numbers.map((number) => byNumber.get(number));
  const width = stripWidth();
  const sites = [...new Set(rounds.flatMap((round) => Object.keys(round.sites)))].sort();
  const thin = narrow();
  const inWindow = selected !== null && selected >= start && selected < start + columns;

  const axis = h(
    'div',
    { class: 'lane axis', 'data-key': 'axis' },
    h('span', { class: 'lab small muted' }, 'Round'),
    h(
      'div',
      { class: 'strip cells rounds', role: 'group', 'aria-label': 'Choose a round' },
      numbers.map((number) => {
        const round = byNumber.get(number);
        const word = !thin || columns <= 12 || number === selected || number === 1 || number % 4 === 0 ? number : '·';
        if (!round) return h('span', {}, h('span', { class: 'small muted' }, number <= total ? word : ''));
        return h(
          'span',
          {},
          h(
            'button',
            {
              type: 'button', 'data-do': 'round', 'data-round': number, tabindex: number === (inWindow ? selected : shown.findLast((one) => one)?.round) ? 0 : -1,
              class: round.state === 'ABANDONED' ? 'gone' : isLive(round.state) ? 'now' : null,
              'aria-pressed': String(number === selected), 'aria-label': `Round ${number}, ${ROUND_WORDS[round.state] ?? round.state}`,
              ...tip(`Round ${number}`, brief(round, now)),
            },
            String(word),
          ),
        );
      }),
    ),
    h('span', { class: 'note' }),
  );

  const lanes = h('div', {
    class: 'lanes score', 'data-key': 'score', 'data-start': start, 'data-columns': columns,
    css: { '--cols': String(columns) },
  });
  lanes.append(
    h('div', { class: 'guide sel', hidden: !inWindow, css: { '--i': String((selected ?? start) - start) } }),
    h('div', { class: 'guide hov', 'data-own': true }),
    axis,
  );

  const accuracy = series(shown, (metric) => metric.accuracy);
  const auroc = series(shown, (metric) => metric.auroc);
  const loss = series(shown, (metric) => metric.loss);
  const hasAuroc = rounds.some((round) => (round.metrics?.auroc ?? null) !== null);
  const quality = [{ name: 'accuracy', points: accuracy, look: 'ln-main', dot: 'dot', label: 'lbl' }];
  if (hasAuroc) quality.push({ name: 'AUROC', points: auroc, look: 'ln-2nd', dot: 'dot2', label: 'lbl2' });
  const losses = [{ name: 'loss', points: loss, look: 'ln-main', dot: 'dot', label: 'lbl' }];
  const bestAccuracy = run.best?.accuracy ?? undefined;
  const qualityNote = chartNote(rounds, (metric) => metric.accuracy, bestAccuracy);
  if (hasAuroc && run.metric?.auroc) qualityNote.push(h('span', {}, `AUROC ${measure(run.metric.auroc)}`));
  const charts = [
    chart({ key: 'accuracy', title: 'Accuracy', hint: 'all sites', values: quality, columns, first: start, width, note: qualityNote, ...scale(quality, 1) }),
    chart({ key: 'loss', title: 'Loss', hint: 'mean', values: losses, columns, first: start, width, note: chartNote(rounds, (metric) => metric.loss), ...scale(losses) }),
  ];
  lanes.append(
    ...(isPrivate(run) ? [h('div', { class: 'lane', 'data-key': 'unmeasured' }, h('span', { class: 'lab small muted' }, 'Metrics'), h('div', { class: 'strip' }), h('span', { class: 'note' }, NOT_MEASURED))] : charts),
    h(
      'div',
      { class: 'lane axis', 'data-key': 'sites' },
      h('h3', { class: 'lab' }, 'Sites'),
      h('div', { class: 'strip' }),
      h('span', { class: 'note' }, newest && h('span', {}, live ? `Now, in round ${newest.round}` : `At the end, in round ${newest.round}`)),
    ),
  );

  const grid = h('div', { role: 'grid', 'data-key': 'grid', 'aria-label': 'State of each site in each round', 'aria-rowcount': sites.length, 'aria-colcount': total });
  const laneOf = new Map((live?.lanes ?? []).map((lane) => [lane.site, lane]));
  const cellFocus = focus ?? { site: sites[0], round: newest?.round };
  sites.forEach((site) => {
    const lane = laneOf.get(site);
    const end = stateAt(newest, site);
    const note = lane ? standing(lane, now) : end ? { name: siteState(end)[0], tone: siteState(end)[1], text: siteState(end)[2], more: '' } : null;
    grid.append(
      h(
        'div',
        { class: 'lane site', role: 'row', 'data-key': `site-${site}` },
        h('span', { class: 'lab', role: 'rowheader', title: site }, site),
        h(
          'div',
          { class: 'strip cells', role: 'presentation' },
          numbers.map((number) => {
            const round = byNumber.get(number);
            const state = stateAt(round, site);
            const beyond = number > total;
            const [name, tone, word, why] = beyond || (round && !state) ? [null, 'quiet', beyond ? '' : 'Not a member then', ''] : round ? siteState(state) : NOT_BEGUN;
            const here = round && isLive(round.state) && lane ? standing(lane, now) : null;
            const told = here ? [here.text, here.more].filter(Boolean).join(', ') : why ? `${word}: ${why}` : word;
            return h(
              'span',
              beyond
                ? { 'data-key': `cell-${site}-${number}` }
                : {
                    role: 'gridcell', 'data-key': `cell-${site}-${number}`, 'data-do': 'cell', 'data-site': site, 'data-round': number, 'data-state': state ?? (round ? 'NONE' : 'TODO'),
                    class: [number === selected && 'sel', round && isLive(round.state) && 'livenow', round && 'opens'].filter(Boolean).join(' ') || null,
                    tabindex: cellFocus.site === site && cellFocus.round === number ? 0 : -1, 'aria-selected': String(number === selected),
                    'aria-label': `${site}, round ${number}: ${here ? told : word}`, ...tip(`${site}, round ${number}`, told),
                  },
              name && glyph(name, tone),
            );
          }),
        ),
        h('span', { class: `note${live ? ' livenow' : ''}`, role: 'gridcell' }, note && [glyph(note.name, note.tone), h('span', { title: [note.text, note.more].filter(Boolean).join(', ') }, h('b', {}, note.text), ' ', h('span', { class: 'muted' }, note.more))]),
      ),
    );
  });
  lanes.append(grid);
  const gone = rounds.filter((round) => round.state === 'ABANDONED').at(-1);
  lanes.append(
    h(
      'div',
      { class: 'lane', 'data-key': 'sums' },
      h('span', { class: 'lab small muted' }, 'In the sum'),
      h('div', { class: 'strip cells sums' }, shown.map((round) => h('span', {}, round?.state === 'COMMITTED' ? String(round.survivors) : round?.state === 'ABANDONED' ? '–' : ''))),
      h('span', { class: 'note' }, gone && h('span', { class: 'muted', title: gone.reason ?? '' }, `Round ${gone.round} abandoned${gone.reason ? `: ${gone.reason}` : ''}`)),
    ),
  );
  const retried = rounds.filter((round) => round.sessions > 1);
  if (retried.length) {
    lanes.append(
      h(
        'div',
        { class: 'lane', 'data-key': 'retried' },
        h('span', { class: 'lab small muted' }, 'Retried'),
        h('div', { class: 'strip cells' }, shown.map((round) => h('span', {}, round && round.sessions > 1 && h('span', { ...tip(`Round ${round.round}`, `${round.sessions} sessions, same updates`), role: 'img', 'aria-label': `Round ${round.round}: ${round.sessions} sessions` }, glyph('retry', 'paused'))))),
        h('span', { class: 'note' }, h('span', { class: 'muted' }, `Round ${retried.at(-1).round}: ${count(retried.at(-1).sessions, 'session')}, nobody trained again`)),
      ),
    );
  }

  const used = new Set(rounds.flatMap((round) => Object.values(round.sites)));
  const legend = h('div', { class: 'legend end' }, [...LEGEND, ...RARE.filter((state) => used.has(state))].map((state) => h('span', { 'data-key': state }, glyph(SITE_STATES[state][0], SITE_STATES[state][1]), state === 'PARTIAL' ? 'Partial' : SITE_STATES[state][2])));
  const qualityTable = dataTable('quality', hasAuroc ? 'Accuracy and AUROC' : 'Accuracy', ['Round', 'State', 'Accuracy', ...(hasAuroc ? ['AUROC'] : [])], () =>
    rounds.map((round) => [String(round.round), ROUND_WORDS[round.state], measure(round.metrics?.accuracy), ...(hasAuroc ? [measure(round.metrics?.auroc)] : [])]));
  const lossTable = dataTable('loss', 'Loss', ['Round', 'State', 'Mean loss'], () => rounds.map((round) => [String(round.round), ROUND_WORDS[round.state], measure(round.metrics?.loss)]));
  const siteTable = dataTable('sites', 'Sites by round', ['Site', ...rounds.map((round) => String(round.round))], () =>
    sites.map((site) => [site, ...rounds.map((round) => (round.sites[site] ? siteState(stateAt(round, site))[2] : ''))]));
  const measured = isPrivate(run) ? [] : [qualityTable, lossTable];
  const picked = byNumber.get(selected);
  return h(
    'section',
    { class: 'rounds-part', 'data-key': 'rounds-part' },
    h(
      'div',
      { class: 'head' },
      h('h2', {}, 'Rounds'),
      total > WINDOW &&
        h(
          'span',
          { class: 'pair' },
          h('button', { type: 'button', class: 'btn', 'data-do': 'window', 'data-start': Math.max(1, start - WINDOW / 2), disabled: start === 1 }, 'Earlier rounds'),
          h('button', { type: 'button', class: 'btn', 'data-do': 'window', 'data-start': Math.min(total - columns + 1, start + WINDOW / 2), disabled: start + columns > total }, 'Later rounds'),
        ),
      legend,
    ),
    rounds.length === 0 ? [lanes, h('p', { class: 'foot' }, 'No round has been opened yet.')] : lanes,
    picked &&
      h('p', { class: 'picked', 'data-key': 'picked' }, h('b', {}, `Round ${picked.round}`), h('span', {}, brief(picked, now)), h('a', { class: 'btn', href: '#round', 'data-do': 'happened' }, 'What happened')),
    h('p', { class: 'foot' }, isPrivate(run) ? 'A metric of the sites’ data would tell of single records, so none travels and no round evaluates. Evaluate the model on public data.' : 'Metrics travel inside the masked sum, so they exist only for a round’s survivors together; there is no per-site metric, here or anywhere. A training round measures the model that it begins with, the last, evaluating round the final one.'),
    h('div', { class: 'tables' }, measured.map((table) => table.button), siteTable.button),
    measured.map((table) => table.panel), siteTable.panel,
  );
}

/** Draws the guide and the values of the round under the pointer. */
export function hover(scoreElement, event, rounds) {
  const strip = scoreElement.querySelector('.strip');
  const columns = Number(scoreElement.dataset.columns);
  const box = strip.getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left) / box.width) * columns);
  const guide = scoreElement.querySelector('.guide.hov');
  const off = narrow() || index < 0 || index >= columns;
  if (guide.dataset.at === String(off ? -1 : index)) return;
  guide.dataset.at = String(off ? -1 : index);
  guide.style.setProperty('display', off ? 'none' : 'block');
  guide.style.setProperty('--i', String(index));
  const round = off ? undefined : rounds.find((one) => one.round === Number(scoreElement.dataset.start) + index);
  const values = { accuracy: round?.metrics?.accuracy, loss: round?.metrics?.loss };
  for (const chartLane of scoreElement.querySelectorAll('.lane.chart')) {
    const layer = chartLane.querySelector('.hover');
    layer.replaceChildren();
    const value = values[chartLane.dataset.key] ?? null;
    if (value === null) continue;
    const svg = layer.ownerSVGElement;
    const x = ((index + 0.5) * svg.viewBox.baseVal.width) / columns;
    layer.append(s('text', { class: 'lbl halo', x, y: 12, 'text-anchor': 'middle' }, value.toFixed(3)));
  }
}

/** The first column of a window that ends with what matters now. */
export function windowFor(run, rounds, selected) {
  const expected = expectedRounds(run, rounds);
  const total = run.state === 'RUNNING' ? expected : rounds.length;
  if (total <= WINDOW) return 1;
  const focus = selected ?? rounds.length;
  return Math.max(1, Math.min(total - WINDOW + 1, focus - Math.floor(WINDOW * 0.75)));
}
