// All sites, as far as each publishes itself.

import { get, now } from './api.js';
import { h } from './dom.js';
import { ago, at, count, date, DAY, HOUR, when } from './format.js';
import { chips } from './bars.js';
import { glyph, siteState } from './vocabulary.js';

const EVERY = 5000;
const WARN = 30; // days before a certificate's end
const SILENT = HOUR;

const ADMISSION = { ACTIVE: ['done', 'sum', 'Active'], PENDING: ['todo', 'quiet', 'Pending'], REVOKED: ['refused', 'refused', 'Revoked'] };
const FILTERS = { all: () => true, active: (site) => site.state === 'ACTIVE', pending: (site) => site.state === 'PENDING', revoked: (site) => site.state === 'REVOKED' };

export class SitesPage {
  headings = ['Site', 'Now', 'Admission', 'Certificate', 'Seen', 'Agent', 'Key'];
  failure = 'The sites could not be read';
  tab = 'sites';
  title = 'Sites';

  constructor(shell) {
    this.shell = shell;
    this.filter = 'all';
    this.search = '';
  }

  async load() {
    await this.#read();
    this.ticking = setInterval(() => this.#again(), EVERY);
  }

  close() {
    clearInterval(this.ticking);
  }

  async #read() {
    this.sites = await get('/sites');
    this.readAt = now();
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
    const of = (state) => this.sites.filter((site) => site.state === state).length;
    const paused = this.sites.filter((site) => site.now.some((one) => one.state === 'PAUSED')).length;
    const parts = [`${of('ACTIVE')} of ${count(this.sites.length, 'site')} can take part`];
    if (paused) parts.push(`${paused} ${paused === 1 ? 'is' : 'are'} paused by ${paused === 1 ? 'its' : 'their'} own ${paused === 1 ? 'gate' : 'gates'}`);
    if (of('PENDING')) parts.push(`${of('PENDING')} ${of('PENDING') === 1 ? 'waits' : 'wait'} for the consortium to admit ${of('PENDING') === 1 ? 'it' : 'them'}`);
    return `${parts.join('; ')}.`;
  }

  #now(site, moment) {
    if (site.now.length === 0) return h('div', { class: 'st' }, glyph('todo', 'quiet'), h('span', {}, 'In no round'));
    return site.now.map((one) => {
      const [name, tone, word] = siteState(one.state);
      const doing = one.state === 'TRAINING' ? `Training ${one.tenths * 10} %` : word;
      const time = one.expectedAt ? `${one.state === 'PAUSED' ? 'until' : 'ready'} about ${when(Date.parse(one.expectedAt), moment)}` : `since ${when(Date.parse(one.since), moment)}`;
      return h('div', { class: 'st' }, glyph(name, tone), h('span', {}, one.reason ? `${doing}, ${one.reason.replace(/\.$/, '')}` : doing, h('span', { class: 'two' }, h('a', { href: `#/runs/${encodeURIComponent(one.runName)}` }, one.runName), ` round ${one.round}, ${time}`)));
    });
  }

  #row(site, moment) {
    const [name, tone, word] = ADMISSION[site.state] ?? ['todo', 'quiet', site.state];
    const left = Math.floor((Date.parse(site.certificate.notAfter) - moment) / DAY);
    const silence = site.seenAt ? moment - Date.parse(site.seenAt) : null;
    const parts = site.fingerprint.split('-');
    const fingerprint = parts.length > 2 ? `${parts.slice(0, 2).join('-')}…${parts.at(-1)}` : site.fingerprint;
    return h(
      'tr',
      { 'data-key': site.site },
      h('td', { 'data-th': 'Site' }, h('span', { class: 'name' }, site.site), h('span', { class: 'two' }, 'enrolled ', at(Date.parse(site.enrolledAt), date(Date.parse(site.enrolledAt))))),
      h('td', { 'data-th': 'Now' }, h('div', {}, this.#now(site, moment))),
      h('td', { 'data-th': 'Admission' }, h('div', { class: 'st' }, glyph(name, tone), h('span', {}, word))),
      h('td', { 'data-th': 'Certificate' }, h('div', {}, h('span', { class: left < 0 ? 'bad' : left < WARN ? 'warn' : null }, left < 0 ? 'expired' : count(left, 'day')), h('span', { class: 'two' }, at(Date.parse(site.certificate.notAfter), date(Date.parse(site.certificate.notAfter)))))),
      h('td', { 'data-th': 'Seen' }, silence === null ? 'never' : h('span', { class: silence > SILENT ? 'bad' : null }, at(Date.parse(site.seenAt), ago(silence)))),
      h('td', { 'data-th': 'Agent' }, site.agentVersion ?? '–'),
      h('td', { 'data-th': 'Key' }, h('code', { title: site.fingerprint }, fingerprint)),
    );
  }

  view() {
    if (this.sites.length === 0) {
      return [h('div', { class: 'blank', 'data-key': 'nothing' }, h('h1', {}, 'No site has enrolled yet'), h('p', {}, 'The consortium invites a site with one line of text; the site joins with it and shows its key’s fingerprint; the consortium then admits it by a signed membership.'))];
    }
    const moment = now();
    const search = this.search.trim().toLowerCase();
    const found = this.sites.filter(FILTERS[this.filter]).filter((site) => !search || site.site.includes(search));
    const options = [['all', 'All'], ['active', 'Active'], ['pending', 'Pending'], ['revoked', 'Revoked']].map(([key, word]) => [key, `${word} ${this.sites.filter(FILTERS[key]).length}`]);
    return [
      h('p', { class: 'crumbs', 'data-key': 'crumbs' }, this.shell.federation ?? ''),
      h('h1', { 'data-key': 'h1' }, this.#headline()),
      h('p', { class: 'lede', 'data-key': 'lede' }, 'A pause is a site looking after itself: no power, too hot, or outside the hours it chose. Policy and data belong to the site; what you see is what it publishes.'),
      h('div', { class: 'bar-row', 'data-key': 'bar' }, chips('Filter the sites', 'filter', options, this.filter), h('input', { id: 'find', type: 'search', 'data-key': 'find', placeholder: 'Find a site', 'aria-label': 'Find a site' })),
      found.length
        ? h('div', { class: 'scroll', 'data-key': 'table' }, h('table', { class: 'sites' }, h('thead', {}, h('tr', {}, this.headings.map((heading) => h('th', { scope: 'col' }, heading)))), h('tbody', {}, found.map((site) => this.#row(site, moment)))))
        : h('div', { class: 'blank', 'data-key': 'none' }, h('h2', {}, 'No site matches'), h('p', {}, search ? `None of these matches “${this.search}”.` : 'None is in this state.'), search && h('button', { type: 'button', class: 'btn', 'data-do': 'clear' }, 'Clear the search')),
    ];
  }
}
