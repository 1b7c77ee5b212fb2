// Runs before the first paint, so that a dark room never sees a white flash. A choice made here outlives the system's.
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => {
    try {
      return localStorage.getItem('rxvigil.theme');
    } catch {
      return null;
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? 'dark' : 'light');
  };
  system.addEventListener('change', apply);
  apply();
})();
