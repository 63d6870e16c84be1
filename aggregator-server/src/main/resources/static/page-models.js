// Models: where a version comes from, how to fetch it.

import { get, now } from './api.js';
import { h, s } from './dom.js';
import { at, bytes, count, date, day, measure, notMeasured, sentenceCase, short, when } from './format.js';

const FOLD = 8; // more versions than this fold in the middle
const EVERY = 5000;

const STEPS = { Average: 'Average', Momentum: 'Server momentum', Adam: 'FedAdam step', Yogi: 'FedYogi step', Adagrad: 'FedAdagrad step' };

export class ModelsPage {
  headings = ['Version', 'Accuracy', 'Loss', 'In the sum'];
  failure = 'The models could not be read';
  tab = 'models';

  constructor(shell, name, version) {
    this.shell = shell;
    this.name = name;
    this.chosen = version;
    this.unfolded = false;
  }

  get title() {
    return this.model ? `${this.model}, model` : 'Models';
  }

  async load() {
    await this.#read();
    this.ticking = setInterval(() => this.#again(), EVERY);
  }

  close() {
    clearInterval(this.ticking);
  }

  async #read() {
    const models = await get('/models');
    const model = this.name ?? models[0]?.name ?? null;
    const versions = model === null ? [] : await get(`/models/${encodeURIComponent(model)}/versions`);
    Object.assign(this, { models, model, versions, readAt: now() });
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

  choose(version) {
    this.chosen = version;
    this.shell.refresh();
  }

  act(action) {
    if (action === 'unfold') this.unfolded = true;
    if (action === 'reconnect') return this.#again();
    this.shell.refresh();
  }

  mark() {
    return { lost: Boolean(this.lost), heardAt: this.readAt, retryAt: null, ended: false };
  }

  #path(version) {
    return `#/models/${encodeURIComponent(this.model)}/versions/${version}`;
  }

  #row(version, place, current, best, moment) {
    const edge = [
      place !== 'newest' && place !== 'only' && s('path', { class: 'ed', d: 'M18 0V23' }),
      place !== 'base' && place !== 'only' && s('path', { class: 'ed', d: 'M18 23V46' }),
      s('circle', { class: current ? 'nd-s' : version.version === 0 ? 'nd-o' : 'nd', cx: 18, cy: 23, r: current ? 5 : 4.2 }),
    ];
    const from = version.round === null ? 'From the seed, before any round' : `Round ${version.round}, ${count(version.participants.length, 'site')}`;
    return h(
      'li',
      { 'data-key': `v${version.version}`, 'aria-current': current ? 'true' : null },
      s('svg', { width: 36, height: 46, viewBox: '0 0 36 46', 'aria-hidden': 'true' }, edge),
      h('span', {}, h('a', { class: 'ver', href: this.#path(version.version) }, `v${version.version}`), best && h('span', { class: 'tag' }, 'best'), place === 'newest' && h('span', { class: 'tag' }, 'newest'), version.version === 0 && h('span', { class: 'tag' }, 'base'), h('br'), h('small', {}, from, ', ', at(Date.parse(version.publishedAt), when(Date.parse(version.publishedAt), moment)))),
      ...(notMeasured(version) ? [h('span', { class: 'both' }, notMeasured(version))] : [h('span', {}, measure(version.metrics?.accuracy)), h('span', {}, measure(version.metrics?.loss))]),
      h('span', {}, version.participants.length ? String(version.participants.length) : '–'),
    );
  }

  #lineage(current, best, moment) {
    const newestFirst = [...this.versions].reverse();
    const rows = [];
    const folds = !this.unfolded && newestFirst.length > FOLD;
    newestFirst.forEach((version, i) => {
      const place = newestFirst.length === 1 ? 'only' : i === 0 ? 'newest' : i === newestFirst.length - 1 ? 'base' : 'middle';
      const keep = !folds || i < 4 || i >= newestFirst.length - 2 || version === current || version === best;
      if (keep) rows.push(this.#row(version, place, version === current, version === best, moment));
      else if (rows.at(-1)?.className === 'fold') rows.at(-1).hidden_.push(version);
      else {
        const row = h('li', { class: 'fold', 'data-key': `fold-${version.version}` });
        row.hidden_ = [version];
        rows.push(row);
      }
    });
    for (const row of rows) {
      if (!row.hidden_) continue;
      const [newest] = row.hidden_;
      const oldest = row.hidden_.at(-1);
      row.append(
        s('svg', { width: 36, height: 34, viewBox: '0 0 36 34', 'aria-hidden': 'true' }, s('path', { class: 'ed dash', d: 'M18 0V34' })),
        h('span', {}, `${count(row.hidden_.length, 'version')}, v${oldest.version}${oldest === newest ? '' : ` to v${newest.version}`} `, h('button', { type: 'button', class: 'link', 'data-do': 'unfold' }, 'show')),
      );
    }
    return h(
      'section',
      { 'data-key': 'lineage' },
      h('h2', {}, 'Lineage'),
      h('ol', { class: 'tree' }, h('li', { class: 'colhead', 'data-key': 'head' }, h('span', {}), h('span', {}, 'Version, newest first'), h('span', {}, 'Accuracy'), h('span', {}, 'Loss'), h('span', {}, 'In the sum')), rows),
    );
  }

  #card(version, moment) {
    const row = (word, value) => (value === null || value === undefined ? null : [h('dt', {}, word), h('dd', {}, value)]);
    const code = (digest) => (digest ? h('code', { title: digest }, short(digest)) : null);
    const parent = this.versions.find((one) => one.digest === version.parent);
    return h(
      'section',
      { class: 'card', 'data-key': 'card', 'aria-label': `Version ${version.version}` },
      h('h2', {}, `${version.name} v${version.version}`),
      h('p', { class: 'muted' }, at(Date.parse(version.publishedAt), `${date(Date.parse(version.publishedAt))}, ${when(Date.parse(version.publishedAt), Date.parse(version.publishedAt))}`)),
      h(
        'dl',
        { class: 'kv' },
        row('Parent', version.parent === null ? 'none: it follows from the seed' : h('a', { href: this.#path(parent?.version ?? 0) }, parent ? `v${parent.version}` : short(version.parent))),
        row('Made by', version.round === null ? null : h('a', { href: `#/runs/${encodeURIComponent(version.name)}/rounds/${version.round}` }, `${version.name}, round ${version.round}`)),
        row('Architecture', version.architecture),
        row('Server step', version.algorithm && (STEPS[version.algorithm] ?? version.algorithm)),
        row('In the sum', version.participants.length ? `${count(version.participants.length, 'site')}: ${version.participants.join(', ')}` : null),
        version.metrics && row(`Measured in round ${version.metrics.round}`, `accuracy ${measure(version.metrics.accuracy)}${version.metrics.auroc === null ? '' : `, AUROC ${measure(version.metrics.auroc)}`}, loss ${measure(version.metrics.loss)}`),
        row('Metrics', notMeasured(version)),
        row('Privacy', version.epsilon === null ? null : `ε ${version.epsilon.toFixed(2)}`),
        row('Version digest', code(version.digest)),
        row('Plan', code(version.planDigest)),
        row('Sum', code(version.sumDigest)),
        row('Transcript', code(version.transcriptDigest)),
      ),
      h(
        'section',
        {},
        h('h3', {}, 'Fetch'),
        h(
          'ul',
          { class: 'fetch' },
          version.artifacts.map((artifact) =>
            h('li', { 'data-key': artifact.role }, h('span', {}, sentenceCase(artifact.role.replace('-', ' ')), h('small', {}, `${artifact.format}, `, h('code', { title: artifact.digest }, short(artifact.digest)))), h('span', { class: 'muted' }, bytes(artifact.bytes)), h('a', { href: artifact.href, download: '' }, 'Download', h('span', { class: 'vh' }, ` ${artifact.role} of version ${version.version}`)))),
        ),
        version.artifacts.length > 0 && h('pre', { tabindex: 0 }, `curl -H "Authorization: Bearer $TOKEN" -OJ \\\n  ${location.origin}${version.artifacts[0].href}`),
        h('p', { class: 'foot' }, 'The SHA-256 of what you fetch is the digest beside it; every site recomputes the version from the sum before it takes it.'),
      ),
    );
  }

  view() {
    if (this.model === null) return [h('div', { class: 'blank', 'data-key': 'nothing' }, h('h1', {}, 'No model yet'), h('p', {}, 'A run writes its first version when it is submitted, and one more with each round that commits.'))];
    const moment = now();
    const newest = this.versions.at(-1);
    const best = this.versions.reduce((found, version) => ((version.metrics?.accuracy ?? -1) > (found?.metrics?.accuracy ?? -1) ? version : found), null);
    const current = this.versions.find((version) => version.version === this.chosen) ?? newest;
    const headline = best && best.metrics ? (best === newest ? `${this.model}: v${newest.version} is the newest and the best.` : `${this.model}: v${best.version} is the best so far; v${newest.version} is the newest.`) : notMeasured(newest) ? `${this.model}: ${count(this.versions.length, 'version')}.` : `${this.model}: ${count(this.versions.length, 'version')}, none measured yet.`;
    return [
      h('p', { class: 'crumbs', 'data-key': 'crumbs' }, this.shell.federation ?? ''),
      h('h1', { 'data-key': 'h1' }, headline),
      h('p', { class: 'lede', 'data-key': 'lede' }, 'Every version names its parent, the round that made it and who took part. Anyone can fetch it, and check it without this server.'),
      this.models.length > 1 &&
        h('nav', { class: 'chips', 'aria-label': 'Models', 'data-key': 'models' }, this.models.map((model) => h('a', { href: `#/models/${encodeURIComponent(model.name)}`, 'data-key': model.name, 'aria-current': model.name === this.model ? 'page' : null }, `${model.name} `, h('span', { class: 'muted' }, `v${model.newest}, ${day(Date.parse(model.publishedAt))}`)))),
      h('div', { class: 'mcols', 'data-key': 'columns' }, this.#lineage(current, best, moment), this.#card(current, moment)),
    ].filter(Boolean);
  }
}
