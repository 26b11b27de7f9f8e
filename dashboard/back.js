// Signing in ends on the first page: lead back to where it was asked for, within this tab.
const KEY = "quarterdeck-back";

export default function ({ data }) {
  const here = location.pathname + location.search;
  const back = sessionStorage.getItem(KEY);
  if (!data.signed_in) {
    if (here !== "/" || !back) sessionStorage.setItem(KEY, here);
    return;
  }
  sessionStorage.removeItem(KEY);
  if (back && back !== here && location.pathname === "/" && back.startsWith("/") && !back.startsWith("//")) {
    location.replace(back);
  }
}
