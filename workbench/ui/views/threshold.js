// The threshold, moved live: rates of every group and gaps, those of the audit beside those at the slider.
import { h, s, table } from "./parts.js";

const rateLine = (b, a) => {
  const svg = s("svg", { viewBox: "0 0 220 16", class: "wb-rate", "aria-hidden": "true" }, s("line", { x1: 5, x2: 215, y1: 8, y2: 8, class: "wb-axis" }));
  const x = (v) => 5 + 210 * v;
  if (b.value !== null) svg.append(s("line", { x1: x(b.low), x2: x(b.high), y1: 11, y2: 11, class: "wb-before" }), s("circle", { cx: x(b.value), cy: 11, r: 2.5, class: "wb-before-dot" }));
  if (a.value !== null) svg.append(s("line", { x1: x(a.low), x2: x(a.high), y1: 6, y2: 6, class: "wb-range" }), s("circle", { cx: x(a.value), cy: 6, r: 3, class: "wb-dot" }));
  return svg;
};
const FOREST_HEADS = ["Group", "At the audit's", "At this", "0 – 100 %, interval", "n"];

export const thresholdPart = (screen) => {
  const { model, act } = screen;
  const root = h("section", { "aria-label": "Threshold" });
  const view = { metric: "selection_rate", audited: null, asked: false };
  const place = h("div", { class: "wb-forest" });

  const groupRow = (g, before, suppressed) => {
    if (g.suppressed) return h("tr", {}, h("td", {}, g.label), h("td", { colspan: 4, class: "wb-muted" }, `○ ${suppressed}`));
    const [b, a] = [before[g.group].rates[view.metric], g.rates[view.metric]];
    return h("tr", {}, h("td", {}, g.label, " ", screen.only(g.group, g.label)), h("td", { class: "wb-number" }, b.shown), h("td", { class: "wb-number" }, h("strong", {}, a.shown)), h("td", {}, rateLine(b, a)), h("td", { class: "wb-number" }, a.n_shown));
  };
  const forest = () => {
    const r = model.get("rates");
    if (!r || !r.after) return;
    const before = Object.fromEntries(r.before.groups.map((g) => [g.group, g]));
    const gaps = r.after.gaps.filter((g) => g.name.startsWith(view.metric)).map((g) => {
      const was = r.before.gaps.find((x) => x.name === g.name && x.column === g.column);
      return [`${g.title} · ${g.column}`, was ? was.shown : "–", g.shown];
    });
    const heads = FOREST_HEADS.map((t, i) => h("th", { scope: "col", class: i === 1 || i === 2 || i === 4 ? "wb-number" : "" }, t));
    place.replaceChildren(h("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": "Rates by group" }, h("table", { class: "wb-table" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, r.after.groups.map((g) => groupRow(g, before, r.after.suppressed)))), gaps.length ? table(["Gap", "At the audit's", "At this"], gaps) : null));
  };

  const fill = (state) => {
    const { grid, audited, rates } = state.slider;
    root.hidden = !grid || !grid.length;
    view.asked = false;
    if (root.hidden) return root.replaceChildren();
    view.audited = audited;
    const at = grid.indexOf(audited);
    const out = h("output", {}, audited.toPrecision(3));
    const move = () => { out.textContent = grid[range.value].toPrecision(3); act("threshold", grid[range.value]); };
    const range = h("input", { type: "range", min: 0, max: grid.length - 1, step: 1, value: at, "aria-label": "Threshold", oninput: move });
    const metric = h("select", { "aria-label": "Rate", onchange: (e) => { view.metric = e.target.value; forest(); } }, Object.entries(rates).map(([k, t]) => h("option", { value: k, selected: k === view.metric }, t)));
    root.replaceChildren(h("h3", {}, "Threshold"),
      h("p", { class: "wb-muted" }, "A row is predicted positive when its score is at least the threshold. Moving it shows what would change; the audit stays as it is."),
      h("div", { class: "wb-row" }, h("label", {}, "Threshold ", range, " ", out), h("label", {}, "Rate ", metric), h("button", { onclick: () => { range.value = at; move(); } }, "Reset")),
      place);
  };
  const shown = () => {
    if (root.hidden || view.asked) return;
    view.asked = true;
    act("threshold", view.audited);
  };
  return { root, fill, forest, shown };
};
