// Keys for the whole page, one step Back, and whether anybody looks at it.
const PRESSES = { k: ".st-key-menu-find button", l: ".st-key-live input", "?": ".st-key-menu-keys button" };
const FOCUS = '[role="dialog"] .st-key-_find input';

// A row that opens a page changes the address twice, first what is asked, then the page, and leaves a step between
// that nobody saw. Without a click or a key in between, the second takes the place of the first.
const oneStepBack = () => {
  let halfway = false;
  const done = () => (halfway = false);
  const ends = ["pointerdown", "keydown", "popstate"];
  window.history.pushState = function (state, title, url) {
    const turns = new URL(url, location.href).pathname !== location.pathname;
    const how = halfway && turns ? "replaceState" : "pushState";
    halfway = !turns;
    return History.prototype[how].call(this, state, title, url);
  };
  for (const end of ends) window.addEventListener(end, done, true);
  return () => {
    delete window.history.pushState;
    for (const end of ends) window.removeEventListener(end, done, true);
  };
};

export default function ({ setStateValue }) {
  window.__quarterdeck?.();

  const typing = (node) =>
    node.closest?.('textarea, select, [contenteditable="true"], [role="dialog"], input:not([type="checkbox"]):not([type="radio"])');

  const press = (event) => {
    const css = PRESSES[event.key.toLowerCase()];
    if (!css || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    event.preventDefault();
    wanted = css;
    use();
  };

  // A key is heard before what it presses is drawn: that is pressed as soon as it is there.
  let wanted = null;
  const use = () => {
    const control = wanted && document.querySelector(wanted);
    if (!control) return;
    wanted = null;
    control.click();
  };

  // What Vega draws to drag on is nothing to read out: no name can be given to it.
  const hush = () => {
    for (const brush of document.querySelectorAll('[class*="dragged_brush"]:not([aria-hidden])'))
      brush.setAttribute("aria-hidden", "true");
  };

  // Long code scrolls in a box of its own, which only what has the focus does by keys.
  const reach = () => {
    for (const code of document.querySelectorAll('[data-testid="stCode"] pre:not([tabindex])')) code.tabIndex = 0;
  };

  // A dialog takes the focus for itself: give it to the box to type in.
  const watch = new MutationObserver(() => {
    use();
    offerSvg();
    hush();
    reach();
    const box = document.querySelector(FOCUS);
    if (box && box !== focused) setTimeout(() => box.focus(), 50);
    focused = box;
  });
  let focused = null;

  const stepFreely = oneStepBack();
  const look = () => setStateValue("hidden", document.hidden);

  document.addEventListener("keydown", press);
  document.addEventListener("visibilitychange", look);
  watch.observe(document.body, { childList: true, subtree: true });
  offerSvg();
  hush();
  reach();
  if (document.hidden) look();
  const early = window.__quarterdeckEarly;
  window.__quarterdeckEarly = null;
  if (early) press(early);

  window.__quarterdeck = () => {
    document.removeEventListener("keydown", press);
    document.removeEventListener("visibilitychange", look);
    watch.disconnect();
    stepFreely();
    window.__quarterdeck = undefined;
  };
  return window.__quarterdeck;
}
