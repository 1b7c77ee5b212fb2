// Signs in: the token becomes a cookie that no script can read, and the dashboard opens.

import { remember } from './kept.js';
import { t } from './language.js';

const form = /** @type {HTMLFormElement} */ (document.querySelector('form'));
const token = /** @type {HTMLTextAreaElement} */ (document.querySelector('#token'));
const problem = /** @type {HTMLElement} */ (document.querySelector('#problem'));

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  problem.textContent = '';
  try {
    const response = await fetch('/api/session', { method: 'POST', headers: { Authorization: `Bearer ${token.value.trim()}` } });
    if (response.ok) {
      remember('rxvigil.login', String(Math.random()).slice(2)); // so that the dashboard's tabs share a stream only within this sign-in
      return location.assign('/');
    }
    const { title, detail } = await response.json();
    problem.textContent = detail || title;
  } catch {
    problem.textContent = t('The engine cannot be reached.');
  }
});
token.focus();
