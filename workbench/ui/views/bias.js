// Groups: the tree on the left, one rate of every group on the right; below gaps, intersections and strategies.
import { failurePart } from "./failure.js";
import { h, opening, scrolled, stacked, valued } from "./parts.js";
import { axisHead, onRequest, told, track } from "./forest.js";
import { thresholdSlider } from "./threshold.js";

// About how high, in pixels, the page is, what stands above a forest's rows, and a row: kept free until they come.
const [PAGE, ABOVE, ROW] = [640, 240, 48];
const number = (...inside) => h("td", { class: "wb-number" }, ...inside);

export const biasPart = (screen) => {
  const { model, act } = screen;
  const parts = { tree: h("div", { class: "wb-tree" }), controls: h("div"), forest: h("div", { class: "wb-forest", "aria-live": "off" }), gaps: h("div"), heat: h("section", { "aria-label": "Intersections" }), strategies: h("section", { "aria-label": "Strategies" }) };
  const explorer = h("div", {}, h("h3", {}, "Groups"), h("div", { class: "wb-explore" }, parts.tree, h("div", { class: "wb-explored" }, parts.controls, parts.forest, parts.gaps)), parts.heat);
  const wait = h("div");
  const root = h("section", { "aria-label": "Groups" }, wait, explorer, parts.strategies);
  const view = { page: null, state: null, chosen: [], question: {} };

  const ask = (more = {}) => {
    view.question = { ...view.question, ...more };
    act("threshold", view.question);
  };
  const keyOf = (columns) => (view.page.groupings.find((g) => g.columns.length === columns.length && columns.every((c) => g.columns.includes(c))) || {}).key;

  // Choosing columns: one shows its groups, two their intersections.
  const choose = (column, on) => {
    const next = on ? [...view.chosen, column] : view.chosen.filter((c) => c !== column);
    const key = next.length && keyOf(next);
    if (key) {
      view.chosen = next;
      ask({ columns: key, ...(next.length === 2 ? { pair: key } : {}) });
    }
    tree(key || !next.length ? "" : `The record holds no groups of ${next.join(" and ")} together: it counts intersections of two.`);
    parts.tree.querySelector(`input[value="${CSS.escape(column)}"]`)?.focus();
  };

  const leaf = (g) => h("span", { class: "wb-leaf" }, g.name, " ", g.suppressed ? h("span", { class: "wb-muted" }, `○ ${g.suppressed}`) : h("span", { class: "wb-muted" }, `n ${g.n_shown}`));
  const branch = (b) => h("li", {},
    h("label", { class: "wb-check" }, h("input", { type: "checkbox", value: b.key, checked: view.chosen.includes(b.key), onchange: (e) => choose(b.key, e.target.checked) }), " ", h("strong", {}, b.name)),
    h("ul", {}, b.groups.map((g) => h("li", {}, g.inner.length
      ? h("details", {}, h("summary", {}, leaf(g)), h("ul", {}, g.inner.map((i) => h("li", {}, leaf(i)))))
      : leaf(g)))),
    b.showing ? h("p", { class: "wb-muted" }, b.showing) : null);
  const tree = (said = "") => parts.tree.replaceChildren(
    h("p", { class: "wb-muted" }, "Choose one column to compare its groups, two for their intersections."),
    h("ul", {}, view.page.tree.map(branch)), ...(said ? [h("p", { class: "wb-message wb-warn", role: "status" }, `▲ ${said}`)] : []));

  const select = (label, options, chosen, onchange) => h("label", {}, `${label} `, h("select", { "aria-label": label, onchange: (e) => onchange(e.target.value) }, options.map((o) => h("option", { value: o.key, selected: o.key === chosen }, o.name || o.title))));

  const controls = () => {
    const { grid, audited, rates } = view.page;
    const against = h("span");
    parts.controls.replaceChildren(
      h("div", { class: "wb-row" }, select("Rate", rates, "selection_rate", (rate) => ask({ rate })), against),
      ...(grid.length ? [thresholdSlider(grid, audited, (at) => ask({ at }), screen).root,
        h("p", { class: "wb-muted" }, "A row is predicted positive when its score is at least the threshold. Moving it shows what would change; the audit stays as it is until you use it.")] : []));
    view.against = against;
  };

  const group = (g, r) => {
    const name = h("th", { scope: "row" }, g.label, g.missing ? h("span", { class: "wb-muted" }, " (no value)") : null, " ", g.suppressed ? null : screen.only(g.group ? { group: g.group } : null, g.label));
    if (g.suppressed) return h("tr", {}, name, h("td", { class: "wb-line-cell" }, track(r.scale, null, { rules: r.rules, hollow: true })), h("td", { colspan: r.moves ? 4 : 3, class: "wb-muted" }, `○ ${g.suppressed}`));
    const after = g.after || { value: null, shown: g.withheld, n_shown: "", why: "its numbers here would give away a small group's; at the audit's threshold they are told" };
    const against = g.is_reference ? h("span", { class: "wb-muted" }, "the reference") : g.difference ? g.difference.shown : "–";
    return h("tr", {}, name,
      h("td", { class: "wb-line-cell" }, track(r.scale, r.moves ? g.after : g.before, { was: r.moves && !r.audited ? g.before : null, rules: r.rules })),
      r.moves ? number(h("span", { class: "wb-label" }, "audit "), g.before.shown) : null,
      number(h("span", { class: "wb-label" }, `at ${r.moves ? r.threshold_shown : "the audit's"} `), h("strong", { title: after.why || null }, r.moves ? after.shown : g.before.shown)),
      number(h("span", { class: "wb-label" }, "n "), r.moves ? after.n_shown : g.before.n_shown),
      number(h("span", { class: "wb-label" }, "against "), against, g.ratio ? h("span", { class: "wb-muted wb-under" }, "ratio ", valued(g.ratio.shown)) : null, g.word ? h("span", { class: "wb-under" }, told(g)) : null));
  };

  const rows = (r, heads) => h("table", { class: "wb-table wb-forest-table" },
    h("thead", {}, h("tr", {}, heads.map(([t, c]) => h("th", { scope: "col", class: c || "" }, t)))),
    h("tbody", {}, r.groups.map((g) => group(g, r))));
  const forest = () => {
    const r = model.get("rates");
    if (view.page && r && r.failed) return parts.forest.replaceChildren(failurePart(r.failed, () => ask()));
    if (!view.page || !r || !r.groups) return;
    view.against?.replaceChildren(select("Against", r.references, view.question.reference || "largest", (reference) => ask({ reference })));
    const heads = [["Group"], [axisHead(r.scale, r.rules), "wb-line-cell"], ...(r.moves ? [["At the audit's", "wb-number"], [`At ${r.threshold_shown}`, "wb-number"]] : [["At the audit's", "wb-number"]]), ["n", "wb-number"], [["Against the reference", r.limit ? h("span", { class: "wb-under" }, r.limit) : null], "wb-number"]];
    parts.forest.replaceChildren(
      h("p", {}, r.sentence),
      h("p", { class: "wb-muted" }, `Reference: ${r.reference_words}.`, r.moves ? "" : " Intersections are counted at the audit's threshold only: the slider does not move them."),
      (r.groups.length > 14 ? scrolled("Rates by group", rows(r, heads)) : rows(r, heads)),
      h("p", { class: "wb-muted" }, [r.showing, r.method].filter(Boolean).join(". ")));
    parts.gaps.replaceChildren(...(r.gaps.length ? [scrolled("Gaps between groups", stacked(["Gap between groups", "At the audit's", r.moves ? `At ${r.threshold_shown}` : "", "The policy's limit"], r.gaps.map((g) => [g.title, g.before.value === null ? g.before.why : valued(g.before.shown), r.moves ? h("strong", {}, g.after.value === null ? g.after.why : valued(g.after.shown)) : "", g.limit || "none"])))] : []));
    heat(r);
  };

  // ---- intersections
  const cell = (c) => {
    if (c.kind === "none") return h("td", { class: "wb-cell wb-cell-none" }, c.shown);
    if (c.kind === "suppressed") return h("td", { class: "wb-cell wb-cell-hidden" }, h("span", {}, `○ ${c.shown}`));
    return h("td", { class: "wb-cell", style: c.value === null ? "" : `--share:${c.value}`, title: c.label },
      h("strong", {}, valued(c.shown)), h("span", { class: "wb-muted wb-under" }, `n ${c.n_shown}`, c.difference ? [" · ", valued(c.difference)] : ""), c.word ? h("span", { class: "wb-under" }, told(c)) : null, screen.only(c.group ? { group: c.group } : null, c.label));
  };
  const heat = (r) => {
    const pairs = view.page.groupings.filter((g) => g.columns.length === 2);
    parts.heat.hidden = !r.heat;
    if (!r.heat) return parts.heat.replaceChildren();
    const t = r.heat;
    parts.heat.replaceChildren(h("h3", {}, "Intersections"),
      h("div", { class: "wb-row" }, pairs.length > 1 ? select("Columns", pairs, r.pair, (pair) => ask({ pair })) : null),
      h("p", {}, `${t.title}, at the audit's threshold. In a cell: the rate with its interval, n, and its difference from the reference (${t.reference})`, t.limit ? `, held against the policy's limit of ${t.limit}.` : "; the policy sets no limit on it."),
      scrolled(t.title, h("table", { class: "wb-table wb-heat" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `${t.row_name} \\ ${t.column_name}`), t.heads.map((x) => h("th", { scope: "col" }, x)))),
        h("tbody", {}, t.rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.name), row.cells.map(cell)))))),
      h("p", { class: "wb-muted" }, "The stronger its colour, the higher the rate of a cell; a hatched one is not told.", t.showing ? ` ${t.showing}.` : ""));
  };

  // ---- strategies
  const tried = (s) => {
    if (s.why) return h("p", { class: "wb-message wb-note" }, `○ ${s.check}: ${s.why}`);
    const cell = (c, k) => h("td", {}, h("span", { class: "wb-label" }, `${k.title} `), c.shown ? track(k, c, { rules: c.was === null || c.was === undefined ? [] : [{ at: c.was, kind: "reference" }] }) : null, h("span", { class: "wb-under" }, c.shown || "–", c.n_shown ? h("span", { class: "wb-muted" }, ` n ${c.n_shown}`) : null));
    const body = s.rows.flatMap((row) => [
      row.part ? h("tr", { class: "wb-part" }, h("th", { scope: "rowgroup", colspan: s.columns.length + 1 }, row.part)) : null,
      h("tr", {}, h("th", { scope: "row" }, row.name, row.before ? h("span", { class: "wb-muted" }, " (before)") : null), row.cells.map((c, i) => cell(c, s.columns[i]))),
    ]);
    return h("figure", {}, h("figcaption", {}, h("strong", {}, s.title), h("br"), "The grey rule is the model as it is."),
      h("table", { class: "wb-table wb-tried" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Strategy"), s.columns.map((c) => h("th", { scope: "col" }, c.title)))), h("tbody", {}, body)),
      h("p", { class: "wb-muted" }, s.notes.join(". ")));
  };
  const strategies = () => {
    const missing = view.page.requests.filter((id) => !view.page.strategies.some((s) => s.check === id));
    parts.strategies.replaceChildren(h("h3", {}, "What could be done, before and after"), ...view.page.strategies.map(tried),
      ...(missing.length ? [onRequest(view.state, act, missing, view.page.strategies.length ? "More can be tried." : "No strategy was tried yet: mitigations are learnt on one half of the rows and compared on the other; nothing is changed in the model.")] : []));
  };

  const page = () => {
    const got = model.get("bias");
    if (got && got.failed && !view.page) {
      root.removeAttribute("aria-busy");
      return wait.replaceChildren(failurePart(got.failed, () => act("look", { bias: true })));
    }
    if (!got || !got.tree || got === view.page) return;
    view.page = got;
    wait.replaceChildren();
    root.removeAttribute("aria-busy");
    explorer.hidden = !got.groupings.length;
    if (got.groupings.length) {
      view.chosen = [...got.groupings[0].columns];
      view.question = { columns: got.groupings[0].key, rate: "selection_rate", reference: "largest", at: got.audited };
      tree();
      controls();
      const first = got.tree.find((b) => b.key === view.chosen[0]);
      parts.forest.replaceChildren(opening(ABOVE + ROW * (first ? first.groups.length : 2)));
      ask();
    }
    parts.strategies.hidden = !got.groupings.length && !got.strategies.length;
    strategies();
  };
  const fill = (state) => {
    view.state = state;
    view.page = null;
    root.hidden = !state.overview;
    for (const part of Object.values(parts)) part.replaceChildren();
    explorer.hidden = parts.strategies.hidden = true;
    wait.replaceChildren(opening(PAGE));
    root.setAttribute("aria-busy", "true");
  };
  const shown = () => {
    if (!view.state || !view.state.overview || view.page) return;
    if (model.get("bias")?.tree) page();
    else act("look", { bias: true });
  };
  return { root, fill, shown, page, forest };
};
