// What happened in one round, on two clocks: training in hours, sessions in seconds.

import { h, narrow, s, tip } from './dom.js';
import { at, clock, clockSeconds, clockTicks, day, HOUR, MINUTE, sameDay, span, when } from './format.js';
import { standing, stripWidth } from './score.js';
import { dataTable } from './table.js';
import { glyph, isLive, PHASES, ROUND_WORDS, siteState } from './vocabulary.js';

const SHARES = [0.19, 0.16, 0.33, 0.14, 0.18];
const ROW = 24;
const time = (instant) => Date.parse(instant);

/** Spans of the round's own states, in order, from its journal. */
function spans(report, now) {
  const moves = report.transitions.filter((line) => line.kind === 'ROUND' && line.to && line.to !== line.from);
  const found = [{ state: 'RECRUITING', from: time(report.summary.openedAt), to: null }];
  for (const move of moves) {
    if (move.to === found.at(-1).state) continue;
    found.at(-1).to = time(move.at);
    found.push({ state: move.to, from: time(move.at), to: null });
  }
  const end = report.summary.endedAt ? time(report.summary.endedAt) : now;
  found.at(-1).to ??= end;
  return found;
}

const step = (name, more, state, mark) =>
  h('div', { class: `step ${state}` }, mark ?? { done: () => glyph('done', 'sum'), now: () => glyph('training', 'training'), bad: () => glyph('refused', 'refused'), again: () => glyph('retry', 'paused'), todo: () => glyph('todo', 'quiet') }[state](), h('span', {}, name), h('small', {}, more ?? ''));

function track(report, now) {
  const state = report.summary.state;
  const known = spans(report, now);
  const total = (name) => known.filter((one) => one.state === name).reduce((sum, one) => sum + one.to - one.from, 0);
  const seen = (name) => known.some((one) => one.state === name);
  const own = (name) =>
    step(name === 'RECRUITING' ? 'Recruiting' : 'Training', seen(name) ? span(total(name)) + (state === name ? ' so far' : '') : state === 'ABANDONED' ? 'not reached' : '', state === name ? 'now' : seen(name) ? (state === 'ABANDONED' && known.at(-2)?.state === name ? 'bad' : 'done') : 'todo');
  const sessionSteps = (session, index) =>
    h(
      'div',
      { class: 'sess' },
      h('b', {}, report.sessions.length > 1 ? `Session ${index + 1}` : 'Session'),
      PHASES.map((phase, i) => {
        const part = session?.phases.find((one) => one.phase === phase.state);
        if (!part) return step(phase.word, session && session.outcome ? 'not reached' : '', 'todo');
        const aborted = session.outcome === 'ABORTED' && !session.phases.some((one) => PHASES.findIndex((other) => other.state === one.phase) > i);
        const length = (part.to ? time(part.to) : now) - time(part.from);
        return step(phase.word, span(length) + (aborted ? ', aborted' : part.to ? '' : ' so far'), aborted ? 'again' : part.to ? 'done' : 'now', part.to || aborted ? null : glyph('session', 'ink'));
      }),
    );
  const version = report.summary.kind === 'TRAIN' ? `${report.summary.survivors} sites` : 'evaluated';
  return h(
    'ol',
    { class: 'track', 'aria-label': 'States of this round', 'data-key': 'track' },
    h('li', {}, own('RECRUITING')),
    h('li', {}, own('TRAINING')),
    h('li', {}, (report.sessions.length ? report.sessions : [null]).map(sessionSteps)),
    h('li', {}, state === 'COMMITTED' ? step('Committed', version, 'done') : state === 'ABANDONED' ? step('Abandoned', '', 'bad') : step('Committed', '', 'todo')),
  );
}

const COLOURED = { TRAINING: 'b-train', PAUSED: 'b-pause', IN_SESSION: 'b-insession' };

const why = (reason, site) => (reason ?? '').replace(new RegExp(`^${site} (paused|refused):? ?`), '').replace(/\.$/, '');

function trainingLane(lane, report, now, from, to, width, marks) {
  const x = (moment) => ((Math.min(Math.max(moment, from), to) - from) / (to - from)) * width;
  const live = isLive(report.summary.state);
  const spoken = [];
  const svg = s('svg', { width, height: ROW, viewBox: `0 0 ${width} ${ROW}`, role: 'img' });
  for (const mark of marks) svg.append(s('line', { class: 'ln-grid', x1: x(mark), x2: x(mark), y1: 0, y2: ROW }));
  let trained = 0;
  let paused = 0;
  for (const part of lane.segments) {
    const begin = time(part.from);
    const end = part.to ? time(part.to) : now;
    const wide = Math.max(2, x(end) - x(begin));
    const reason = why(part.reason, lane.site);
    const told = `${siteState(part.kind)[2]} ${span(end - begin)}${reason ? `, ${reason}` : ''}`;
    if (part.kind === 'TRAINING') trained += end - begin;
    if (part.kind === 'PAUSED') paused += end - begin;
    if (part.kind !== 'INVITED') spoken.push(told);
    const hint = tip(told, `${clockSeconds(begin)} to ${part.to ? clockSeconds(end) : 'now'} UTC`);
    if (COLOURED[part.kind]) {
      svg.append(s('rect', { class: COLOURED[part.kind], x: x(begin), y: 7, width: wide, height: 10, rx: 1, ...hint }));
      if (part.kind === 'PAUSED' && reason && wide > reason.length * 6 + 24) {
        const patch = reason.length * 5.6 + 12;
        const middle = x(begin) + wide / 2;
        svg.append(s('rect', { class: 'b-ground', x: middle - patch / 2, y: 5, width: patch, height: 14 }), s('text', { class: 'f-paused', x: middle, y: 16, 'text-anchor': 'middle' }, reason));
      }
    } else if (part.kind === 'READY') {
      svg.append(s('line', { class: 'b-ready', x1: x(begin) + 9, x2: Math.max(x(begin) + 9, x(end)), y1: 12, y2: 12 }), s('circle', { class: 'b-readydot', cx: x(begin) + 6, cy: 12, r: 3.6, ...hint }));
    } else if (part.kind === 'LOST' || part.kind === 'IN_DOUBT') {
      svg.append(s('line', { class: 'b-lost', x1: x(begin), x2: x(end), y1: 12, y2: 12, ...hint }));
    } else if (part.kind === 'REFUSED') {
      svg.append(s('path', { class: 'b-refused', d: `m${Math.max(0, x(begin) - 4)} 8 8 8m0-8-8 8`, ...hint }));
      if (reason) svg.append(s('text', { class: 'lbl2', x: x(begin) + 14, y: 16 }, reason));
    }
  }
  if (live && lane.expected && time(lane.expected) > now) {
    svg.append(s('rect', { class: lane.state === 'PAUSED' ? 'b-nextpause' : 'b-next', x: x(now) + 0.5, y: 7.5, width: Math.max(1, x(time(lane.expected)) - x(now) - 1), height: 9, ...tip('Expected', `ready about ${when(time(lane.expected), now)} UTC`) }));
  }
  for (const session of report.sessions) {
    const failed = session.outcome === 'ABORTED';
    svg.append(s('rect', { class: failed ? 'b-fail' : 'b-session', x: x(time(session.openedAt)) - 1.25, y: 0, width: failed ? 4 : 2.5, height: ROW }));
  }
  if (live) svg.append(s('line', { class: 'ln-now', x1: x(now), x2: x(now), y1: 0, y2: ROW }));
  svg.setAttribute('aria-label', `${lane.site}: ${spoken.join('; ') || siteState(lane.state)[2]}`);
  const doing = standing(lane, now);
  const durations = trained ? span(trained) + (paused ? `, paused ${span(paused)}` : '') : doing.more;
  return {
    row: h(
      'div',
      { class: 'lane site', 'data-key': `train-${lane.site}` },
      h('span', { class: 'lab', title: lane.site }, lane.site),
      h('div', { class: 'strip' }, svg),
      h('span', { class: `note${live ? ' livenow' : ''}` }, glyph(doing.name, doing.tone), h('span', { title: doing.text }, h('b', {}, doing.text), ' ', h('span', { class: 'muted' }, live ? doing.more : durations))),
    ),
    words: [lane.site, doing.text, trained ? span(trained) : '–', paused ? span(paused) : '–', lane.readyAt ? clockSeconds(time(lane.readyAt)) : '–'],
  };
}

function trainingClock(report, now) {
  const width = stripWidth();
  const live = isLive(report.summary.state);
  const from = time(report.summary.openedAt);
  const expected = live ? report.lanes.map((lane) => (lane.expected ? time(lane.expected) : 0)) : [];
  const to = Math.max(from + 1000, live ? Math.max(now, ...expected) + (now - from) * 0.04 : time(report.summary.endedAt));
  const { marks, text } = clockTicks(from, to, Math.max(3, Math.floor(width / 84)));
  const x = (moment) => ((moment - from) / (to - from)) * width;
  const unit = to - from > 2 * HOUR ? 'hours' : to - from > 2 * MINUTE ? 'minutes' : 'seconds';
  const nowText = `now ${text === clockSeconds ? clockSeconds(now) : clock(now)}`;
  const axis = s(
    'svg',
    { width, height: 22, viewBox: `0 0 ${width} 22`, 'aria-hidden': 'true' },
    marks.filter((mark) => x(mark) > 4 && x(mark) < width - 20 && !(live && Math.abs(x(mark) - x(now)) < 70)).map((mark) => s('text', { x: x(mark), y: 14, 'text-anchor': 'middle' }, text(mark))),
    live && s('text', { class: 'lbl', x: Math.min(x(now), width - 2), y: 14, 'text-anchor': x(now) > width - 40 ? 'end' : x(now) < 40 ? 'start' : 'middle' }, nowText),
  );
  const lanes = report.lanes.map((lane) => trainingLane(lane, report, now, from, to, width, marks));
  const swatch = (look, word) => h('span', {}, s('svg', { width: 16, height: 10, 'aria-hidden': 'true' }, s('rect', { class: look, x: look === 'b-session' ? 7 : 0.5, y: 0.5, width: look === 'b-session' ? 2.5 : 15, height: 9 })), word);
  const table = dataTable('training', 'Training clock', ['Site', 'State', 'Trained', 'Paused', 'Ready at, UTC'], () => lanes.map((lane) => lane.words));
  return h(
    'section',
    { class: 'clock', 'data-key': 'training' },
    h('div', { class: 'head' }, h('h3', {}, 'Training clock'), h('span', { class: 'small muted' }, unit), h('div', { class: 'legend end' }, swatch('b-train', 'trains'), swatch('b-pause', 'paused'), live ? swatch('b-next', 'expected') : swatch('b-session', 'session'), h('span', {}, glyph('ready', 'ready'), 'ready, update stored'))),
    h('div', { class: 'lanes' }, h('div', { class: 'lane axis' }, h('span', { class: 'lab small muted' }, 'UTC'), h('div', { class: 'strip' }, axis), h('span', { class: 'note' })), lanes.map((lane) => lane.row)),
    h('div', { class: 'tables' }, table.button),
    table.panel,
  );
}

function sessionRow(site, session, now, width, left) {
  const height = 22;
  const svg = s('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' });
  PHASES.forEach((_, i) => {
    if (i % 2 === 0) svg.append(s('rect', { class: 'b-band', x: left[i], y: 0, width: SHARES[i] * width, height }));
  });
  const told = session.deliveries.filter((one) => one.site === site);
  const recovered = session.recovered.find((one) => one.site === site);
  const marks = [];
  const words = [];
  let reached = left[0] + 8;
  for (const [i, phase] of PHASES.entries()) {
    const part = session.phases.find((one) => one.phase === phase.state);
    const answer = told.find((one) => one.phase === phase.message);
    if (!answer) {
      words.push('–');
      continue;
    }
    const begin = part ? time(part.from) : time(answer.at);
    const end = part?.to ? time(part.to) : now;
    const within = end > begin ? Math.min(1, Math.max(0, (time(answer.at) - begin) / (end - begin))) : 1;
    const x = left[i] + 8 + (SHARES[i] * width - 16) * within;
    words.push(clockSeconds(time(answer.at)));
    if (answer.fraction !== null && answer.fraction < 1) {
      marks.push(s('rect', { class: 'b-upload', x: left[i] + 8, y: 7.5, width: Math.max(2, (SHARES[i] * width - 16) * answer.fraction), height: 7, ...tip(`${Math.round(answer.fraction * 100)} % sent`, site) }));
      reached = x;
      continue;
    }
    marks.push(s('line', { class: 'm-line', x1: reached, x2: Math.max(reached, x), y1: 11, y2: 11 }), s('circle', { class: 'm-ok', cx: x, cy: 11, r: 3.2, ...tip(phase.done, `${clockSeconds(time(answer.at))} UTC`) }));
    reached = x;
  }
  const delivered = told.find((one) => one.phase === 'MASKED_INPUT' && (one.fraction ?? 1) >= 1);
  const late = told.find((one) => one.phase === 'MASKED_INPUT' && (one.fraction ?? 1) < 1);
  if (session.outcome && !delivered && !late) {
    const end = left[2] + SHARES[2] * width * 0.6;
    if (end > reached) marks.push(s('line', { class: 'b-lost', x1: reached, x2: end, y1: 11, y2: 11 }));
    marks.push(s('path', { class: 'b-dropped', d: `M${end} 6.2 ${end + 4.8} 11 ${end} 15.8 ${end - 4.8} 11Z` }));
  }
  svg.append(...marks);
  const percent = late ? Math.round(late.fraction * 100) : 0;
  const done = session.outcome === 'DONE';
  const [name, tone, word, more] =
    done && delivered ? ['sum', 'sum', 'In the sum', '']
    : recovered ? ['dropped', 'dropped', 'Dropped, recovered', `from ${recovered.shares} shares`]
    : late ? ['late', 'paused', `Late, ${percent} % sent`, session.outcome ? 'update kept' : '']
    : delivered ? (session.outcome ? ['retry', 'paused', 'Delivered', 'update kept'] : ['session', 'ink', 'Delivered', ''])
    : session.outcome ? ['lost', 'lost', 'No masked update', '']
    : ['session', 'ink', told.length ? PHASES.find((phase) => phase.message === told.at(-1).phase)?.done ?? 'In session' : 'In session', ''];
  svg.setAttribute('aria-label', `${site}: ${word} ${more}`.trim());
  return {
    row: h('div', { class: 'lane site', 'data-key': `session-${session.attempt}-${site}` }, h('span', { class: 'lab', title: site }, site), h('div', { class: 'strip' }, svg), h('span', { class: 'note' }, glyph(name, tone), h('span', {}, h('b', {}, word), ' ', h('span', { class: 'muted' }, more)))),
    words: [site, ...words, `${word} ${more}`.trim()],
  };
}

function sessionClock(session, index, many, sites, now) {
  const width = stripWidth();
  const left = SHARES.map((_, i) => SHARES.slice(0, i).reduce((a, b) => a + b, 0) * width);
  const from = time(session.openedAt);
  const to = session.endedAt ? time(session.endedAt) : now;
  const delivered = session.deliveries.filter((one) => one.phase === 'MASKED_INPUT' && (one.fraction ?? 1) >= 1).length;
  const axis = s(
    'svg',
    { width, height: 34, viewBox: `0 0 ${width} 34`, 'aria-hidden': 'true' },
    PHASES.map((phase, i) => {
      const part = session.phases.find((one) => one.phase === phase.state);
      return [s('text', { class: 'lbl2', x: left[i] + 6, y: 13 }, width < 560 ? phase.brief : phase.word), s('text', { x: left[i] + 6, y: 28 }, part ? span((part.to ? time(part.to) : now) - time(part.from)) : '')];
    }),
  );
  const roster = sites.filter((site) => session.deliveries.some((one) => one.site === site) || session.recovered.some((one) => one.site === site));
  const rows = roster.map((site) => sessionRow(site, session, now, width, left));
  const title = many ? `Session clock, session ${index + 1}` : 'Session clock';
  const table = dataTable(`session-${session.id.slice(0, 12)}`, title, ['Site', ...PHASES.map((phase) => `${phase.done}, UTC`), 'Outcome'], () => rows.map((row) => row.words));
  const certificate = session.certificate;
  const account =
    session.outcome === 'ABORTED'
      ? `${session.reason ? `${session.reason.replace(/\.$/, '')}. ` : ''}${certificate?.kind === 'ABORT' ? `${certificate.votes} sites voted ABORT; that certificate keeps every update unspent, so another session can begin with fresh keys and nobody trains again.` : 'Nothing of this session was summed.'}`
      : session.outcome === 'DONE' && certificate
        ? `Certified ${certificate.kind} with ${certificate.votes} votes, ${session.quorum} needed. ${session.recovered.length === 0 ? 'No mask had to be recovered.' : `Recovered: the masks of ${session.recovered.map((one) => one.site).join(', ')}, from ${session.recovered[0].shares} shares.`}`
        : session.reason;
  return h(
    'section',
    { class: 'clock', 'data-key': `session-${session.id}` },
    h('div', { class: 'head' }, h('h3', {}, title), h('span', { class: 'small muted' }, `${clockSeconds(from)}, ${span(to - from)}${session.endedAt ? '' : ' so far'}; each phase on its own scale. Roster ${session.n}, quorum ${session.quorum}, ${delivered} delivered`)),
    account && h('p', { class: 'foot' }, account),
    h('div', { class: 'lanes' }, h('div', { class: 'lane axis' }, h('span', { class: 'lab' }), h('div', { class: 'strip' }, axis), h('span', { class: 'note' })), rows.map((row) => row.row)),
    h('div', { class: 'tables' }, table.button),
    table.panel,
  );
}

function sessionWaiting(report) {
  if (report.sessions.length) return null;
  const words =
    report.summary.state === 'ABANDONED' ? 'No session: the round ended before enough sites were ready.'
    : `No session yet. It opens when ${report.minReady} sites are ready and online, may fail and start again with fresh keys, and no site trains twice.`;
  return h('section', { class: 'clock', 'data-key': 'no-session' }, h('div', { class: 'head' }, h('h3', {}, 'Session clock')), h('p', { class: 'foot' }, words));
}

/** The selected round; `last` is the newest one of the run. */
export function roundView(run, report, last, now) {
  const summary = report.summary;
  const from = time(summary.openedAt);
  const end = summary.endedAt ? time(summary.endedAt) : null;
  const length = (end ?? now) - from;
  const exact = length < HOUR ? clockSeconds : clock;
  const period = end === null ? `${day(from)}, ${exact(from)}, open for ${span(length)}` : `${day(from)}, ${exact(from)} to ${sameDay(from, end) ? '' : `${day(end)}, `}${exact(end)}, ${span(length)}`;
  const link = (number, word) => h('a', { class: 'btn', 'data-key': word, href: `#/runs/${encodeURIComponent(run.name)}/rounds/${number}` }, word);
  return h(
    'section',
    { class: 'round', id: 'round', 'data-key': 'round', tabindex: -1, 'aria-labelledby': 'round-title' },
    h(
      'div',
      { class: 'head' },
      h('h2', { id: 'round-title' }, `Round ${summary.round}`),
      h('span', { class: 'muted' }, `${ROUND_WORDS[summary.state]}${summary.kind === 'TRAIN' ? '' : ', evaluation of the model'}. `, at(from, period)),
      h('span', { class: 'end pair' }, summary.round > 1 && link(summary.round - 1, 'Earlier'), summary.round < last && link(summary.round + 1, 'Later')),
    ),
    track(report, now),
    summary.reason && h('p', { class: 'foot strong' }, `${ROUND_WORDS[summary.state]}: ${summary.reason.replace(/\.$/, '')}.`),
    trainingClock(report, now),
    sessionWaiting(report),
    report.sessions.map((session, i) => sessionClock(session, i, report.sessions.length > 1, report.lanes.map((lane) => lane.site), now)),
    h(
      'dl',
      { class: 'kv digests' },
      [['Plan', report.planDigest], ['Sum', report.sumDigest], ['Transcript', report.transcriptDigest]].filter(([, digest]) => digest).map(([word, digest]) => [h('dt', {}, word), h('dd', {}, h('code', { title: digest }, narrow() ? `${digest.slice(0, 24)}…` : digest))]),
    ),
  );
}
