// One glyph, one meaning: shape first, colour second, word third.

import { s } from './dom.js';

const line = (d, width = 1.75) => s('path', { d, fill: 'none', stroke: 'currentColor', 'stroke-width': width });
const solid = (d) => s('path', { d, fill: 'currentColor' });
const ring = (radius, width, dashes) =>
  s('circle', { cx: 8, cy: 8, r: radius, fill: 'none', stroke: 'currentColor', 'stroke-width': width, 'stroke-dasharray': dashes });
const disc = (radius) => s('circle', { cx: 8, cy: 8, r: radius, fill: 'currentColor' });

const SHAPES = {
  sum: () => [s('rect', { x: 3, y: 3, width: 10, height: 10, rx: 1.5, fill: 'currentColor' })],
  partial: () => [
    s('rect', { x: 3.75, y: 3.75, width: 8.5, height: 8.5, rx: 1, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5 }),
    solid('M3.5 12.5 12.5 3.5v9Z'),
  ],
  ready: () => [ring(5, 1.75), disc(2.1)],
  training: () => [solid('M4 2.6 13.4 8 4 13.4Z')],
  invited: () => [s('path', { d: 'M4.8 3.6 12.2 8l-7.4 4.4Z', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-linejoin': 'round' })],
  paused: () => [solid('M3.8 3h3v10h-3zM9.2 3h3v10h-3z')],
  late: () => [line('M3.5 8h9', 2.4)],
  refused: () => [line('m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8', 2.4)],
  lost: () => [ring(5, 1.75, '2.7 2.5')],
  dropped: () => [line('M8 2.4 13.6 8 8 13.6 2.4 8Z')],
  doubt: () => [line('M5.2 5.9a2.8 2.8 0 1 1 4.4 2.3C8.5 9 8 9.3 8 10.3', 1.75), s('circle', { cx: 8, cy: 13, r: 1.2, fill: 'currentColor' })],
  unused: () => [ring(4.5, 1.5)],
  todo: () => [disc(1.3)],
  done: () => [line('m3 8.4 3.2 3.4L13 4.4', 2)],
  session: () => [solid('m8 1.8 5.4 3.1v6.2L8 14.2l-5.4-3.1V4.9Z')],
  retry: () => [line('M12.6 5.4A5.2 5.2 0 1 0 13.2 8'), solid('M13.6 1.8v4.4H9.2Z')],
  model: () => [line('M3 4.5h10M3 8h10M3 11.5h10', 2)],
  needs: () => [s('path', { d: 'M8 2.2 14.4 13.4H1.6Z', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6, 'stroke-linejoin': 'round' }), line('M8 6.4v3.4M8 11v1.2', 1.6)],
  stopped: () => [s('rect', { x: 3.75, y: 3.75, width: 8.5, height: 8.5, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5 }), line('M5.5 8h5', 1.5)],
  live: () => [disc(5.5)],
};

/** The glyph `name` in the colour of `tone`; decoration, since a word stands beside it. */
export const glyph = (name, tone) =>
  s('svg', { class: `g t-${tone}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' }, SHAPES[name]());

/** Site in a round: glyph, tone, word, what it means. */
export const SITE_STATES = {
  SUMMED: ['sum', 'sum', 'In the sum', 'its masked update is part of the round’s sum'],
  PARTIAL: ['partial', 'sum', 'In the sum, partial work', 'it stopped early; its update stands for the steps it took'],
  READY: ['ready', 'ready', 'Ready', 'update encoded and stored at the site'],
  TRAINING: ['training', 'training', 'Training', 'working through its batches'],
  PAUSED: ['paused', 'paused', 'Paused', 'no power, too hot, or outside the hours it chose'],
  INVITED: ['invited', 'lost', 'Invited', 'asked, and not begun'],
  IN_SESSION: ['session', 'ink', 'In session', 'its masked update is being summed'],
  IN_DOUBT: ['doubt', 'paused', 'In doubt', 'an unfinished session may have used its update'],
  LATE: ['late', 'paused', 'Late', 'not ready in time; the site keeps or discards its update'],
  DROPPED: ['dropped', 'dropped', 'Dropped', 'left the session; its mask was taken out and the sum stands without it'],
  REFUSED: ['refused', 'refused', 'Refused', 'the site’s policy said no'],
  LOST: ['lost', 'lost', 'Lost', 'no word for too long'],
  UNUSED: ['unused', 'lost', 'Ready, not used', 'the round ended without it'],
};

/** In the order of a tally. */
export const SITE_ORDER = ['READY', 'IN_SESSION', 'SUMMED', 'TRAINING', 'INVITED', 'PAUSED', 'IN_DOUBT', 'LATE', 'DROPPED', 'UNUSED', 'REFUSED', 'LOST'];

export const TALLY_WORDS = {
  READY: 'ready', IN_SESSION: 'in session', SUMMED: 'in the sum', TRAINING: 'training', INVITED: 'invited', PAUSED: 'paused',
  IN_DOUBT: 'in doubt', LATE: 'late', DROPPED: 'dropped', UNUSED: 'not used', REFUSED: 'refused', LOST: 'lost',
};

/** Those of the legend; the others join it when they occur. */
export const LEGEND = ['SUMMED', 'PARTIAL', 'READY', 'TRAINING', 'PAUSED', 'LATE', 'DROPPED', 'REFUSED', 'LOST'];
export const RARE = ['INVITED', 'IN_SESSION', 'IN_DOUBT', 'UNUSED'];

export const NOT_BEGUN = ['todo', 'quiet', 'Not begun', ''];

export const siteState = (state) => SITE_STATES[state] ?? ['todo', 'quiet', state, ''];

/** Health of a run: glyph, tone, word. */
export const HEALTH = {
  ON_COURSE: ['training', 'training', 'On course'],
  HELD_UP: ['paused', 'paused', 'Held up'],
  NEEDS_YOU: ['needs', 'refused', 'Needs you'],
  COMPLETED: ['done', 'sum', 'Completed'],
  ABANDONED: ['refused', 'refused', 'Abandoned'],
  CANCELLED: ['stopped', 'lost', 'Cancelled'],
};

/** Phases of a session in their order, with the message that ends each at a site. */
export const PHASES = [
  { state: 'ADVERTISING_KEYS', message: 'ADVERTISE_KEYS', word: 'AdvertisingKeys', brief: 'Advert.', done: 'Keys advertised' },
  { state: 'SHARING_KEYS', message: 'SHARE_KEYS', word: 'SharingKeys', brief: 'Sharing', done: 'Shares sent' },
  { state: 'COLLECTING', message: 'MASKED_INPUT', word: 'Collecting', brief: 'Collecting', done: 'Masked update delivered' },
  { state: 'VOTING', message: 'VOTE', word: 'Voting', brief: 'Voting', done: 'Voted' },
  { state: 'UNMASKING', message: 'UNMASK', word: 'Unmasking', brief: 'Unmask.', done: 'Answered unmasking' },
];

export const ROUND_WORDS = {
  RECRUITING: 'Recruiting', TRAINING: 'Training', AGGREGATING: 'Aggregating', COMMITTED: 'Committed', ABANDONED: 'Abandoned',
};

export const isLive = (state) => state === 'RECRUITING' || state === 'TRAINING' || state === 'AGGREGATING';

/** Glyph and tone of a journal line. */
export function journalGlyph(entry) {
  if (entry.kind === 'SITE') return siteState(entry.to).slice(0, 2);
  if (entry.kind === 'SESSION') return entry.to === 'ABORTED' || entry.to === 'ABORTING' ? ['retry', 'paused'] : ['session', 'ink'];
  if (entry.kind === 'MODEL') return ['model', 'ink'];
  if (entry.to === 'COMMITTED' || entry.to === 'COMPLETED') return ['done', 'sum'];
  if (entry.to === 'ABANDONED') return ['refused', 'refused'];
  if (entry.to === 'CANCELLED') return ['stopped', 'lost'];
  return entry.to === 'TRAINING' ? ['training', 'training'] : ['model', 'ink'];
}
