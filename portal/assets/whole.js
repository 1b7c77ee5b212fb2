// A page whose parts did not all arrive, because the network changed under it, would stay blank: it is loaded anew.
// No module, so that it is there before them.

addEventListener('error', ({ target: part }) => {
  const needed = (part instanceof HTMLScriptElement && part.type === 'module') || (part instanceof HTMLLinkElement && part.rel === 'stylesheet');
  if (needed) setTimeout(() => location.reload(), 2_000);
}, true);
