// The run's events as they happen. The browser resumes by Last-Event-ID; a stream that it gave up
// is opened again after the last revision seen.

import { now } from './api.js';

const EVENTS = ['run', 'transition', 'site', 'version'];
const SILENCE = 40_000; // heartbeats come every 15 s
const RETRY = 8_000;

export class Live {
  #source = null;
  #watchdog = 0;
  #retry = 0;

  /**
   * @param hears line(entry), gap(), state(): a new line; lines were missed, read again; the mark changes
   */
  constructor(run, revision, hears) {
    this.run = run;
    this.revision = revision;
    this.hears = hears;
    this.lost = false;
    this.heardAt = now();
    this.retryAt = null;
    this.offline = () => this.#broken(true);
    this.online = () => this.#open();
    addEventListener('offline', this.offline);
    addEventListener('online', this.online);
    this.#open();
  }

  #open() {
    clearTimeout(this.#retry);
    this.retryAt = null;
    this.#source?.close();
    const source = new EventSource(`/api/v1/events?run=${encodeURIComponent(this.run)}&after=${this.revision}`);
    this.#source = source;
    source.addEventListener('heartbeat', () => this.#heard());
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        this.#heard();
        this.#line(JSON.parse(event.data));
      });
    }
    source.addEventListener('error', () => this.#broken(source.readyState === EventSource.CLOSED));
    this.#watch();
  }

  #line(entry) {
    if (entry.revision <= this.revision) return; // told twice after a resume
    const missed = entry.revision > this.revision + 1;
    this.revision = entry.revision;
    if (missed) this.hears.gap();
    else this.hears.line(entry);
  }

  #heard() {
    this.heardAt = now();
    this.#watch();
    if (!this.lost) return;
    this.lost = false;
    this.retryAt = null;
    clearTimeout(this.#retry);
    this.hears.gap();
    this.hears.state();
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#broken(true), SILENCE);
  }

  #broken(gaveUp) {
    this.lost = true;
    if (gaveUp) {
      clearTimeout(this.#watchdog);
      clearTimeout(this.#retry);
      this.#source?.close();
      this.retryAt = now() + RETRY;
      this.#retry = setTimeout(() => this.#open(), RETRY);
    }
    this.hears.state();
  }

  again() {
    this.#open();
  }

  /** Follow from a state that was read in full. */
  caughtUp(revision) {
    this.revision = Math.max(this.revision, revision);
  }

  close() {
    removeEventListener('offline', this.offline);
    removeEventListener('online', this.online);
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    this.#source?.close();
  }
}
