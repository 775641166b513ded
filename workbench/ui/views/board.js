// Every judgement in one table: filter, sort, search; arrow keys move between the rows, Enter opens the finding.
import { arrows, h, verdict, whisker } from "./parts.js";

const RULES_SHOWN = 200;
const SORTS = {
  value: (a, b) => Math.abs(b.value ?? 0) - Math.abs(a.value ?? 0),
  title: (a, b) => a.title.localeCompare(b.title),
};

const ruleRow = (r, open) =>
  h("tr", {},
    h("td", {}, verdict(r)),
    h("td", {}, h("button", { class: "wb-link", title: r.reason, onclick: () => open(r.check) }, r.title)),
    h("td", { class: "wb-number" }, r.shown || "–"),
    h("td", { class: "wb-number" }, r.limit_shown),
    h("td", {}, whisker(r)),
    h("td", { class: "wb-number" }, r.n_shown));

export const boardPart = (open) => {
  const root = h("section", { "aria-label": "Rules" });
  const view = { rows: [], filter: "", outcome: "", sort: "outcome" };
  const said = h("p", { class: "wb-muted", role: "status" });
  const body = h("tbody");
  arrows(body, ".wb-link");

  const wanted = () => {
    const text = view.filter.toLowerCase();
    const found = view.rows.filter((r) => (!view.outcome || r.outcome === view.outcome) && `${r.title} ${r.check} ${r.reason} ${r.word}`.toLowerCase().includes(text));
    return view.sort in SORTS ? [...found].sort(SORTS[view.sort]) : found;
  };
  const list = () => {
    const rows = wanted();
    said.textContent = `showing ${Math.min(rows.length, RULES_SHOWN)} of ${view.rows.length}`;
    body.replaceChildren(...rows.slice(0, RULES_SHOWN).map((r) => ruleRow(r, open)));
    if (!rows.length) body.replaceChildren(h("tr", {}, h("td", { colspan: 6, class: "wb-empty" }, view.rows.length ? "No rule matches this filter." : "The policy has no rule: nothing was judged.")));
  };
  const sorter = (key, text, number) => {
    const order = view.sort === key ? (key === "title" ? "ascending" : "descending") : "none";
    return h("th", { scope: "col", class: number ? "wb-number" : "", "aria-sort": order }, h("button", { class: "wb-sort", onclick: () => { view.sort = key; heads(); list(); root.querySelector("[aria-sort=ascending] button, [aria-sort=descending] button").focus(); } }, text, view.sort === key ? h("span", { "aria-hidden": "true" }, key === "title" ? " ▴" : " ▾") : null));
  };
  const top = h("thead");
  const heads = () => top.replaceChildren(h("tr", {}, sorter("outcome", "Outcome"), sorter("title", "Measure"), sorter("value", "Value [interval]", true), h("th", { scope: "col", class: "wb-number" }, "Limit"), h("td", {}), h("th", { scope: "col", class: "wb-number" }, "n")));

  const fill = (state) => {
    if (!state.overview) return root.replaceChildren();
    view.rows = state.overview.board;
    const outcomes = [...new Set(view.rows.map((r) => r.outcome))];
    if (!outcomes.includes(view.outcome)) view.outcome = "";
    const text = h("input", { type: "search", placeholder: "Filter rules", "aria-label": "Filter rules", value: view.filter, oninput: (e) => { view.filter = e.target.value; list(); } });
    const select = h("select", { "aria-label": "Outcome", onchange: (e) => { view.outcome = e.target.value; list(); } }, h("option", { value: "" }, "every outcome"), outcomes.map((x) => h("option", { value: x, selected: x === view.outcome }, x.replace("_", " "))));
    heads();
    root.replaceChildren(h("h3", {}, "Rules"), h("div", { class: "wb-row" }, text, select, said),
      h("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": "Rules, a table" }, h("table", { class: "wb-table wb-board" }, top, body)));
    list();
  };
  return { root, fill };
};
