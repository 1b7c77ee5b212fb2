// Signs in: the token becomes a cookie that no script can read, and the dashboard opens.

const form = /** @type {HTMLFormElement} */ (document.querySelector('form'));
const token = /** @type {HTMLTextAreaElement} */ (document.querySelector('#token'));
const problem = /** @type {HTMLElement} */ (document.querySelector('#problem'));

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  problem.textContent = '';
  try {
    const response = await fetch('/api/session', { method: 'POST', headers: { Authorization: `Bearer ${token.value.trim()}` } });
    if (response.ok) {
      sign();
      return location.assign('/');
    }
    const { title, detail } = await response.json();
    problem.textContent = detail || title;
  } catch {
    problem.textContent = 'The engine cannot be reached.';
  }
});
token.focus();

/** Names this sign-in, so that the dashboard's tabs share a stream only within it. */
function sign() {
  try {
    localStorage.setItem('rxvigil.login', String(Math.random()).slice(2));
  } catch {
    // Forbidden: the tabs of all who sign in are one.
  }
}
