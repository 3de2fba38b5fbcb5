// Curves of an experiment: a panel a setting, the same legend for all, choices above.
// Reads window.L2O_CURVES, which the page's own data file sets: see l2o.site.curves.
"use strict";

(() => {
  const root = document.querySelector(".l2o-explorer");
  if (!root || !window.L2O_CURVES) return;
  const editions = window.L2O_CURVES.editions;
  const first = editions[0];
  const state = {
    editions: new Set([first.edition]),
    hidden: new Set(),
    axis: first.axes[0].id,
    xlog: first.axes[0].log,
    ylog: first.value.log,
    centre: first.curves.some((curve) => curve.median) ? "median" : "mean",
    spread: false,
    published: false,
    drawn: false,
    recipe: false,
  };
  const VARIANTS = { // of a method: its choice, what it is called, and what that means
    as_drawn: ["drawn", "as drawn", "With the settings that reproduce the published curve: dashed"],
    published_recipe: ["recipe", "published recipe", "Trained as the paper and the methods' own papers say: dashed"],
  };

  // Elements

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const unique = (things, key) => [...new Map(things.map((thing) => [key(thing), thing])).values()];
  const chosen = () => editions.filter((edition) => state.editions.has(edition.edition));

  const select = (name, text, options, change) => {
    const field = make("select", { name });
    for (const [value, label] of options) field.append(make("option", { value, textContent: label }));
    field.value = state[name];
    field.onchange = () => { change ? change(field.value) : (state[name] = field.value); draw(); };
    return make("label", {}, text, field);
  };
  const box = (name, text, title) => {
    const field = make("input", { type: "checkbox", name, checked: state[name] });
    field.onchange = () => { state[name] = field.checked; draw(); };
    return make("label", { title }, field, text);
  };
  const scales = [["log", "logarithmic"], ["linear", "linear"]];
  const scale = (name, text) => {
    const label = select(name, text, scales, (value) => { state[name] = value === "log"; });
    label.querySelector("select").value = state[name] ? "log" : "linear";
    return label;
  };

  const choices = make("div", { className: "l2o-choices" });
  const legend = make("div", { className: "l2o-legend" });
  const panels = make("div", { className: "l2o-panels" });
  const foot = make("p", { className: "l2o-foot" });
  root.append(choices, legend, panels, foot);

  function drawChoices() {
    const axes = unique(editions.flatMap((edition) => edition.axes), (axis) => axis.id);
    const presets = make("span", { className: "l2o-presets" }, "Presets");
    for (const edition of editions) {
      const field = make("input", { type: "checkbox", value: edition.edition });
      field.checked = state.editions.has(edition.edition);
      field.onchange = () => {
        field.checked ? state.editions.add(field.value) : state.editions.delete(field.value);
        if (!state.editions.size) { state.editions.add(field.value); field.checked = true; }
        draw();
      };
      presets.append(make("label", { title: edition.note }, field, edition.title));
    }
    const shown = [presets];
    if (axes.length > 1) shown.push(select("axis", "Against", axes.map((a) => [a.id, a.id])));
    shown.push(scale("xlog", "Horizontal"), scale("ylog", "Vertical"));
    if (editions.some((edition) => edition.curves.some((curve) => curve.median)))
      shown.push(select("centre", "Lines", [["median", "median"], ["mean", "mean"]]));
    if (editions.some((edition) => edition.value.spread))
      shown.push(box("spread", "quartiles", "The middle half of all that is pooled"));
    if (editions.some((edition) => edition.published.length))
      shown.push(box("published", "published curves", "Means, read off the paper's figures: dotted"));
    for (const [variant, [choice, words, hint]] of Object.entries(VARIANTS))
      if (editions.some((edition) => edition.curves.some((curve) => curve.variant === variant)))
        shown.push(box(choice, words, hint));
    choices.replaceChildren(...shown);
  }

  // Legend: a click hides or shows a curve in all panels, a double click leaves it alone

  const sample = (look) => {
    const dash = look.dash === "solid" ? "" : look.dash === "dot" ? "2 2" : look.dash.replaceAll("px", "");
    const ink = look.open ? `fill="none" stroke="${look.colour}" stroke-width="0.35"` : `fill="${look.colour}"`;
    return `<svg width="34" height="14" aria-hidden="true"><line x1="1" x2="33" y1="7" y2="7" ` +
      `stroke="${look.colour}" stroke-width="${look.width + 0.4}" stroke-dasharray="${dash}"/>` +
      (look.path ? `<path transform="translate(17 7) scale(4.6)" d="${look.path}" ${ink}/>` : "") + "</svg>";
  };

  function drawLegend() {
    const all = unique(chosen().flatMap((edition) => edition.series), (series) => series.id);
    const groups = [...new Set(all.map((series) => series.heading))].map((heading) => {
      const group = make("div", {}, make("b", { textContent: heading }));
      for (const series of all.filter((one) => one.heading === heading)) {
        const button = make("button", { type: "button", innerHTML: sample(series) }, series.label);
        button.dataset.series = series.id;
        button.title = "Click: hide or show. Double click: only this one, or all again.";
        button.setAttribute("aria-pressed", String(!state.hidden.has(series.id)));
        button.onclick = () => toggle(series.id);
        button.ondblclick = () => only(series.id, all.map((one) => one.id));
        group.append(button);
      }
      return group;
    });
    legend.replaceChildren(...groups);
  }
  function toggle(id) {
    state.hidden.has(id) ? state.hidden.delete(id) : state.hidden.add(id);
    refresh();
  }
  function only(id, all) {
    const others = all.filter((one) => one !== id);
    const alone = !state.hidden.has(id) && others.every((one) => state.hidden.has(one));
    state.hidden = new Set(alone ? [] : others);
    refresh();
  }
  function refresh() {
    for (const button of legend.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(!state.hidden.has(button.dataset.series)));
    drawPanels();
  }

  // Panels

  const text = (value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return value.toExponential(3).replace("-", "−");
    return value.toLocaleString("en", { maximumSignificantDigits: 5 }).replace("-", "−");
  };
  const opaque = (colour, opacity) =>
    `rgba(${[1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).join(",")},${opacity})`;

  function traces(edition, panel) {
    const looks = new Map(edition.series.map((series) => [series.id, series]));
    const found = [];
    const own = edition.curves.filter((curve) => curve.panel === panel && !state.hidden.has(curve.series)
      && curve.x[state.axis] && (curve.variant === "main" || state[VARIANTS[curve.variant][0]]));
    for (const curve of own) {
      const look = looks.get(curve.series), x = curve.x[state.axis];
      const values = curve[state.centre] || curve.mean;
      if (state.spread && curve.low && curve.variant === "main") found.push(...band(curve, look, x));
      found.push({
        x, y: values, mode: look.symbol ? "lines+markers" : "lines", type: "scatter",
        name: look.label + (curve.variant === "main" ? "" : `, ${VARIANTS[curve.variant][1]}`),
        line: { color: look.colour, width: look.width + 0.4, dash: curve.variant === "main" ? look.dash : "dash" },
        marker: { symbol: look.symbol || "circle", size: 7, maxdisplayed: 12, color: look.colour,
          line: { width: look.open ? 1.2 : 0.4, color: look.open ? look.colour : "white" } },
        text: x.map((_, at) => told(edition, curve, at)),
        hovertemplate: `<b>%{fullData.name}</b><br>${state.axis} %{x}<br>%{text}<extra></extra>`,
        meta: { series: curve.series, record: curve.record, edition: edition.edition, reference: look.reference },
      });
    }
    if (state.published) for (const curve of edition.published) {
      if (curve.panel !== panel || curve.axis !== state.axis || state.hidden.has(curve.series)) continue;
      const look = looks.get(curve.series);
      if (look) found.push({
        x: curve.x, y: curve.mean, mode: "lines+markers", type: "scatter", name: `${look.label}, published`,
        line: { color: look.colour, width: 1.2, dash: "dot" },
        marker: { symbol: "circle-open", size: 6, color: look.colour },
        text: curve.mean.map((value) => `mean ${text(value)}${edition.value.unit}`),
        hovertemplate: `<b>%{fullData.name}</b><br>${state.axis} %{x}<br>%{text}<extra></extra>`,
        meta: { series: curve.series, published: true },
      });
    }
    return found;
  }
  function told(edition, curve, at) {
    const unit = edition.value.unit, lines = [];
    if (curve.median) lines.push(`median ${text(curve.median[at])}${unit}`);
    lines.push(`mean ${text(curve.mean[at])}${unit}`);
    if (curve.low) lines.push(`quartiles ${text(curve.low[at])} to ${text(curve.high[at])}${unit}`);
    if (curve.settings) lines.push(curve.settings);
    if (curve.status !== "converged") lines.push("diverged");
    return lines.join("<br>");
  }
  function band(curve, look, x) {
    const kept = x.map((_, at) => at).filter((at) => usable(x[at], state.xlog)
      && usable(curve.low[at], state.ylog) && usable(curve.high[at], state.ylog));
    const side = { type: "scatter", mode: "lines", line: { width: 0 }, hoverinfo: "skip",
      x: kept.map((at) => x[at]), meta: { band: curve.series } };
    return [{ ...side, y: kept.map((at) => curve.low[at]) },
      { ...side, y: kept.map((at) => curve.high[at]), fill: "tonexty", fillcolor: opaque(look.colour, 0.13) }];
  }
  const usable = (value, log) => value !== null && value !== undefined && (!log || value > 0);

  function limits(lists, log, bottom, top) {
    const values = lists.flat().filter((value) => usable(value, log)
      && value >= (bottom ?? -Infinity) && value <= (top ?? Infinity));
    if (!values.length) return log ? [-1, 1] : [0, 1];
    const on = log ? values.map(Math.log10) : values;
    const low = on.reduce((a, b) => Math.min(a, b)), high = on.reduce((a, b) => Math.max(a, b));
    const pad = 0.04 * (high - low) || 0.5;
    return [low - pad, high + pad];
  }

  // What is for reference stretches an axis only where it is near the curves.
  function stretched([low, high], values, log) {
    for (const value of values.filter((one) => usable(one, log)).map((one) => log ? Math.log10(one) : one)) {
      const height = (value - low) / (high - low);
      if (height > -0.5 && height < 1.5) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    return [low, high];
  }

  function drawPanels() {
    const shown = chosen(), names = Object.keys(Object.assign({}, ...shown.map((edition) => edition.panels)));
    const wanted = names.flatMap((panel) => shown.map((edition) => ({ panel, edition })));
    panels.style.setProperty("--columns", shown.length > 1 ? shown.length : Math.min(2, names.length));
    panels.classList.toggle("single", wanted.length === 1);
    while (panels.children.length > wanted.length) { Plotly.purge(panels.lastChild); panels.lastChild.remove(); }
    while (panels.children.length < wanted.length) panels.append(make("div", { className: "l2o-panel" }));
    wanted.forEach(({ panel, edition }, at) => drawPanel(panels.children[at], panel, edition, shown.length > 1));
  }
  function drawPanel(place, panel, edition, named) {
    const data = traces(edition, panel), lines = state.axis && edition.levels[panel] || [];
    const title = (edition.panels[panel] || panel).replaceAll("\n", ", ");
    const axis = edition.axes.find((one) => one.id === state.axis);
    const references = data.filter((trace) => trace.meta.reference).map((trace) => trace.y);
    const ys = stretched(limits(data.filter((trace) => !trace.meta.reference).map((trace) => trace.y),
      state.ylog, state.ylog ? edition.value.bottom : null, edition.value.top),
    references.concat(lines.map((line) => [line.value])).flat(), state.ylog);
    const xs = limits(data.map((trace) => trace.x), state.xlog);
    const grid = { gridcolor: "#e6e6e6", zeroline: false, linecolor: "#666", mirror: true, ticks: "outside",
      exponentformat: "power", automargin: true };
    const layout = {
      title: { text: named ? `${title} · ${edition.title}` : title, font: { size: 13 }, x: 0, xref: "paper", xanchor: "left" },
      xaxis: { ...grid, type: state.xlog ? "log" : "linear", range: xs, title: { text: axis ? axis.label : state.axis } },
      yaxis: { ...grid, type: state.ylog ? "log" : "linear", range: ys, title: { text: edition.value.label } },
      shapes: lines.map((line) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: line.value, y1: line.value,
        line: { color: "#000", width: 1.2, dash: "dot" } })),
      annotations: lines.map((line) => ({ xref: "paper", x: 0.01, y: state.ylog ? Math.log10(line.value) : line.value,
        text: line.name, showarrow: false, xanchor: "left", yanchor: "bottom", font: { size: 11 } })),
      showlegend: false, hovermode: "closest", hoverdistance: 30, margin: { l: 62, r: 12, t: 38, b: 48 },
      paper_bgcolor: "white", plot_bgcolor: "white",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "#222" },
      uirevision: [state.axis, state.xlog, state.ylog, edition.edition].join(),
    };
    if (!data.length) layout.annotations.push({ xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false,
      text: axis ? "no curve is chosen" : `no curve against ${state.axis} here` });
    const options = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]],
      toImageButtonOptions: { format: "svg", filename: `${window.L2O_CURVES.report}_${panel}` } };
    Plotly.react(place, data, layout, options);
    if (!place.dataset.listens) {
      place.dataset.listens = "yes";
      place.on("plotly_click", (event) => {
        const { record, edition: name } = event.points[0].data.meta;
        if (record) window.l2oShowRecord(name, record);
      });
    }
  }

  function draw() {
    drawLegend();
    drawPanels();
    const pooled = chosen().map((edition) => `${edition.title}: over ${edition.pooled}; ${edition.note}.`);
    foot.textContent = `${first.value.what} ${pooled.join(" ")} A click on a curve shows what made its numbers.`;
  }
  drawChoices();
  draw();
})();
