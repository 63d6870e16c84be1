// Elements are described by pure functions and patched into the page, so that focus, selection and
// open details survive an update. Styles go through the CSSOM: the content policy admits no style
// attribute.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'css') {
      for (const [property, setting] of Object.entries(value)) element.style.setProperty(property, setting);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element. */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** An SVG element. */
export const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

export const byId = (id) => document.getElementById(id);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute('data-key') : null);
const alike = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** Makes `live` look like `next`, keeping every node that can stay. */
export function patch(live, next) {
  if (live.nodeType === Node.TEXT_NODE) {
    if (live.data !== next.data) live.data = next.data;
    return;
  }
  if (live.hasAttribute('data-own')) return; // drawn by a pointer handler
  for (const { name } of [...live.attributes]) {
    if (name === 'open' && live.nodeName === 'DETAILS') continue; // the reader's choice
    if (!next.hasAttribute(name) && name !== 'style') live.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name !== 'style' && live.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  if (live.style.cssText !== next.style.cssText) live.style.cssText = next.style.cssText;
  patchChildren(live, [...next.childNodes]);
}

/** Makes the children of `live` look like `wanted`. */
export function patchChildren(live, wanted) {
  const keyed = new Map();
  for (const child of live.childNodes) if (keyOf(child) !== null) keyed.set(keyOf(child), child);
  let cursor = live.firstChild;
  for (const next of wanted) {
    const known = keyOf(next) === null ? null : keyed.get(keyOf(next));
    const match = known && alike(known, next) ? known : cursor && keyOf(cursor) === null && alike(cursor, next) ? cursor : null;
    if (!match) {
      live.insertBefore(next, cursor);
      continue;
    }
    if (match === cursor) cursor = cursor.nextSibling;
    else live.insertBefore(match, cursor);
    patch(match, next);
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}

/** Tells screen readers; for a change of a run's health, a round's state or the selection alone. */
export function say(sentence) {
  if (byId('say').textContent !== sentence) byId('say').textContent = sentence;
}

export const narrow = () => matchMedia('(max-width: 760px)').matches;

/** Attributes of whatever shows a tooltip under the pointer and on focus. */
export const tip = (title, body) => ({ 'data-tip': title, 'data-tip-more': body || null });

function showTip(target) {
  const box = byId('tip');
  box.replaceChildren(h('b', {}, target.getAttribute('data-tip')), target.getAttribute('data-tip-more') ?? '');
  box.style.setProperty('display', 'block');
  const at = target.getBoundingClientRect();
  const own = box.getBoundingClientRect();
  const left = Math.max(8, Math.min(innerWidth - own.width - 8, at.left + at.width / 2 - own.width / 2));
  const above = at.top - own.height - 8;
  box.style.setProperty('left', `${left}px`);
  box.style.setProperty('top', `${above > 8 ? above : at.bottom + 8}px`);
}

const hideTip = () => byId('tip').style.setProperty('display', 'none');

export function installTips() {
  const over = (event) => {
    const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
    if (target) showTip(target);
    else hideTip();
  };
  document.addEventListener('pointerover', over);
  document.addEventListener('focusin', over);
  document.addEventListener('focusout', hideTip);
  document.addEventListener('scroll', hideTip, { passive: true, capture: true });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hideTip();
  });
}
