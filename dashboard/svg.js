// A file of any chart as SVG, beside the PNG that Streamlit's toolbar offers.
const PNG = 'button[aria-label^="Download as PNG"]';

// What draws a chart: the Vega view or ECharts instance that React keeps in a component above the toolbar.
const drawer = (button) => {
  const name = Object.keys(button).find((key) => key.startsWith("__reactFiber$"));
  for (let at = button[name], up = 0; at && up < 40; at = at.return, up++)
    for (let hook = at.memoizedState; hook?.next !== undefined; hook = hook.next)
      for (const kept of [hook.memoizedState, hook.memoizedState?.current])
        if (kept?.toSVG || kept?.renderToSVGString) return kept;
  return null;
};

// An ECharts canvas is drawn once more, by the SVG painter of the same class. Its own text of the file is no
// XML where a font's name has quotes, so the nodes are written out by the browser.
const echartsSvg = (chart) => {
  const box = document.createElement("div");
  const size = { width: chart.getWidth(), height: chart.getHeight() };
  const copy = new chart.constructor(box, undefined, { renderer: "svg", ...size });
  const page = getComputedStyle(document.querySelector('[data-testid="stApp"]'));
  copy.setOption({ ...chart.getOption(), animation: false, backgroundColor: page.backgroundColor });
  copy.getZr().flush();
  const svg = new XMLSerializer().serializeToString(box.querySelector("svg"));
  copy.dispose();
  return svg;
};

const save = async (png) => {
  const chart = drawer(png);
  const svg = chart.toSVG ? await chart.toSVG() : echartsSvg(chart);
  const what = png.ariaLabel.replace(/^Download as PNG:? ?/, "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  link.download = `quarterdeck-${what.slice(0, 80) || "chart"}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

const offerSvg = () => {
  for (const png of document.querySelectorAll(PNG)) {
    const place = png.closest('[data-testid="stElementToolbarButton"]');
    if (place.parentElement.querySelector(".quarterdeck-svg") || !drawer(png)) continue;
    const button = png.cloneNode(false);
    button.classList.add("quarterdeck-svg");
    button.ariaLabel = png.ariaLabel.replace("PNG", "SVG");
    button.title = "Download as SVG";
    button.textContent = "SVG";
    button.style.cssText = "font-size: 0.7rem; font-weight: 600; width: auto; padding: 0 0.3rem;";
    button.addEventListener("click", (event) => (event.stopPropagation(), save(png)));
    const copy = place.cloneNode(false);
    copy.append(button);
    place.parentElement.append(copy);
  }
};
