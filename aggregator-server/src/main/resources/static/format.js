// Words and numbers. Times are UTC; the local time stands in the tooltip.

import { h, tip } from './dom.js';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const two = (number) => String(number).padStart(2, '0');
const utc = (time) => new Date(time);

export const clock = (time) => `${two(utc(time).getUTCHours())}:${two(utc(time).getUTCMinutes())}`;
export const clockSeconds = (time) => `${clock(time)}:${two(utc(time).getUTCSeconds())}`;
export const day = (time) =>
  utc(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
export const weekday = (time) =>
  utc(time).toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
export const date = (time) => utc(time).toISOString().slice(0, 10);
export const sameDay = (a, b) => date(a) === date(b);

/** The clock alone today, with the day before it otherwise. */
export const when = (time, now) => (sameDay(time, now) ? clock(time) : `${day(time)}, ${clock(time)}`);

/** A length of time in milliseconds, as short as it can be said. */
export function span(length) {
  const ms = Math.max(0, length);
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${two(Math.floor((ms % MINUTE) / SECOND))} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))} m`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** How long ago, without decimals that flicker. */
export const ago = (length) => (length < 10 * SECOND ? `${Math.max(0, Math.floor(length / SECOND))} s` : span(length));

export const local = (time) =>
  `${utc(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })} local time`;

/** A time element that says `text`. */
export const at = (time, text) =>
  h('time', { datetime: new Date(time).toISOString(), ...tip(`${date(time)} ${clockSeconds(time)} UTC`, local(time)) }, text);

/** Why there is no metric; null where there are some or will be. */
export const notMeasured = (one) => (one.notMeasured ? `Not measured: ${one.notMeasured}` : null);

export const measure = (value) => (value === null || value === undefined ? '–' : value.toFixed(3));

/** A change with its sign; a real minus. */
export const change = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

export const bytes = (size) =>
  size < 1000 ? `${size} B` : size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;

export const short = (digest) => `${digest.slice(0, 8)}…${digest.slice(-6)}`;

export const sentenceCase = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Round ends for an axis: about `most` ticks over [low, high]. */
export function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  const marks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++) marks.push(i * step);
  return { marks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (String(step / power).includes('.') ? 1 : 0)) };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].map((n) => n * SECOND);

/** Full clock times in [from, to], at most `most` of them. */
export function clockTicks(from, to, most) {
  const step = STEPS.find((candidate) => (to - from) / candidate <= most) ?? Math.ceil((to - from) / most / DAY) * DAY;
  const marks = [];
  for (let mark = Math.ceil(from / step) * step; mark <= to; mark += step) marks.push(mark);
  return { marks, text: step < MINUTE ? clockSeconds : step < DAY ? clock : day };
}
