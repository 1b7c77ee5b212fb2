// The reader's language. English is written where it is said and is the key to its translations (fr.js, am.js); what one of them
// lacks is said in English. A choice made here outlives the browser's.

import { remember, remembered } from './kept.js';

/** @type {Record<string, string>} */
export const LANGUAGES = { en: 'English', fr: 'Français', am: 'አማርኛ' };

const KEPT = 'rxvigil.language';

/** The language of this page, as in the lang attribute. */
export const language = chosen();

/** @type {Record<string, string>} */
const said = language === 'en' ? {} : (await import(`./${language}.js`)).default;

const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
const forms = new Intl.PluralRules(language);

/** @typedef {Record<string, string | number | [string]>} Values */
/** A sentence in pieces; those in an array are names or numbers to stress. @typedef {(string | [string])[]} Sentence */

/** Says an English text in the reader's language, with values in its braces. @param {string} text @param {Record<string, string | number>} [values] */
export const t = (text, values) => phrase(text, values).join('');

/** The same in pieces, so that a value in an array can be stressed. @param {string} text @param {Values} [values] @returns {Sentence} */
export function phrase(text, values = {}) {
  return (said[text] ?? text).split(/(\{\w+\})/).filter(Boolean).map((piece) => {
    const value = values[piece.slice(1, -1)];
    return piece[0] !== '{' || value === undefined ? piece : Array.isArray(value) ? value : String(value);
  });
}

/** How many of something: "{n} lot|{n} lots". @param {number} n @param {string} text @param {Record<string, string | number>} [values] */
export function count(n, text, values) {
  const [one = '', many = one] = (said[text] ?? text).split('|');
  return t(forms.select(n) === 'one' ? one : many, { n: numbers.format(n), ...values });
}

/** @param {string} language */
export function choose(language) {
  remember(KEPT, language);
  location.reload();
}

function chosen() {
  return [remembered(KEPT) ?? '', ...navigator.languages].map((l) => l.slice(0, 2)).find((l) => l in LANGUAGES) ?? 'en';
}

// What the page says before any script: texts marked with data-t, and their labels.
document.documentElement.lang = language;
for (const element of language === 'en' ? [] : document.querySelectorAll('[data-t]')) {
  const label = element.getAttribute('aria-label');
  if (label) element.setAttribute('aria-label', t(label));
  else element.textContent = t(element.textContent ?? '');
}
