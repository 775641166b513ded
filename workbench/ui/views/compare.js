// Two records side by side: what turned, what moved. It shows what `comparison` says.
import { h, headCell, s, scrolled, verdict } from "./parts.js";

// Before and after on one line, each with its interval; the scale is this row's own.
const beforeAfter = (b, a) => {
  const svg = s("svg", { viewBox: "0 0 160 16", class: "wb-rate", "aria-hidden": "true" }, s("line", { x1: 5, x2: 155, y1: 8, y2: 8, class: "wb-axis" }));
  const known = [b.value, b.low, b.high, a.value, a.low, a.high].filter((v) => v !== null && v !== undefined);
  if (b.value === null || a.value === null || known.length < 2) return svg;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const x = (v) => 8 + (144 * (v - least)) / (most - least || 1);
  const draw = (m, y, line, dot, r) => {
    if (m.low !== null && m.high !== null) svg.append(s("line", { x1: x(m.low), x2: x(m.high), y1: y, y2: y, class: line }));
    svg.append(s("circle", { cx: x(m.value), cy: y, r, class: dot }));
  };
  draw(b, 11, "wb-before", "wb-before-dot", 2.5);
  draw(a, 5, "wb-range", "wb-dot", 3);
  return svg;
};

const recordCard = (name, r) => h("div", { class: `wb-card wb-head wb-edge-${r.outcome}` },
  h("p", { class: "wb-muted" }, name), h("p", {}, verdict(r), " ", h("strong", {}, r.title)), h("p", { class: "wb-muted" }, r.data), h("p", {}, r.line), h("p", { class: "wb-muted" }, "digest ", h("code", {}, r.short_digest)));

const differences = (c) => {
  if (c.same) return [h("p", { class: "wb-message wb-pass" }, "● The same record: one digest.")];
  const body = h("tbody");
  const said = h("p", { class: "wb-muted", role: "status" });
  const filter = h("input", { type: "search", placeholder: "Filter measures", "aria-label": "Filter measures", oninput: () => fill() });
  const fill = () => {
    const text = filter.value.toLowerCase();
    const rows = c.moved.filter((m) => `${m.title} ${m.scope} ${m.check}`.toLowerCase().includes(text));
    said.textContent = `showing ${Math.min(rows.length, 200)} of ${c.total}, those that moved most beside their intervals first`;
    body.replaceChildren(...rows.slice(0, 200).map((m) => h("tr", {}, h("td", {}, m.title, m.scope ? h("span", { class: "wb-muted" }, ` ${m.scope}`) : null), h("td", { class: "wb-number" }, m.before.shown), h("td", { class: "wb-number" }, h("strong", {}, m.after.shown)), h("td", {}, beforeAfter(m.before, m.after)), h("td", { class: "wb-number" }, m.after.n))));
    if (!rows.length) body.replaceChildren(h("tr", {}, h("td", { colspan: 5, class: "wb-empty" }, c.total ? "No measure matches this filter." : "No measure differs.")));
  };
  fill();
  const head = (texts, numbers) => h("thead", {}, h("tr", {}, texts.map((t, i) => headCell(t, numbers.includes(i) ? "wb-number" : ""))));
  return [
    h("div", { class: "wb-fields" }, recordCard("Before", c.before), recordCard("After", c.after)),
    c.about.length ? h("details", { open: c.about.length <= 12 }, h("summary", {}, `Data, model, policy (${c.about.length} ${c.about.length === 1 ? "difference" : "differences"})`), h("ul", {}, c.about.map((t) => h("li", {}, t)))) : null,
    h("h3", {}, `Judgements that turned (${c.turned.length})`),
    c.turned.length ? scrolled("Judgements that turned", h("table", { class: "wb-table" }, head(["Measure", "Before", "After"], []), h("tbody", {}, c.turned.map((t) => h("tr", {}, h("td", {}, t.title), h("td", {}, verdict(t.before)), h("td", {}, verdict(t.after))))))) : h("p", { class: "wb-muted" }, "None: every rule has the outcome it had."),
    h("h3", {}, "Measures that moved"), h("div", { class: "wb-row" }, filter, said),
    scrolled("Measures that moved", h("table", { class: "wb-table" }, head(["Measure", "Before", "After", "", "n"], [1, 2, 4]), body)),
  ].filter(Boolean);
};

export const comparePage = ({ model, act }) => {
  const place = h("div");
  const pick = h("div", { class: "wb-row" });
  const root = h("div", {}, h("h3", {}, "Compare with"), pick, place);
  let chosen = "";
  const fill = (state) => {
    const listed = state.earlier || [];
    if (!listed.some((e) => e.id === chosen)) chosen = listed.length ? listed[0].id : "";
    const select = h("select", { "aria-label": "Earlier record", onchange: (e) => { chosen = e.target.value; } }, listed.map((e) => h("option", { value: e.id, selected: e.id === chosen }, e.words)));
    const path = h("input", { type: "text", placeholder: "or the folder of a bundle", "aria-label": "Folder of a bundle" });
    pick.replaceChildren(...(listed.length ? [select] : []), ...(state.can_run ? [path] : []),
      h("button", { onclick: () => act("compare", path.value.trim() || select.value) }, "Compare"));
    place.replaceChildren(...(listed.length ? [] : [h("p", { class: "wb-empty" }, state.can_run ? "Only one run so far: run again on other rows, another model or other data, or name a bundle." : "There is no other bundle in this folder.")]));
  };
  const show = () => {
    const found = model.get("comparison");
    if (found && "before" in found) place.replaceChildren(...differences(found));
  };
  return { root, fill, show };
};
