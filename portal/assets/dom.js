// The little of a framework that this page needs: make elements, keep a list of them in step with data, say times.

import { ago, clock } from './words.js';

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Makes an element. Functions become listeners (onclick: fn), booleans properties' attributes, the rest attributes.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  set(element, props ?? {});
  for (const child of children) if (child) element.append(child);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Node} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(attributes)) element.setAttribute(k, String(v));
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} props */
export function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  }
}

/** Sets text only when it differs, so that nothing is repainted or read out in vain. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {Child[]} children */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((c) => c instanceof Node || (typeof c === 'string' && c !== '')).map((c) => /** @type {Node | string} */ (c)));
}

/** @type {WeakMap<Element, Map<string, Element>>} */
const kept = new WeakMap();

/**
 * Makes the parent's children follow the items: one element a key, kept and moved rather than made anew. Focus stays where it was.
 * @template T
 * @template {Element} E
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => E} make
 * @param {(element: E, item: T) => void} [update]
 */
export function follow(parent, items, key, make, update) {
  const old = kept.get(parent) ?? new Map();
  const now = new Map();
  const focused = document.activeElement;
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    if (now.has(k)) continue;
    const element = /** @type {E} */ (old.get(k) ?? make(item));
    now.set(k, element);
    update?.(element, item);
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  for (const [k, element] of old) if (!now.has(k) && element.parentNode === parent) element.remove(); // another list may have taken it over
  kept.set(parent, now);
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

/** A time that keeps itself true: "4 min ago", the exact instant on hover. @param {string | undefined} at @param {boolean} [exact] */
export function when(at, exact) {
  const element = h('time', { datetime: at ?? '', title: at ? new Date(at).toLocaleString() : '', 'data-exact': Boolean(exact) });
  tell(element);
  return element;
}

/** @param {HTMLTimeElement} element @param {string | undefined} at */
export function retime(element, at) {
  if (element.dateTime === (at ?? '')) return;
  element.dateTime = at ?? '';
  element.title = at ? new Date(at).toLocaleString() : '';
  tell(element);
}

/** @param {HTMLTimeElement} element */
function tell(element) {
  if (element.dateTime) say(element, 'exact' in element.dataset ? clock(element.dateTime) : ago(element.dateTime));
}

/** Brings every relative time on the page up to date. */
export function tickTimes() {
  for (const element of document.querySelectorAll('time:not([data-exact])')) tell(/** @type {HTMLTimeElement} */ (element));
}
