// Loss histories as small multiples; each is drawn when it comes into view.
"use strict";

(() => {
  const root = document.querySelector(".l2o-histories");
  if (!root || !window.L2O_HISTORIES) return;
  const dashes = ["solid", "dot", "dash"];

  function draw(place, history) {
    const data = Object.entries(history.losses).map(([name, y], at) => ({
      x: history.x, y, name, type: "scatter", mode: "lines+markers", connectgaps: true,
      marker: { size: 3, maxdisplayed: 30 },
      line: { color: at ? "#555" : history.colour, width: at ? 1.2 : 1.8, dash: dashes[at % 3] },
      hovertemplate: `%{y:.5g}<br>${history.place} %{x}<extra>${name}</extra>`,
    }));
    const grid = { gridcolor: "#eee", zeroline: false, linecolor: "#888", mirror: true, exponentformat: "power", automargin: true, nticks: 5 };
    Plotly.react(place, data, {
      xaxis: { ...grid, title: { text: history.place, font: { size: 10 }, standoff: 4 } },
      yaxis: { ...grid, type: history.log ? "log" : "linear" },
      showlegend: false, hovermode: "x", margin: { l: 40, r: 6, t: 6, b: 30 },
      font: { size: 10, family: getComputedStyle(document.body).fontFamily },
    }, { responsive: true, displayModeBar: false });
  }

  const seen = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
    seen.unobserve(entry.target);
    draw(entry.target, histories.get(entry.target));
  }), { rootMargin: "300px" });
  const histories = new Map();
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  for (const group of window.L2O_HISTORIES) {
    const grid = make("div", { className: "l2o-multiples" });
    for (const history of group.histories) {
      const place = make("div", { className: "l2o-small" });
      const made = make("button", { className: "l2o-made", textContent: "proof", type: "button" });
      Object.assign(made.dataset, { edition: group.edition, record: history.record });
      const title = make("figcaption", {}, make("b", { textContent: history.label }), ` ${history.setting} `, made);
      grid.append(make("figure", {}, title, place));
      histories.set(place, history);
      seen.observe(place);
    }
    document.getElementById(group.id)?.after(grid);
  }
})();
