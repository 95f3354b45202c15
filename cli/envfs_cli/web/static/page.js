// What a page does beyond its HTML: it stays up to date. Without this script every page works, and is as of its loading.
//
// Laws: nothing is made of text here. Parts come from the same URL, as the server renders them, and are put in whole.
// A part that a person is in (focus, selection) is left as it is.
"use strict";

(() => {
  const body = document.body;
  const root = body.dataset.root;
  const news = new Set(body.dataset.news.split(" ").filter(Boolean));
  const status = document.getElementById("live");
  if (!root || !news.size || !status) return;

  const NEWER = "There is something newer. Reload the page to see it.";
  let paused = false;
  let waiting = false;
  let busy = false;
  let notBefore = 0;
  let timer;

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Pause live updates";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    if (!paused && waiting) refreshSoon();
  });
  status.before(button);

  function isBusy(part) {
    const selection = document.getSelection();
    return (
      part.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && selection.containsNode(part, true)) ||
      part.querySelector("details[open]") !== null
    );
  }

  function take(fresh) {
    let skipped = false;
    for (const part of document.querySelectorAll("[data-part]")) {
      const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!other || other.innerHTML === part.innerHTML) continue;
      if (isBusy(part)) skipped = true;
      else part.replaceWith(document.adoptNode(other));
    }
    if (skipped) status.textContent = NEWER;
    else if (status.textContent === NEWER) status.textContent = "";
  }

  // A page that is costly to make is loaded again less often: for a tenth of the time at most.
  function refreshSoon() {
    if (paused || busy) waiting = true;
    else timer ??= setTimeout(refresh, Math.max(0, notBefore - performance.now()));
  }

  function refresh() {
    timer = undefined;
    if (paused) {
      waiting = true;
      return;
    }
    const begin = performance.now();
    const request = new XMLHttpRequest();
    busy = true;
    waiting = false;
    request.open("GET", location.href.split("#")[0]);
    request.responseType = "document"; // it is parsed, and no script in it runs
    request.addEventListener("loadend", () => {
      busy = false;
      notBefore = performance.now() + 9 * (performance.now() - begin);
      if (request.response && !paused) take(request.response);
      if (waiting) refreshSoon();
    });
    request.send();
  }

  function sayWaiting(count) {
    if (count === 1) status.textContent = "A program waits for an answer.";
    else status.textContent = count ? `${count} programs wait for an answer.` : "";
  }

  const events = new EventSource(`${root}events`);
  events.addEventListener("news", (event) => {
    if (!event.data.split(" ").some((word) => news.has(word))) return;
    refreshSoon();
  });
  events.addEventListener("questions", (event) => sayWaiting(Number(event.data)));
  events.addEventListener("end", () => {
    events.close();
    button.remove();
    status.textContent = "envfs web has ended. This page stays as it was.";
  });
  addEventListener("pagehide", () => events.close());
})();
