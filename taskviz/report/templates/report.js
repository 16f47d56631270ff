"use strict";
(() => {
  const { charts, config } = JSON.parse(document.getElementById("taskviz-charts").textContent);
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const buttons = [...document.querySelectorAll("[data-set-theme]")];
  let printing = false;

  const onPaper = () => printing || root.dataset.theme === "print";

  const isDark = () => {
    if (onPaper()) return false;
    const theme = root.dataset.theme;
    return theme === "dark" || (theme === "auto" && system.matches);
  };

  // The dark figure is the light one with some entries replaced.
  const themed = (chart, dark) => {
    const figure = structuredClone(chart.figure);
    for (const [path, value] of dark ? chart.dark : []) {
      let place = figure;
      for (const step of path.slice(0, -1)) place = place[step];
      place[path[path.length - 1]] = value;
    }
    return figure;
  };

  // A page of paper is 680 px wide and 1000 px high inside its margins; the screen's width says
  // nothing of it. Two charts with their captions go on a page.
  const PAPER = 640;
  const SQUARE = 400;
  const LOW = 330;

  const drawOne = (chart, dark) => {
    const element = document.getElementById("chart-" + chart.number);
    const figure = themed(chart, dark);
    const { layout } = figure;
    const paper = onPaper();
    let width = element.clientWidth;
    if (paper) {
      const most = chart.square ? SQUARE : PAPER;
      width = layout.width = printing ? most : Math.min(most, width);
      // A chart of many rows keeps room for their names.
      if (!chart.square) layout.height = Math.max(Math.min(layout.height, LOW), 0.75 * layout.height);
    }
    if (chart.square) layout.height = Math.min(layout.height, width + 90);
    // No buttons on paper.
    return Plotly.react(element, figure.data, layout, paper ? { ...config, displayModeBar: false } : config);
  };

  // All at once and not one after another: paper does not wait.
  const draw = () => {
    const dark = isDark();
    return Promise.all(charts.map((chart) => drawOne(chart, dark))).then(() => {
      root.dataset.drawn = charts.length;
    });
  };

  const mark = () => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === root.dataset.theme));
    }
  };

  for (const button of buttons) {
    button.addEventListener("click", () => {
      root.dataset.theme = button.dataset.setTheme;
      mark();
      openTables(onPaper());
      draw();
    });
  }
  document.querySelector(".themes").hidden = false;
  mark();
  system.addEventListener("change", draw);

  // On paper: light, and every table open; afterwards as the reader left them.
  let opened = [];
  const openTables = (wanted) => {
    for (const details of opened) details.open = false;
    opened = wanted ? [...document.querySelectorAll("details:not([open]):not([data-wide])")] : [];
    for (const details of opened) details.open = true;
  };
  addEventListener("beforeprint", () => {
    printing = true;
    openTables(true);
    draw();
  });
  addEventListener("afterprint", () => {
    printing = false;
    openTables(onPaper());
    draw();
  });

  // In the preview, which is made anew at each change, the reader stays where they were.
  const PLACE = "taskviz-report-place " + document.title;
  const kept = (write) => {
    try {
      if (write !== undefined) sessionStorage.setItem(PLACE, write);
      return Number(sessionStorage.getItem(PLACE)) || 0;
    } catch {
      return 0; // Storage is refused: from the top, then.
    }
  };
  const follow = () => {
    if (self === top) return;
    scrollTo(0, kept());
    addEventListener("scroll", () => kept(scrollY), { passive: true });
  };

  openTables(onPaper());
  if (charts.length) {
    draw().then(follow);
  } else {
    root.dataset.drawn = 0;
    follow();
  }
})();
