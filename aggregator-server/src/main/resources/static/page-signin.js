// Signing in: the answer sets the session cookie.

import { post } from './api.js';
import { byId, h } from './dom.js';

export class SignInPage {
  headings = [];
  failure = 'Signing in failed';
  tab = null;
  title = 'Sign in';

  constructor(shell) {
    this.shell = shell;
    this.problem = null;
    this.busy = false;
  }

  async load() {
    this.problem = null;
  }

  close() {
    this.closed = true;
  }

  shown() {
    byId('username')?.focus();
  }

  mark() {
    return null;
  }

  act() {
    this.shell.refresh();
  }

  async submit() {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    this.shell.refresh();
    try {
      const person = await post('/session', { username: byId('username').value, password: byId('password').value });
      this.shell.signedIn(person);
    } catch (problem) {
      this.problem = problem;
      this.busy = false;
      this.shell.refresh();
      byId('password').value = '';
      byId('password').focus();
    }
  }

  view() {
    return [
      h(
        'form',
        { class: 'signin', 'data-key': 'signin', 'data-submit': 'signin', novalidate: true },
        h('h1', {}, 'Sign in'),
        h('p', { class: 'lede' }, `To watch the rounds${this.shell.federation ? ` of ${this.shell.federation}` : ''}.`),
        this.problem &&
          h(
            'p',
            { class: 'notice', role: 'alert', 'data-key': 'problem' },
            h('b', {}, `${this.problem.title}. `),
            this.problem.detail ?? '',
            ' ',
            this.problem.status === 401 ? 'Check both and try again.' : this.problem.remedy,
            this.problem.traceId && [' Trace ', h('code', {}, this.problem.traceId)],
          ),
        h('label', { for: 'username' }, 'Name'),
        h('input', { id: 'username', name: 'username', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false' }),
        h('label', { for: 'password' }, 'Password'),
        h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true }),
        h('button', { type: 'submit', class: 'btn main', disabled: this.busy }, this.busy ? 'Signing in' : 'Sign in'),
        h('p', { class: 'foot' }, 'The aggregator wrote the first password into its data folder at its first start.'),
      ),
    ];
  }
}
