// Performance: what a threshold does and costs, the two curves, and where the model is weak.
import { failurePart } from "./failure.js";
import { h, headCell, opening, s, stacked, valued } from "./parts.js";
import { asTable, told, track } from "./forest.js";
import { thresholdSlider } from "./threshold.js";

const COSTS = [["fp", "a false positive costs", 1], ["fn", "a false negative costs", 1], ["tp", "a true positive gains", 0], ["tn", "a true negative gains", 0]];
const HIGH = 900; // about the page, in pixels: kept free until it comes
const BOX = { left: 60, right: 10, top: 10, bottom: 40 };

const scaled = (width, height, x, y, box = BOX) => ({
  x: (v) => box.left + ((width - box.left - box.right) * (v - x[0])) / (x[1] - x[0] || 1),
  y: (v) => height - box.bottom - ((height - box.top - box.bottom) * (v - y[0])) / (y[1] - y[0] || 1),
});
const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const band = (points, to) => {
  const known = points.filter((p) => p[2] !== null && p[3] !== null);
  if (!known.length) return ""; // one row has no interval anywhere
  return `${path([...known.map((p) => [to.x(p[0]), to.y(p[3])]), ...known.toReversed().map((p) => [to.x(p[0]), to.y(p[2])])])}Z`;
};

// A square with a faint line of chance; the audit's threshold is a grey square, the slider's a dot.
const square = (c, dots, audit) => {
  const [w, side] = [336, 320];
  const to = scaled(w, side, [0, 1], [0, 1]);
  const svg = s("svg", { viewBox: `0 0 ${w} ${side}`, class: "wb-square", "aria-hidden": "true" });
  for (const t of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(s("line", { x1: to.x(0), x2: to.x(1), y1: to.y(t), y2: to.y(t), class: "wb-axis" }), s("line", { x1: to.x(t), x2: to.x(t), y1: to.y(0), y2: to.y(1), class: "wb-axis" }));
    if (t !== 0.25 && t !== 0.75) svg.append(s("text", { x: to.x(0) - 6, y: to.y(t) + 4, class: "wb-tick", "text-anchor": "end" }, `${100 * t}%`), s("text", { x: to.x(t), y: to.y(0) + 16, class: "wb-tick", "text-anchor": t === 1 ? "end" : "middle" }, `${100 * t}%`));
  }
  if (c.faint.length) svg.append(s("path", { d: path(c.faint.map(([x, y]) => [to.x(x), to.y(y)])), class: "wb-faint" }));
  if (c.points.length > 1) svg.append(s("path", { d: band(c.points, to), class: "wb-band-current" }), s("path", { d: path(c.points.map(([x, y]) => [to.x(x), to.y(y)])), class: "wb-line-current" }));
  svg.append(s("text", { x: (to.x(0) + to.x(1)) / 2, y: side - 6, class: "wb-tick", "text-anchor": "middle" }, c.x), s("text", { x: 12, y: (to.y(0) + to.y(1)) / 2, class: "wb-tick", "text-anchor": "middle", transform: `rotate(-90 12 ${(to.y(0) + to.y(1)) / 2})` }, c.y));
  if (audit && audit.x !== null && audit.y !== null) svg.append(s("rect", { x: to.x(audit.x) - 4, y: to.y(audit.y) - 4, width: 8, height: 8, class: "wb-before-dot" }));
  if (dots && dots.x !== null && dots.y !== null) svg.append(s("circle", { cx: to.x(dots.x), cy: to.y(dots.y), r: 6, class: "wb-slider-dot" }));
  return svg;
};

const costCurve = (c, marks) => {
  const [w, height] = [480, 300];
  const box = { left: 48, right: 14, top: 58, bottom: 40 };
  const to = scaled(w, height, [c.x_low, c.x_high], [c.low, c.high], box);
  const svg = s("svg", { viewBox: `0 0 ${w} ${height}`, class: "wb-cost", "aria-hidden": "true" });
  for (const t of c.ticks) svg.append(s("line", { x1: box.left, x2: w - box.right, y1: to.y(t.at), y2: to.y(t.at), class: "wb-axis" }), s("text", { x: box.left - 6, y: to.y(t.at) + 4, class: "wb-tick", "text-anchor": "end" }, t.shown));
  for (const t of c.x_ticks) svg.append(s("text", { x: to.x(t.at), y: height - box.bottom + 16, class: "wb-tick", "text-anchor": "middle" }, t.shown));
  svg.append(s("text", { x: (box.left + w - box.right) / 2, y: height - 6, class: "wb-tick", "text-anchor": "middle" }, "Threshold"), s("text", { x: 4, y: box.top - 6, class: "wb-tick", "text-anchor": "start" }, "Cost"));
  if (c.points.length > 1) svg.append(s("path", { d: band(c.points, to), class: "wb-band-current" }), s("path", { d: path(c.points.map(([x, y]) => [to.x(x), to.y(y)])), class: "wb-line-current" }));
  marks.forEach((m, i) => {
    const x = to.x(m.at);
    const y = to.y(m.value);
    const end = x > w * 0.6;
    svg.append(s("line", { x1: x, x2: x, y1: 6 + 16 * i, y2: height - box.bottom, class: `wb-mark-line wb-mark-${m.kind}` }),
      s("text", { x: end ? x - 5 : x + 5, y: 14 + 16 * i, class: `wb-tick wb-mark-word wb-mark-${m.kind}`, "text-anchor": end ? "end" : "start" }, m.label),
      m.kind === "audit" ? s("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "wb-before-dot" }) : m.kind === "slider" ? s("circle", { cx: x, cy: y, r: 6, class: "wb-slider-dot" }) : s("path", { d: `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}Z`, class: "wb-cheapest-dot" }));
  });
  return svg;
};

export const costsPart = (screen) => {
  const { model, act } = screen;
  const parts = { controls: h("div"), tables: h("div", { class: "wb-explore-even" }), cost: h("section", { "aria-label": "Expected cost" }), curves: h("div", { class: "wb-curves" }), weak: h("section", { "aria-label": "Weak segments" }) };
  const wait = h("div");
  const moving = h("section", { "aria-label": "Threshold and cost" }, h("h3", {}, "Threshold"), parts.controls, parts.tables, parts.cost, h("h3", {}, "Curves"), parts.curves);
  const why = h("p", { class: "wb-empty" });
  const root = h("div", {}, wait, why, moving, parts.weak);
  const view = { page: null, state: null, question: {} };

  const ask = (more = {}) => {
    view.question = { ...view.question, ...more };
    act("costs", view.question);
  };

  const controls = () => {
    const { grid, audited } = view.page;
    const input = ([key, words, start]) => h("label", { class: "wb-cost-input" }, `${words} `, h("input", { type: "number", step: "any", value: start, "aria-label": words, oninput: (e) => ask({ [key]: e.target.value.trim() === "" ? "" : Number(e.target.value) }) }));
    parts.controls.replaceChildren(
      h("p", { class: "wb-muted" }, "A row is predicted positive when its score is at least the threshold. Moving it shows what would change; the audit stays as it is until you use it."),
      thresholdSlider(grid, audited, (at) => ask({ at }), screen).root,
      h("fieldset", { class: "wb-row wb-costs" }, h("legend", { class: "wb-muted" }, "What a decision costs or gains"), COSTS.map(input)));
  };

  const moved = () => {
    const c = model.get("costs");
    if (view.page && c && c.failed) return parts.cost.replaceChildren(failurePart(c.failed, () => ask()));
    if (!view.page || !c || !c.counts) return;
    const here = `At ${c.threshold_shown}`;
    const side = (title, heads, rows) => h("div", {}, h("table", { class: "wb-table" }, h("caption", {}, title), h("thead", {}, h("tr", {}, heads.map((t, i) => headCell(t, i ? "wb-number" : "")))), h("tbody", {}, rows)));
    const line = (name, ...cells) => h("tr", {}, h("th", { scope: "row" }, name), cells.map((x) => h("td", { class: "wb-number" }, x)));
    parts.tables.replaceChildren(
      side("Rows by truth and prediction", ["", "At the audit's", here, "Change"], c.counts.map((r) => line([r.title, h("span", { class: "wb-muted wb-under" }, r.says)], r.before, h("strong", {}, r.after), r.change))),
      side("Rates with intervals (Wilson)", ["", "At the audit's", here, "n"], c.rates.map((r) => line(r.title, valued(r.before.shown), h("strong", {}, valued(r.after.shown)), r.after.n_shown))));
    cost(c);
    curves(c);
  };

  const cost = (c) => {
    if (c.problem) return parts.cost.replaceChildren(h("h3", {}, "Expected cost"), h("p", { class: "wb-message wb-warn", role: "status" }, `▲ ${c.problem}`));
    const k = c.cost;
    const open = Boolean(parts.cost.querySelector("details[open]"));
    const marks = [{ kind: "audit", at: k.before.threshold, value: k.before.value, label: `■ audit ${k.before.threshold_shown}` }, { kind: "cheapest", at: k.cheapest.threshold, value: k.cheapest.value, label: `◇ cheapest ${k.cheapest.threshold_shown}` }, { kind: "slider", at: k.after.threshold, value: k.after.value, label: `● slider ${k.after.threshold_shown}` }];
    const rows = [["At the audit's threshold", k.before.threshold_shown, valued(k.before.shown), ""], ["At the slider's", k.after.threshold_shown, h("strong", {}, valued(k.after.shown)), c.audited ? "" : h("span", {}, "saves ", valued(k.saving.shown))],
      ["Cheapest", k.cheapest.threshold_shown, valued(k.cheapest.shown), h("span", {}, "saves ", valued(k.cheapest_saving.shown), " ", h("span", { class: "wb-muted wb-under" }, k.cheapest_saving.says))],
      ["Cheapest, honestly", "chosen anew", "", h("span", {}, "saves ", valued(k.corrected_saving.shown), " ", h("span", { class: "wb-muted wb-under" }, k.corrected_saving.says))],
      ["If scores were calibrated", k.calibrated, "", ""]];
    const details = asTable(k.curve.table, "Expected cost");
    details.open = open;
    parts.cost.replaceChildren(h("h3", {}, "Expected cost"), h("p", {}, k.sentence), h("div", { class: "wb-explore-even" }, h("figure", { class: "wb-figure" }, costCurve(k.curve, marks), details),
      stacked(["", "Threshold", "Cost per row", "Against the audit's"], rows, "wb-figures-table")), h("p", { class: "wb-muted" }, k.method));
  };

  const curves = (c) => {
    if (!parts.curves.children.length) {
      parts.curves.replaceChildren(...view.page.curves.map((one) => h("figure", { class: "wb-figure" }, h("figcaption", {}, h("strong", {}, one.title), h("br"), one.sentence), h("div", { "data-curve": one.key }), h("p", { class: "wb-muted", "data-dot": one.key }), asTable(one.table, one.title))));
    }
    for (const one of view.page.curves) {
      parts.curves.querySelector(`[data-curve="${one.key}"]`).replaceChildren(square(one, c.dots[one.key], c.audit_dots[one.key]));
      parts.curves.querySelector(`[data-dot="${one.key}"]`).textContent = `● at ${c.threshold_shown}: ${c.dots[one.key].shown} · ■ at the audit's: ${c.audit_dots[one.key].shown}`;
    }
  };

  const weak = () => {
    const w = view.page.weak;
    if (!w.rows.length) return parts.weak.replaceChildren(h("h3", {}, "Weak segments"), h("p", { class: "wb-empty" }, w.why));
    const rules = [{ at: 0, kind: "overall", label: "as the rest" }];
    parts.weak.replaceChildren(h("h3", {}, "Weak segments"), h("p", {}, w.sentence),
      h("p", { class: "wb-muted" }, `${w.loss} in the segment and how much larger it is than in the rest; ${w.whole}. Showing ${w.rows.length} of ${w.total}, the largest difference first.`),
      h("table", { class: "wb-table wb-forest-table wb-weak" },
        h("thead", {}, h("tr", {}, ["Segment", "Larger by", "[interval]", w.loss, "n", "adjusted p", "On the other half"].map((t, i) => h("th", { scope: "col", class: i > 1 && i < 6 ? "wb-number" : i === 1 ? "wb-line-cell" : "" }, t)))),
        h("tbody", {}, w.rows.map((r) => h("tr", { "data-segment": r.segment }, h("th", { scope: "row" }, r.name, " ", screen.only(r.narrow, r.name)), h("td", { class: "wb-line-cell" }, track(w.scale, r, { rules })), h("td", { class: "wb-number" }, r.shown),
          h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, `${w.loss} `), r.own), h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, "n "), r.n_shown), h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, "adjusted p "), r.p), h("td", {}, told(r)))))),
      h("p", { class: "wb-muted" }, w.notes.join(". ")));
  };

  const page = () => {
    const got = model.get("performance");
    if (got && got.failed && !view.page) {
      root.removeAttribute("aria-busy");
      return wait.replaceChildren(failurePart(got.failed, () => act("look", { performance: true })));
    }
    if (!got || !got.weak || got === view.page) return;
    view.page = got;
    wait.replaceChildren();
    root.removeAttribute("aria-busy");
    why.textContent = got.why;
    why.hidden = !got.why;
    moving.hidden = !got.grid.length;
    weak();
    if (!got.grid.length) return;
    view.question = { at: got.audited, fp: 1, fn: 1, tp: 0, tn: 0 };
    controls();
    ask();
  };
  const fill = (state) => {
    view.state = state;
    view.page = null;
    root.hidden = !state.overview;
    moving.hidden = why.hidden = true;
    for (const part of Object.values(parts)) part.replaceChildren();
    wait.replaceChildren(opening(HIGH));
    root.setAttribute("aria-busy", "true");
  };
  const shown = () => {
    if (!view.state || !view.state.overview || view.page) return;
    if (model.get("performance")?.weak) page();
    else act("look", { performance: true });
  };
  return { root, fill, shown, page, moved };
};
