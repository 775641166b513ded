// Every judgement in one table: filter, sort, search; arrow keys move between the rows, Enter opens the finding. However
// many there are, one page of them is in the document; filter and order are over all that came.
import { arrows, counted, h, scrolled, unpacked, verdict, whisker } from "./parts.js";

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
    h("td", { class: "wb-number" }, r.limit_shown ? h("span", { class: "wb-label" }, "limit ") : null, r.limit_shown),
    h("td", {}, whisker(r)),
    h("td", { class: "wb-number" }, r.n_shown ? h("span", { class: "wb-label" }, "n ") : null, r.n_shown));

// What is said over the table: which rows, of how many that match, of how many there are.
const rangeWords = (from, to, found, here, total) => {
  const rows = found > RULES_SHOWN ? `${counted(from + 1)}–${counted(to)} of ${counted(found)}` : `${counted(found)} of ${counted(total)}`;
  const all = found > RULES_SHOWN && found < here ? ` that match, ${counted(total)} in all` : "";
  return `showing ${rows}${all}${here < total ? `; the ${counted(here)} worst of ${counted(total)} are listed here, the record has every one` : ""}`;
};

// The board of a record: its first page comes as it is, the rest packed.
const boardRows = (model, changed) => {
  let digest = "";
  let rows = [];
  const fill = () => {
    const board = model.get("board") || {};
    if (board.digest === digest) return;
    digest = board.digest;
    rows = board.rows || [];
    if (!board.rest) return;
    unpacked(board.rest).then((rest) => {
      if (digest !== board.digest) return;
      rows = [...board.rows, ...rest];
      changed();
    });
  };
  return { fill, all: () => rows, of: (wanted) => (digest === wanted ? model.get("board") : null) };
};

export const boardPart = (model, open) => {
  const root = h("section", { "aria-label": "Rules" });
  const view = { filter: "", outcome: "", sort: "outcome", page: 0 };
  const said = h("p", { class: "wb-muted", role: "status" });
  const body = h("tbody");
  const pages = h("div", { class: "wb-row" });
  let board = null;
  const rows = boardRows(model, () => board && list());
  arrows(body, ".wb-link");

  const words = new WeakMap(); // what a row is searched by
  const wordsOf = (r) => words.get(r) || words.set(r, `${r.title} ${r.check} ${r.reason} ${r.word}`.toLowerCase()).get(r);
  const wanted = () => {
    const text = view.filter.toLowerCase();
    const found = rows.all().filter((r) => (!view.outcome || r.outcome === view.outcome) && (!text || wordsOf(r).includes(text)));
    return view.sort in SORTS ? found.sort(SORTS[view.sort]) : found;
  };
  const turner = (text, to, there) => h("button", { disabled: !there, onclick: () => { view.page = to; list(); pages.querySelector(`button[data-name="${text}"]:not(:disabled), button:not(:disabled)`).focus(); }, "data-name": text }, text);
  const list = () => {
    const found = wanted();
    view.page = Math.max(0, Math.min(view.page, Math.ceil(found.length / RULES_SHOWN) - 1));
    const from = view.page * RULES_SHOWN;
    const shown = found.slice(from, from + RULES_SHOWN);
    said.textContent = rangeWords(from, from + shown.length, found.length, rows.all().length, board.total);
    body.replaceChildren(...shown.map((r) => ruleRow(r, open)));
    pages.replaceChildren(...(found.length > RULES_SHOWN ? [turner("Rows before", view.page - 1, from > 0), turner("Rows after", view.page + 1, from + shown.length < found.length)] : []));
    if (!found.length) body.replaceChildren(h("tr", {}, h("td", { colspan: 6, class: "wb-empty" }, board.total ? "No rule matches this filter." : "The policy has no rule: nothing was judged.")));
  };
  const anew = () => { view.page = 0; list(); };
  const sorter = (key, text, number) => {
    const order = view.sort === key ? (key === "title" ? "ascending" : "descending") : "none";
    return h("th", { scope: "col", class: number ? "wb-number" : "", "aria-sort": order }, h("button", { class: "wb-sort", onclick: () => { view.sort = key; heads(); anew(); root.querySelector("[aria-sort=ascending] button, [aria-sort=descending] button").focus(); } }, text, view.sort === key ? h("span", { "aria-hidden": "true" }, key === "title" ? " ▴" : " ▾") : null));
  };
  const top = h("thead");
  const heads = () => top.replaceChildren(h("tr", {}, sorter("outcome", "Outcome"), sorter("title", "Measure"), sorter("value", "Value [interval]", true), h("th", { scope: "col", class: "wb-number" }, "Limit"), h("td", {}), h("th", { scope: "col", class: "wb-number" }, "n")));

  const fill = (state) => {
    if (!state.overview) return root.replaceChildren();
    rows.fill();
    board = rows.of(state.overview.digest);
    if (!board) return root.replaceChildren(h("h3", {}, "Rules"), h("p", { class: "wb-muted" }, "Opening …"));
    if (!board.outcomes.includes(view.outcome)) view.outcome = "";
    const text = h("input", { type: "search", placeholder: "Filter rules", "aria-label": "Filter rules", value: view.filter, oninput: (e) => { view.filter = e.target.value; anew(); } });
    const select = h("select", { "aria-label": "Outcome", onchange: (e) => { view.outcome = e.target.value; anew(); } }, h("option", { value: "" }, "every outcome"), board.outcomes.map((x) => h("option", { value: x, selected: x === view.outcome }, x.replace("_", " "))));
    heads();
    root.replaceChildren(h("h3", {}, "Rules"), h("div", { class: "wb-row" }, text, select, said),
      scrolled("Rules, a table", h("table", { class: "wb-table wb-board wb-judged" }, top, body)), pages);
    list();
  };
  return { root, fill };
};
