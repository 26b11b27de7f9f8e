// Keys for the whole page, and whether anybody looks at it.
const PRESSES = { k: ".st-key-menu-find button", l: ".st-key-live input", "?": ".st-key-menu-keys button" };
const FOCUS = '[role="dialog"] .st-key-_find input';

export default function ({ setStateValue }) {
  window.__quarterdeck?.();

  const typing = (node) =>
    node.closest?.('textarea, select, [contenteditable="true"], [role="dialog"], input:not([type="checkbox"]):not([type="radio"])');

  const press = (event) => {
    const css = PRESSES[event.key.toLowerCase()];
    if (!css || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    const control = document.querySelector(css);
    if (!control) return;
    event.preventDefault();
    control.click();
  };

  // A dialog takes the focus for itself: give it to the box to type in.
  const watch = new MutationObserver(() => {
    offerSvg();
    const box = document.querySelector(FOCUS);
    if (box && box !== focused) setTimeout(() => box.focus(), 50);
    focused = box;
  });
  let focused = null;

  const look = () => setStateValue("hidden", document.hidden);

  document.addEventListener("keydown", press);
  document.addEventListener("visibilitychange", look);
  watch.observe(document.body, { childList: true, subtree: true });
  offerSvg();
  if (document.hidden) look();

  window.__quarterdeck = () => {
    document.removeEventListener("keydown", press);
    document.removeEventListener("visibilitychange", look);
    watch.disconnect();
    window.__quarterdeck = undefined;
  };
  return window.__quarterdeck;
}
