// One run, live: how it fares, its rounds, what happened in one of them, the journal.

import { get, now, post } from './api.js';
import { h, say, tip } from './dom.js';
import { at, change, clock, count, day, measure, sentenceCase, short, span, weekday, when } from './format.js';
import { roundsBar, tally } from './bars.js';
import { journalView } from './journal.js';
import { Live } from './live.js';
import { roundView } from './round.js';
import { hover, isPrivate, NOT_MEASURED, score, standing, windowFor } from './score.js';
import { glyph, HEALTH, isLive, ROUND_WORDS, siteState } from './vocabulary.js';

const PAGE_OF_JOURNAL = 200;
const QUIET = 400; // ms between two readings
const TICK = 2000;
const ROWS = 24; // of the journal at first
const time = (instant) => Date.parse(instant);

const NAMES = { fedavg: 'FedAvg', fedprox: 'FedProx', fedavgm: 'FedAvgM', fedadam: 'FedAdam', fedyogi: 'FedYogi', fedadagrad: 'FedAdagrad' };

function algorithm(submission) {
  const given = submission?.algorithm;
  if (!given?.name) return null;
  const settings = Object.entries(given).filter(([key, value]) => key !== 'name' && typeof value === 'number').map(([key, value]) => `${key} ${value}`);
  return [NAMES[given.name] ?? given.name, ...settings].join(' ');
}

function architecture(submission) {
  const given = submission?.architecture;
  return given?.family ? `${given.family}(${(given.widths ?? []).join(', ')})` : null;
}

const privacyWords = (given) =>
  given.kind === 'record-level' ? `of records: noise ${given.noiseMultiplier}, example clip ${given.exampleClip}, δ ${given.delta}` : `of sites: noise ${given.noiseMultiplier} by any ${given.contributors} of them, δ ${given.delta}`;

export class RunPage {
  headings = ['Rounds', 'Sites', 'Journal'];
  failure = 'This run could not be read';
  tab = 'runs';

  constructor(shell, name, round) {
    this.shell = shell;
    this.name = name;
    this.chosen = round; // null follows the newest round
    this.path = `/runs/${encodeURIComponent(name)}`;
    this.journal = [];
    this.filter = 'all';
    this.rows = ROWS;
    this.focus = null;
    this.start = null; // null follows
    this.reports = new Map();
    this.cancelAsked = false;
    this.notice = null;
  }

  get title() {
    return this.run ? `${this.run.name}, ${HEALTH[this.run.health.level]?.[2] ?? ''}` : this.name;
  }

  async load() {
    await this.#read();
    const after = Math.max(0, this.run.revision - PAGE_OF_JOURNAL);
    this.journal = await get(`${this.path}/journal?after=${after}&limit=1000`);
    this.first = after;
    const known = Math.max(this.run.revision, this.journal.at(-1)?.revision ?? 0);
    this.live = new Live(this.run.id, known, {
      line: (entry) => {
        this.journal.push(entry);
        this.#later();
      },
      gap: () => this.#catchUp(),
      state: () => this.shell.refresh(),
    });
    this.ticking = setInterval(() => this.#tick(), TICK);
  }

  close() {
    this.closed = true;
    clearInterval(this.ticking);
    clearTimeout(this.reading);
    this.live?.close();
  }

  #tick() {
    if (document.hidden) return;
    if (isLive(this.rounds.at(-1)?.state) || this.live.lost) this.shell.refresh();
  }

  get selected() {
    const newest = this.rounds.at(-1)?.round ?? null;
    return this.chosen !== null && this.chosen <= (newest ?? 0) ? this.chosen : newest;
  }

  async #read() {
    const [run, rounds] = await Promise.all([get(this.path), get(`${this.path}/rounds`)]);
    const newest = rounds.at(-1);
    const wanted = new Set([newest?.round, this.chosen].filter((number) => number && number <= (newest?.round ?? 0)));
    const reports = new Map();
    await Promise.all(
      [...wanted].map(async (number) => {
        const kept = this.reports.get(number);
        const ended = kept && !isLive(kept.summary.state);
        reports.set(number, ended ? kept : await get(`${this.path}/rounds/${number}`));
      }),
    );
    this.#tell(run, rounds);
    Object.assign(this, { run, rounds, reports });
  }

  /** Screen readers hear a change of the run's health, a round's state or the selection. */
  #tell(run, rounds) {
    if (!this.run) return;
    const before = this.rounds.at(-1);
    const after = rounds.at(-1);
    if (run.health.level !== this.run.health.level) say(run.health.sentence);
    else if (after && (before?.round !== after.round || before?.state !== after.state)) say(`Round ${after.round}: ${ROUND_WORDS[after.state]}.`);
  }

  #later() {
    if (this.closed) return;
    if (this.reading) {
      this.again = true; // what is being read may be older than this
      return;
    }
    this.reading = setTimeout(async () => {
      this.again = false;
      try {
        await this.#read();
      } catch (problem) {
        if (!problem.status) this.#laterAgain();
        else this.notice = problem;
      } finally {
        this.reading = null;
      }
      if (!this.closed) this.shell.refresh();
      if (this.again) {
        this.again = false;
        this.#later();
      }
    }, QUIET);
    this.shell.refresh();
  }

  #laterAgain() {
    setTimeout(() => this.#later(), TICK);
  }

  /** Lines were missed: read everything that changed since. */
  async #catchUp() {
    try {
      const known = this.journal.at(-1)?.revision ?? 0;
      const missed = await get(`${this.path}/journal?after=${known}&limit=1000`);
      this.journal.push(...missed.filter((entry) => entry.revision > (this.journal.at(-1)?.revision ?? 0)));
      this.live.caughtUp(this.journal.at(-1)?.revision ?? 0);
    } catch (problem) {
      if (problem.status) this.notice = problem; // without a status the stream's own retry comes back here
    }
    this.#later();
  }

  async choose(round) {
    this.chosen = round;
    this.start = null;
    const selected = this.selected;
    if (selected !== null && !this.reports.has(selected)) {
      this.reports.set(selected, await get(`${this.path}/rounds/${selected}`));
    }
    say(selected === null ? '' : `Round ${selected} selected.`);
    this.shell.refresh();
  }

  // What buttons and keys do.

  act(action, element) {
    const { dataset } = element;
    const go = (round) => {
      location.hash = `#/runs/${encodeURIComponent(this.run.name)}/rounds/${round}`;
    };
    switch (action) {
      case 'round':
        return go(Number(dataset.round));
      case 'cell':
        this.focus = { site: dataset.site, round: Number(dataset.round) };
        return this.rounds.some((round) => round.round === this.focus.round) ? go(this.focus.round) : this.shell.refresh();
      case 'window':
        this.start = Number(dataset.start);
        return this.shell.refresh();
      case 'filter':
        this.filter = dataset.choice;
        return this.shell.refresh();
      case 'older':
        return this.#older();
      case 'happened':
        document.getElementById('round')?.focus({ preventScroll: true });
        return document.getElementById('round')?.scrollIntoView();
      case 'reconnect':
        return this.live.again();
      case 'cancel':
        this.cancelAsked = true;
        return this.shell.refresh();
      case 'keep':
        this.cancelAsked = false;
        return this.shell.refresh();
      case 'cancel-now':
        return this.#cancel();
    }
  }

  async #older() {
    this.rows += ROWS;
    if (this.first === 0 || this.journal.length > this.rows * 4) return this.shell.refresh();
    const after = Math.max(0, this.first - PAGE_OF_JOURNAL);
    const lines = await get(`${this.path}/journal?after=${after}&limit=${this.first - after}`);
    this.journal = [...lines.filter((entry) => entry.revision <= this.first), ...this.journal];
    this.first = after;
    this.shell.refresh();
  }

  async #cancel() {
    this.cancelAsked = false;
    try {
      await post(`${this.path}/cancel`);
    } catch (problem) {
      this.notice = problem;
    }
    this.#later();
  }

  key(event) {
    const cell = event.target.closest?.('[data-do="cell"]');
    const button = event.target.closest?.('button[data-do="round"]');
    if (!cell && !button) return;
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] }[event.key];
    if (cell && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      return this.act('cell', cell);
    }
    if (!step) return;
    event.preventDefault();
    const group = [...event.currentTarget.querySelectorAll(cell ? '[data-do="cell"]' : 'button[data-do="round"]')];
    const rounds = [...new Set(group.map((one) => Number(one.dataset.round)))];
    const column = Math.min(rounds.length - 1, Math.max(0, rounds.indexOf(Number((cell ?? button).dataset.round)) + step[1]));
    if (button) return this.#focus(`button[data-do="round"][data-round="${rounds[column]}"]`, event.currentTarget);
    const sites = [...new Set(group.map((one) => one.dataset.site))];
    const row = Math.min(sites.length - 1, Math.max(0, sites.indexOf(cell.dataset.site) + step[0]));
    this.focus = { site: sites[row], round: rounds[column] };
    this.#focus(`[data-key="cell-${sites[row]}-${rounds[column]}"]`, event.currentTarget);
  }

  #focus(selector, root) {
    const target = root.querySelector(selector);
    if (!target) return;
    for (const one of root.querySelectorAll(`[data-do="${target.dataset.do}"][tabindex="0"]`)) one.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  }

  pointer(event) {
    const scoreElement = event.target.closest?.('.score');
    if (scoreElement) hover(scoreElement, event, this.rounds);
  }

  mark() {
    if (!this.live) return null;
    return { lost: this.live.lost, heardAt: this.live.heardAt, retryAt: this.live.retryAt, ended: this.run.state !== 'RUNNING' };
  }

  // What is shown.

  view() {
    const { run, rounds } = this;
    const at = now();
    const selected = this.selected;
    const report = this.reports.get(selected);
    const newest = rounds.at(-1);
    const live = newest && isLive(newest.state) ? this.reports.get(newest.round) ?? null : null;
    return [
      this.#head(at, live),
      this.#facts(at),
      h(
        'div',
        { class: 'cols first', 'data-key': 'first' },
        score({ run, rounds, live, selected, start: this.start ?? windowFor(run, rounds, this.chosen), focus: this.focus ?? (newest && { site: Object.keys(newest.sites).sort()[0], round: newest.round }), now: at }),
        h('aside', { class: 'rail', 'aria-label': 'About this run' }, this.#waiting(at, live), this.#attention(), this.#assumes(), this.#model()),
      ),
      h(
        'div',
        { class: 'cols', 'data-key': 'second' },
        report ? roundView(run, report, newest.round, at) : h('section', { 'data-key': 'no-round' }, h('h2', {}, 'No round yet'), h('p', { class: 'foot' }, 'The first round opens when enough sites are active.')),
        h('aside', { class: 'rail', 'aria-label': 'Journal' }, journalView(this.journal, this.filter, this.rows, this.first > 0, at)),
      ),
    ];
  }

  #head(now, live) {
    const { run } = this;
    const [name, tone] = run.state === 'RUNNING' && live?.summary.state === 'AGGREGATING' && run.health.level === 'ON_COURSE' ? ['session', 'ink'] : HEALTH[run.health.level] ?? ['todo', 'quiet'];
    const about = [run.purpose, architecture(run.submission), algorithm(run.submission)].filter(Boolean).map((part) => part.replace(/\.$/, ''));
    const mayCancel = run.state === 'RUNNING' && this.shell.may('RESEARCHER');
    return h(
      'div',
      { 'data-key': 'head' },
      h(
        'div',
        { class: 'crumbs' },
        h('a', { href: '#/runs' }, 'Runs'), h('span', {}, '/'), h('span', { class: 'crumb' }, run.name),
        h(
          'span',
          { class: 'end' },
          mayCancel && !this.cancelAsked && h('button', { type: 'button', class: 'btn', 'data-do': 'cancel', 'data-key': 'cancel' }, 'Cancel run'),
          h('button', { type: 'button', class: 'btn optional', 'data-do': 'copy', 'data-key': 'copy', 'data-copy': `/api/v1/runs/${run.name}` }, 'Copy API path'),
        ),
      ),
      this.cancelAsked &&
        h(
          'div',
          { class: 'ask', role: 'alertdialog', 'aria-label': 'Cancel this run', 'data-key': 'ask' },
          h('p', {}, h('b', {}, 'Cancel this run?'), ' It ends now and cannot be resumed; every committed version is kept.'),
          h('button', { type: 'button', class: 'btn', 'data-do': 'cancel-now' }, 'Cancel the run'),
          h('button', { type: 'button', class: 'btn plain', 'data-do': 'keep' }, 'Let it go on'),
        ),
      this.notice && h('p', { class: 'notice', role: 'alert', 'data-key': 'notice' }, h('b', {}, this.notice.title), ` ${this.notice.detail ?? ''} ${this.notice.remedy ?? ''}`, this.notice.traceId && [' Trace ', h('code', {}, this.notice.traceId)]),
      h(
        'div',
        { class: 'verdict' },
        h('span', { class: 'livenow' }, glyph(name, tone)),
        h('div', {}, h('h1', {}, run.health.sentence), h('p', { class: 'lede' }, about.length ? `${about.join(', ')}. ` : '', 'Submitted ', at(time(run.submittedAt), day(time(run.submittedAt))), ` by ${run.submittedBy}.`)),
      ),
      roundsBar(run.rounds, this.rounds),
    );
  }

  #facts(now) {
    const { run } = this;
    const eta = run.eta;
    const fact = (word, figure, more, wide) => h('div', { 'data-key': word, class: wide ? 'wide' : null }, h('dt', {}, word), h('dd', { class: 'fig' }, figure), h('dd', { class: 'sub' }, more));
    const from = eta?.from ? time(eta.from) : null;
    const to = eta?.to ? time(eta.to) : null;
    const finish = run.endedAt
      ? fact('Ended', at(time(run.endedAt), when(time(run.endedAt), now)), `took ${span(time(run.endedAt) - time(run.submittedAt))}`)
      : fact('Finishes', from === null ? 'not known yet' : from === to || clock(from) === clock(to) ? at(to, `about ${when(to, now)}`) : to - now > 20 * 3600e3 ? at(to, weekday(to)) : at(to, `${clock(from)} to ${clock(to)}`), sentenceCase(eta?.cause ?? ''));
    const metric = run.metric;
    const best = run.best;
    const counts = run.rounds;
    return h(
      'dl',
      { class: 'facts', 'data-key': 'facts' },
      finish,
      fact(
        'Model',
        metric ? [measure(metric.accuracy ?? metric.auroc), ' ', h('span', {}, metric.accuracy === null ? 'AUROC' : 'accuracy')] : '–',
        metric
          ? [metric.auroc !== null && metric.accuracy !== null && `AUROC ${measure(metric.auroc)}, `, best && best.round !== metric.round ? `best ${measure(best.accuracy)} in round ${best.round}, ${change(metric.accuracy - best.accuracy)} since` : 'best so far'].filter(Boolean)
          : isPrivate(run) ? NOT_MEASURED.toLowerCase() : 'no round has measured it yet',
      ),
      fact('Rounds', [String(counts.committed), ' ', h('span', {}, `of ${counts.planned} committed`)], counts.abandoned.length ? `${counts.abandoned.length} abandoned: ${counts.abandoned.join(', ')}` : counts.current ? `round ${counts.current} is open` : 'none abandoned'),
      run.privacy && fact('Privacy', ['ε ', run.privacy.spent.toFixed(2), ' ', h('span', {}, `of ${run.privacy.budget.toFixed(2)}`)], `${run.privacy.projected.toFixed(2)} expected at the end`),
      run.energy && fact('Energy', [`${Math.round(run.energy.wattsNow)} W `, h('span', {}, 'now')], `${run.energy.kWh.toFixed(1)} kWh so far`),
      h('div', { class: 'wide', 'data-key': 'sites' }, h('dt', {}, run.state === 'RUNNING' ? 'Sites now' : 'Sites at the end'), h('dd', { class: 'tally livenow' }, Object.keys(run.siteCounts).length ? tally(run.siteCounts) : '–')),
    );
  }

  #waiting(now, live) {
    const { run } = this;
    if (!live || live.summary.state === 'AGGREGATING') return null;
    const ready = Object.values(live.summary.sites).filter((state) => state === 'READY').length;
    const needed = Math.max(live.minReady, ready);
    const missing = live.minReady - ready;
    return h(
      'section',
      { class: 'early a', 'data-key': 'waiting' },
      h('h2', {}, missing > 0 ? `Waiting for ${count(missing, 'ready site')}` : 'Enough sites are ready'),
      h('div', { class: 'pips livenow', role: 'img', 'aria-label': `${ready} of ${live.minReady} ready` }, Array.from({ length: needed }, (_, i) => (i < ready ? glyph('ready', 'ready') : glyph('unused', 'lost')))),
      h(
        'ul',
        { class: 'waits' },
        run.waitingFor.map((one) => {
          const lane = live.lanes.find((other) => other.site === one.site);
          const doing = lane ? standing(lane, now) : { name: siteState(one.state)[0], tone: siteState(one.state)[1], text: siteState(one.state)[2], more: '' };
          return h('li', { 'data-key': one.site }, h('span', { class: 'livenow' }, glyph(doing.name, doing.tone)), h('span', {}, h('b', {}, one.site), ` ${doing.text.charAt(0).toLowerCase()}${doing.text.slice(1)} `, h('span', { class: 'muted' }, doing.more || at(time(one.since), `since ${when(time(one.since), now)}`))));
        }),
      ),
    );
  }

  #attention() {
    const { run } = this;
    if (run.attention.length === 0) return null;
    const mark = (one) => {
      const state = one.site && this.rounds.at(-1)?.sites[one.site];
      return state && ['REFUSED', 'LOST', 'IN_DOUBT'].includes(state) ? siteState(state) : ['needs', one.site ? 'paused' : 'refused'];
    };
    const readable = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (instant) => `${day(time(instant))} ${clock(time(instant))}`);
    return h(
      'section',
      { class: 'early', 'data-key': 'attention' },
      h('h2', {}, 'Needs attention'),
      run.attention.map((one, i) => {
        const [name, tone] = mark(one);
        const problem = readable(one.problem);
        return h('div', { class: 'issue', 'data-key': `${one.site}-${i}` }, glyph(name, tone), h('b', {}, one.site ? `${one.site}: ${problem}` : sentenceCase(problem)), h('p', {}, [one.reason && `${sentenceCase(readable(one.reason)).replace(/\.$/, '')}. `, one.remedy]));
      }),
    );
  }

  #assumes() {
    const given = this.run.assumptions;
    if (!given) return null;
    const row = (word, value, why) => [h('dt', why ? tip(word, why) : {}, word), h('dd', {}, value)];
    return h(
      'section',
      { 'data-key': 'assumes' },
      h('h2', {}, 'What this run assumes'),
      h(
        'dl',
        { class: 'kv' },
        row('Colluding sites, at most', String(given.nC), 'with the aggregator, and they still learn no more than the sum'),
        row(`Quorum of ${given.minReady}`, String(given.quorum), 'votes that certify a sum of the smallest roster'),
        row('Contributors, at least', String(given.minSurvivors), 'to any sum of the smallest roster'),
        row('Honest inputs, at least', String(given.minHonest)),
        row('Clip norm', given.clippedFraction === null ? String(given.clipNorm) : `${given.clipNorm}, ${(given.clippedFraction * 100).toFixed(1)} % clipped`, 'the longest update a site may send'),
        isPrivate(this.run) && row('Differential privacy', privacyWords(this.run.submission.privacy)),
        row('Ring', `${given.bits} bits, fits ${count(given.nMax, 'site')}`),
      ),
    );
  }

  #model() {
    const { model, name } = this.run;
    if (!model) return null;
    const version = `#/models/${encodeURIComponent(name)}/versions/${model.version}`;
    return h(
      'section',
      { 'data-key': 'model' },
      h('div', { class: 'head' }, h('h2', {}, 'Latest model'), h('a', { class: 'end small', href: version }, 'Lineage')),
      h('dl', { class: 'kv' }, h('dt', {}, 'Version'), h('dd', {}, h('a', { href: version }, `v${model.version}`)), h('dt', {}, 'Digest'), h('dd', {}, h('code', { title: model.digest }, `sha256:${short(model.digest)}`))),
    );
  }
}
