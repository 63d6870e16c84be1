// All runs: state, rounds, best value, sites now.

import { get, now } from './api.js';
import { h, s } from './dom.js';
import { at, clock, count, measure, notMeasured, span, weekday, when } from './format.js';
import { chips, roundsBar, tally } from './bars.js';
import { glyph, HEALTH } from './vocabulary.js';

const EVERY = 5000;
const LINES = 30; // runs whose curve is drawn

const FILTERS = { all: () => true, running: (run) => run.state === 'RUNNING', completed: (run) => run.state === 'COMPLETED', ended: (run) => run.state === 'ABANDONED' || run.state === 'CANCELLED' };

function sparkline(rounds) {
  const points = (rounds ?? []).map((round) => round.metrics?.accuracy ?? round.metrics?.auroc ?? null).filter((point) => point !== null);
  if (points.length < 2) return null;
  const low = Math.min(...points);
  const range = Math.max(...points) - low || 1;
  const xy = points.map((point, i) => [(i * 80) / (points.length - 1) + 1, 19 - ((point - low) / range) * 15]);
  return s('svg', { class: 'spark', width: 90, height: 22, viewBox: '0 0 90 22', 'aria-hidden': 'true' }, s('path', { class: 'ln-main', d: `M${xy.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}` }), s('circle', { class: 'dot', cx: xy.at(-1)[0], cy: xy.at(-1)[1], r: 2.5 }));
}

export class RunsPage {
  headings = ['Run', 'Health', 'Rounds', 'Model', 'Sites now', 'Finishes'];
  failure = 'The runs could not be read';
  tab = 'runs';
  title = 'Runs';

  constructor(shell) {
    this.shell = shell;
    this.filter = 'all';
    this.search = '';
    this.details = new Map();
    this.lines = new Map();
  }

  async load() {
    await this.#read();
    this.ticking = setInterval(() => this.#again(), EVERY);
  }

  close() {
    clearInterval(this.ticking);
  }

  async #again() {
    if (document.hidden) return;
    try {
      await this.#read();
      this.lost = false;
    } catch {
      this.lost = true;
    }
    this.shell.refresh();
  }

  async #read() {
    const runs = await get('/runs');
    await Promise.all(
      runs.slice(0, LINES).map(async (run) => {
        const version = `${run.state} ${run.rounds.committed} ${run.rounds.current} ${run.rounds.abandoned.length}`;
        const fresh = this.lines.get(run.id)?.version === version;
        const [detail, rounds] = await Promise.all([
          run.state === 'RUNNING' ? get(`/runs/${run.id}`) : null,
          fresh ? this.lines.get(run.id).rounds : get(`/runs/${run.id}/rounds`),
        ]);
        if (detail) this.details.set(run.id, detail);
        this.lines.set(run.id, { version, rounds });
      }),
    );
    this.runs = runs;
    this.readAt = now();
  }

  act(action, element) {
    if (action === 'filter') this.filter = element.dataset.choice;
    if (action === 'reconnect') return this.#again();
    if (action === 'clear') {
      this.search = '';
      document.getElementById('find').value = '';
    }
    this.shell.refresh();
  }

  input(event) {
    this.search = event.target.value;
    this.shell.refresh();
  }

  mark() {
    return { lost: Boolean(this.lost), heardAt: this.readAt, retryAt: null, ended: false };
  }

  #headline() {
    const running = this.runs.filter((run) => run.state === 'RUNNING');
    if (running.length === 0) return `No run is going on; ${count(this.runs.length, 'run has', 'runs have')} ended.`;
    const levels = running.map((run) => this.details.get(run.id)?.health.level);
    const held = levels.filter((level) => level === 'HELD_UP').length;
    const needs = levels.filter((level) => level === 'NEEDS_YOU').length;
    const well = running.length - held - needs;
    const parts = [[well, 'on course'], [held, 'held up'], [needs, needs === 1 ? 'needs you' : 'need you']].filter(([number]) => number > 0);
    return `${parts.map(([number, words], i) => `${i === 0 ? count(number, 'run') : number} ${words}`).join(', ')}.`;
  }

  #row(run) {
    const detail = run.state === 'RUNNING' ? this.details.get(run.id) : null;
    const level = detail?.health.level ?? (run.state === 'RUNNING' ? 'ON_COURSE' : run.state);
    const [name, tone, word] = HEALTH[level] ?? ['todo', 'quiet', run.state];
    const href = `#/runs/${encodeURIComponent(run.name)}`;
    const more = detail ? detail.health.sentence.replace(/^[^:]*: /, '') : run.reason ?? '';
    const counts = run.rounds;
    const moment = now();
    const end = run.endedAt ? [at(Date.parse(run.endedAt), when(Date.parse(run.endedAt), moment)), h('span', { class: 'two' }, `took ${span(Date.parse(run.endedAt) - Date.parse(run.submittedAt))}`)] : this.#eta(detail, moment);
    return h(
      'tr',
      { 'data-key': run.id },
      h('td', { 'data-th': 'Run' }, h('div', {}, h('a', { class: 'name', href }, run.name), h('span', { class: 'two' }, [run.study, run.architecture].filter(Boolean).join('; ')))),
      h('td', { 'data-th': 'Health' }, h('div', { class: 'st' }, glyph(name, tone), h('span', {}, word, more && h('span', { class: 'two' }, more)))),
      h('td', { 'data-th': 'Rounds' }, h('div', {}, roundsBar(counts, null, true), h('span', { class: 'two' }, `${counts.committed} of ${counts.planned} committed${counts.abandoned.length ? `, ${counts.abandoned.length} abandoned` : ''}`))),
      h('td', { 'data-th': 'Model' }, h('div', {}, run.best ? [`Best ${measure(run.best.accuracy)}`, h('span', { class: 'two' }, `accuracy, round ${run.best.round}`), sparkline(this.lines.get(run.id)?.rounds)] : notMeasured(run) ?? '–')),
      h('td', { 'data-th': 'Sites now' }, run.state === 'RUNNING' && Object.keys(run.siteCounts).length ? h('div', { class: 'counts' }, tally(run.siteCounts, true)) : '–'),
      h('td', { 'data-th': run.endedAt ? 'Ended' : 'Finishes' }, h('div', {}, end)),
    );
  }

  #eta(detail, moment) {
    if (!detail?.eta?.from) return '–';
    const from = Date.parse(detail.eta.from);
    const to = Date.parse(detail.eta.to);
    return to - moment > 20 * 3600e3 ? at(to, weekday(to)) : at(to, clock(from) === clock(to) ? `about ${clock(to)}` : `${clock(from)} to ${clock(to)}`);
  }

  view() {
    if (this.runs.length === 0) return [this.#nothing()];
    const search = this.search.trim().toLowerCase();
    const found = this.runs.filter(FILTERS[this.filter]).filter((run) => !search || `${run.name} ${run.study} ${run.architecture}`.toLowerCase().includes(search));
    const option = (key, word) => [key, `${word} ${this.runs.filter(FILTERS[key]).length}`];
    return [
      h('p', { class: 'crumbs', 'data-key': 'crumbs' }, this.shell.federation ?? ''),
      h('h1', { 'data-key': 'h1' }, this.#headline()),
      h(
        'div',
        { class: 'bar-row', 'data-key': 'bar' },
        chips('Filter the runs', 'filter', [option('all', 'All'), option('running', 'Running'), option('completed', 'Completed'), option('ended', 'Abandoned or cancelled')], this.filter),
        h('input', { id: 'find', type: 'search', 'data-key': 'find', placeholder: 'Find a run', 'aria-label': 'Find a run' }),
      ),
      found.length
        ? h('div', { class: 'scroll', 'data-key': 'table' }, h('table', { class: 'runs' }, h('thead', {}, h('tr', {}, this.headings.map((heading) => h('th', { scope: 'col' }, heading)))), h('tbody', {}, found.map((run) => this.#row(run)))))
        : h('div', { class: 'blank', 'data-key': 'none' }, h('h2', {}, 'No run matches'), h('p', {}, search ? `None of these matches “${this.search}”.` : 'None is in this state.'), search && h('button', { type: 'button', class: 'btn', 'data-do': 'clear' }, 'Clear the search')),
    ];
  }

  #nothing() {
    return h(
      'div',
      { class: 'blank', 'data-key': 'nothing' },
      h('h1', {}, 'No runs yet'),
      h('p', {}, 'Submit the first run with an API token.'),
      h('pre', { tabindex: 0 }, 'curl -X POST https://HOST:8443/api/v1/runs \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H "Idempotency-Key: $(uuidgen)" \\\n  -H "Content-Type: application/json" --data @run.json'),
      h('p', {}, 'What a run consists of stands in ', h('a', { href: '/v3/api-docs' }, 'the description of the API'), '.'),
    );
  }
}
