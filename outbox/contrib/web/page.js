// Live updates of the overview. Everything works without this file; it only loads the page again.
"use strict";
(() => {
  const main = document.querySelector("main[data-refresh]");
  if (!main) return;
  const renew = async () => {
    // Not while a person types, or has chosen something with the keyboard in here.
    if (document.hidden || main.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (fresh) main.replaceChildren(...fresh.childNodes);
  };
  setInterval(() => renew().catch(() => {}), Number(main.dataset.refresh) * 1000);
})();
