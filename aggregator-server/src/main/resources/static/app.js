// The shell: who is signed in, which page, light or dark, live or not.

import { get, now, Problem, remove } from './api.js';
import { byId, h, installTips, patch, patchChildren } from './dom.js';
import { clockSeconds } from './format.js';
import { loadingView, problemView } from './bars.js';
import { RunPage } from './page-run.js';
import { RunsPage } from './page-runs.js';
import { SitesPage } from './page-sites.js';
import { ModelsPage } from './page-models.js';
import { SignInPage } from './page-signin.js';
import { toggleTable } from './table.js';
import { glyph } from './vocabulary.js';

const PATIENCE = 300; // ms before a page says that it loads
const ROLES = ['VIEWER', 'RESEARCHER', 'ADMIN'];
const THEME = 'comity-theme';
const SIGNED_IN = 'comity-signed-in'; // the cookie itself is out of a script's reach

const main = byId('main');

class Shell {
  person = null;
  federation = null;
  page = null;
  #route = null;
  #drawing = false;

  may(role) {
    return this.person !== null && ROLES.indexOf(this.person.role) >= ROLES.indexOf(role);
  }

  async start() {
    installTips();
    this.#theme();
    addEventListener('hashchange', () => this.#go());
    addEventListener('comity:signed-out', () => this.#signedOut());
    addEventListener('resize', () => this.refresh());
    document.addEventListener('visibilitychange', () => this.refresh());
    main.addEventListener('click', (event) => this.#click(event));
    byId('banner').addEventListener('click', (event) => this.#click(event));
    main.addEventListener('keydown', (event) => this.page?.key?.(event));
    main.addEventListener('input', (event) => this.page?.input?.(event));
    main.addEventListener('pointermove', (event) => this.page?.pointer?.(event));
    main.addEventListener('submit', (event) => {
      event.preventDefault();
      this.page?.submit?.();
    });
    byId('account').addEventListener('click', (event) => {
      if (event.target.closest('button')) this.#signOut();
    });
    setInterval(() => this.#drawMark(), 1000);
    get('/federation').then((told) => {
      this.federation = told.federation;
      byId('federation').textContent = told.federation;
      this.refresh();
    }, () => {}); // only a name: the page itself says what is wrong
    try {
      if (localStorage.getItem(SIGNED_IN)) this.person = await get('/session');
    } catch (problem) {
      if (problem.status !== 401) return this.#fail(problem, () => location.reload());
    }
    this.#go();
  }

  signedIn(person) {
    localStorage.setItem(SIGNED_IN, 'yes');
    this.person = person;
    this.#route = null;
    this.#go();
  }

  #signedOut() {
    if (this.person === null && this.page instanceof SignInPage) return;
    localStorage.removeItem(SIGNED_IN);
    this.person = null;
    this.#route = null;
    this.#go();
  }

  async #signOut() {
    try {
      await remove('/session');
    } catch (problem) {
      if (problem.status !== 401) return this.#fail(problem, () => this.#signOut());
    }
    this.#signedOut();
  }

  #parse() {
    const parts = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
    const number = (text) => (/^\d{1,6}$/.test(text ?? '') ? Number(text) : null);
    if (parts[0] === 'runs' && parts[1]) return { key: `run ${parts[1]}`, make: () => new RunPage(this, parts[1], number(parts[3])), choice: number(parts[3]) };
    if (parts[0] === 'sites') return { key: 'sites', make: () => new SitesPage(this) };
    if (parts[0] === 'models') return { key: `models ${parts[1] ?? ''}`, make: () => new ModelsPage(this, parts[1] ?? null, number(parts[3])), choice: number(parts[3]) };
    return { key: 'runs', make: () => new RunsPage(this) };
  }

  async #go() {
    const wanted = this.person === null ? { key: 'sign in', make: () => new SignInPage(this) } : this.#parse();
    if (this.#route === wanted.key && this.page?.ready) {
      try {
        await this.page.choose?.(wanted.choice);
      } catch (problem) {
        this.#fail(problem, () => this.#reload());
      }
      return;
    }
    this.#route = wanted.key;
    await this.#open(wanted.make());
  }

  #reload() {
    this.#route = null;
    this.#go();
  }

  async #open(page) {
    this.page?.close();
    this.page = page;
    this.problem = null;
    this.#drawFrame();
    const waiting = setTimeout(() => {
      if (this.page === page && !page.ready) main.replaceChildren(loadingView(page.headings));
    }, PATIENCE);
    try {
      await page.load();
      if (this.page !== page) return page.close();
      page.ready = true;
      clearTimeout(waiting);
      main.replaceChildren();
      this.#draw();
      scrollTo(0, 0);
      page.shown?.();
    } catch (problem) {
      clearTimeout(waiting);
      if (this.page === page) this.#fail(problem, () => this.#reload());
    }
  }

  #fail(problem, again) {
    if (problem.status === 401) return;
    const told = problem instanceof Problem ? problem : new Problem({ title: 'This page failed', detail: String(problem?.message ?? problem), remedy: 'Reload it; if it stays, report these details.' });
    this.problem = told;
    this.again = again;
    if (this.page) this.page.ready = false;
    this.#drawFrame();
    main.replaceChildren(problemView(told.status === 409 ? 'This federation is not open yet' : this.page?.failure ?? 'The dashboard could not start', told));
  }

  /** Draws in the next frame what has changed since. */
  refresh() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (this.page?.ready) this.#draw();
    });
  }

  #draw() {
    this.#drawFrame();
    patchChildren(main, this.page.view().flat(Infinity).filter(Boolean));
  }

  #drawFrame() {
    document.title = `${this.page?.title ?? 'Comity'} – Comity`;
    byId('tabs').hidden = this.person === null;
    for (const link of byId('tabs').children) {
      if (link.dataset.tab === this.page?.tab) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    patchChildren(byId('account'), this.person ? [h('span', { class: 'who' }, this.person.username), h('button', { type: 'button', class: 'btn plain' }, 'Sign out')] : []);
    this.#drawMark();
  }

  #drawMark() {
    const mark = this.page?.ready ? this.page.mark() : null;
    const lost = Boolean(mark?.lost);
    document.documentElement.toggleAttribute('data-lost', lost);
    const at = mark ? clockSeconds(lost ? mark.heardAt : now()) : '';
    patchChildren(byId('live'), mark ? [glyph(lost ? 'lost' : 'live', lost ? 'paused' : 'ready'), h('span', {}, lost ? 'Not live' : 'Live'), h('span', { class: 'at muted' }, lost ? `as of ${at}` : `${at} UTC`)] : []);
    const left = lost && mark.retryAt ? Math.max(0, Math.ceil((mark.retryAt - now()) / 1000)) : null;
    patchChildren(
      byId('banner'),
      lost
        ? [glyph('late', 'paused'), h('p', {}, h('b', {}, `Live updates stopped at ${at} UTC.`), ' Rounds go on without this page. Grey values are from then. ', h('span', { class: 'countdown' }, left === null ? 'Trying again.' : `Trying again in ${left} s.`)), h('button', { type: 'button', class: 'btn', 'data-do': 'reconnect' }, 'Try now')]
        : [],
    );
  }

  #click(event) {
    const element = event.target.closest('[data-do]');
    if (!element) return;
    const action = element.dataset.do;
    if (element.nodeName === 'A') event.preventDefault();
    if (action === 'again') return this.again?.();
    if (action === 'copy') return this.#copy(element);
    if (action === 'table') {
      toggleTable(element.dataset.table);
      return this.refresh();
    }
    Promise.resolve(this.page?.act(action, element)).catch((problem) => this.#fail(problem, () => this.#reload()));
  }

  async #copy(element) {
    const word = element.textContent;
    try {
      await navigator.clipboard.writeText(element.dataset.copy);
      element.textContent = 'Copied';
    } catch {
      element.textContent = 'Copying is not allowed here';
    }
    setTimeout(() => patch(element, Object.assign(element.cloneNode(), { textContent: word })), 1500);
  }

  #theme() {
    const apply = (theme) => {
      if (theme) document.documentElement.setAttribute('data-theme', theme);
      else document.documentElement.removeAttribute('data-theme');
    };
    apply(localStorage.getItem(THEME));
    byId('theme').addEventListener('click', () => {
      const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
      const shown = document.documentElement.getAttribute('data-theme') ?? system;
      const next = shown === 'dark' ? 'light' : 'dark';
      localStorage.setItem(THEME, next);
      apply(next);
    });
  }
}

new Shell().start();
