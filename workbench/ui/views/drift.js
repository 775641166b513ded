// What changed: columns in order, one column's two distributions, a measure over the windows, one window.
import { failurePart } from "./failure.js";
import { arrows, drawing, h, opening, rowsTable, s, scrolled, swatches, table, tabs, verdict, whisker } from "./parts.js";
import { timeline } from "./timeline.js";

const MOST = 200;

// Long names break after their marks.
const breaking = (name) => name.split(/(?<=[_.\-/])/).flatMap((part) => [part, h("wbr")]);

// A value with its interval on the scale that all lines of the list share.
const onScale = (row, scale) => {
  const svg = s("svg", { viewBox: "0 0 200 20", class: "wb-on-scale", "aria-hidden": "true" }, s("line", { x1: 0, x2: 200, y1: 10, y2: 10, class: "wb-axis" }));
  const x = (v) => Math.min(200, Math.max(0, (200 * (v - scale.low)) / (scale.high - scale.low || 1)));
  svg.append(s("line", { x1: x(0), x2: x(0), y1: 0, y2: 20, class: "wb-zero" }));
  if (row.limit !== null) svg.append(s("line", { x1: x(row.limit), x2: x(row.limit), y1: 1, y2: 19, class: "wb-limit" }));
  if (row.value === null) return svg;
  if (row.low !== null && row.high !== null) svg.append(s("line", { x1: x(row.low), x2: x(row.high), y1: 10, y2: 10, class: "wb-range" }));
  svg.append(s("circle", { cx: x(row.value), cy: 10, r: 4, class: "wb-dot" }));
  return svg;
};

const axis = (scale) => h("span", { class: "wb-scale wb-muted", "aria-hidden": "true" }, scale.ticks.map((t) => h("span", { style: `left:${(100 * (t.at - scale.low)) / (scale.high - scale.low || 1)}%` }, t.shown)));

const ruleLine = (r) =>
  h("li", { title: r.reason }, verdict(r), h("span", { class: "wb-what" }, r.title), h("span", { class: "wb-value" }, r.shown || "–", r.limit_shown ? h("span", { class: "wb-muted" }, ` limit ${r.limit_shown}`) : null), whisker(r));

const rulesList = (rules, most, label) => {
  const list = h("ul", { class: "wb-causes", "aria-label": label });
  const fill = (n) => list.replaceChildren(...rules.slice(0, n).map(ruleLine));
  fill(most);
  const more = rules.length > most ? h("button", { class: "wb-link", onclick: () => { fill(rules.length); more.remove(); } }, `Show all ${rules.length}`) : null;
  return more ? [list, more] : [list];
};

export const driftPage = ({ model, look, only, painted }) => {
  const parts = { said: h("div"), list: h("div", { class: "wb-changed" }), one: h("div", { class: "wb-one wb-card", role: "region", "aria-label": "One column" }), time: h("section"), opened: h("div", { role: "region", "aria-label": "One window" }) };
  const root = h("div", { class: "wb-drift" }, parts.said, h("div", { class: "wb-pair" }, parts.list, parts.one), parts.time);
  const view = { state: null, column: null, series: null, window: null, tab: "Shares", filter: "", asked: false };

  const ask = () => look({ column: view.column, series: view.series, window: view.window });

  const openWindow = (label) => {
    view.window = view.window === label ? null : label;
    line.open(view.window);
    if (view.window) ask();
    windowPanel();
  };
  const line = timeline(openWindow);

  const choose = (name) => {
    view.column = name;
    for (const b of parts.list.querySelectorAll(".wb-change")) b.setAttribute("aria-pressed", String(b.dataset.column === name));
    ask();
    columnPanel();
  };

  const change = (d) => (r) =>
    h("li", {}, h("button", { class: "wb-change", "data-column": r.column, "aria-pressed": String(r.column === view.column), onclick: () => choose(r.column) },
      h("span", { class: "wb-rank wb-muted" }, r.rank),
      h("span", { class: "wb-name" }, h("span", { class: "wb-column" }, breaking(r.name)), h("br"), verdict(r), r.also ? h("span", { class: "wb-muted" }, ` ${r.also}`) : null),
      onScale(r, d.scale),
      h("span", { class: "wb-figures" }, r.on_model ? h("span", {}, r.on_model) : null, h("span", { class: r.on_model ? "wb-muted" : "" }, r.drift), r.limit_shown ? h("span", { class: "wb-muted" }, `limit ${r.limit_shown}`) : null)));

  const list = (d) => {
    if (!d.columns.length) return parts.list.replaceChildren(h("p", { class: "wb-empty" }, "No column was compared with a reference: run drift.numeric and drift.categorical on data with one."));
    const said = h("span", { class: "wb-muted", role: "status" });
    const items = h("ol", { class: d.columns.length > 12 ? "wb-changes wb-long" : "wb-changes" });
    const fill = () => {
      const text = view.filter.toLowerCase();
      const rows = d.columns.filter((r) => `${r.name} ${r.word}`.toLowerCase().includes(text));
      items.replaceChildren(...rows.slice(0, MOST).map(change(d)));
      said.textContent = `showing ${Math.min(rows.length, MOST)} of ${d.total}`;
    };
    arrows(items, ".wb-change");
    const filter = d.columns.length > 8 ? h("input", { type: "search", placeholder: "Filter columns", "aria-label": "Filter columns", value: view.filter, oninput: (e) => { view.filter = e.target.value; fill(); } }) : null;
    parts.list.replaceChildren(
      h("div", { class: "wb-row" }, h("h3", {}, "Columns"), filter, said),
      h("p", { class: "wb-muted" }, `Ranked ${d.ranked_by}.`),
      h("div", { class: "wb-change wb-changes-head wb-muted", "aria-hidden": "true" }, h("span"), h("span"), h("span", {}, d.drawn, axis(d.scale)), h("span")), items);
    fill();
  };

  const columnPanel = () => {
    const d = model.get("column");
    if (!view.column) return parts.one.replaceChildren(h("p", { class: "wb-empty" }, "Choose a column to see its two distributions."));
    if (!d || d.column !== view.column) return parts.one.replaceChildren(opening(Math.max(360, parts.one.clientHeight - 24)));
    if (d.failed) return parts.one.replaceChildren(failurePart(d.failed, ask));
    const names = [...new Set(d.charts.map((c) => c.tab))];
    const place = h("div", { class: "wb-drawings" });
    const draw = (name) => {
      view.tab = name;
      const seen = new Set();
      const fresh = (c, key = JSON.stringify(c.table.rows)) => !seen.has(key) && seen.add(key); // two checks may have drawn the same
      place.replaceChildren(...d.charts.filter((c) => c.tab === name && fresh(c)).map((c) => h("figure", {}, h("figcaption", {}, c.sentence), drawing(c), h("details", {}, h("summary", {}, `Table (${c.table.rows.length} rows)`), scrolled(`Table of ${c.sentence}`, rowsTable(c.table, only))))));
      painted();
    };
    const chosen = names.includes(view.tab) ? view.tab : names[0];
    const bar = names.length > 1 ? tabs("Drawing", names, chosen, draw) : null;
    parts.one.onkeydown = (e) => {
      if (e.key !== "c" || e.ctrlKey || e.metaKey || e.altKey || !bar) return;
      bar.choose(names[(names.indexOf(view.tab) + 1) % names.length]);
    };
    const rules = d.rules.length ? rulesList(d.rules, 6, "Rules on this column") : [h("p", { class: "wb-muted" }, "No rule is on this column.")];
    const over = d.series.map((x) => h("button", { class: "wb-link", onclick: () => { follow(x.key); parts.time.scrollIntoView({ block: "nearest" }); } }, `${x.title} over the windows`));
    parts.one.replaceChildren(
      h("h3", {}, d.name, " ", verdict(d)),
      h("div", { class: "wb-row" }, bar, names.length ? swatches() : null, bar ? h("span", { class: "wb-muted" }, h("kbd", {}, "c"), " switches") : null),
      place, ...rules, h("div", { class: "wb-row" }, over),
      h("details", {}, h("summary", {}, `Numbers (${d.measures.length})`), scrolled(`Numbers of ${d.name}`, table(["Measure", "Value [interval]", "n", "Method"], d.measures.map((m) => [m.title, m.shown, m.n, m.method])))));
    if (chosen) draw(chosen);
    else place.replaceChildren(h("p", { class: "wb-muted" }, "This column has no drawing: its numbers are below."));
  };

  const shownSeries = () => {
    const d = model.get("series");
    if (!d || d.key !== view.series || d.missing) return;
    if (d.failed) line.root.replaceChildren(failurePart(d.failed, ask));
    else line.show(d);
  };

  const follow = (key) => {
    view.series = key;
    const select = parts.time.querySelector("select");
    if (select) select.value = key;
    ask();
    shownSeries();
  };

  const overTime = (d) => {
    if (!d.series.length) return parts.time.replaceChildren(h("h3", {}, "Windows"), h("p", { class: "wb-empty" }, "No windows: give the audit windows={\"by\": \"month\"} or {\"rows\": 5000} to see when things changed."));
    const families = [...new Set(d.series.map((x) => x.family))];
    const option = (x) => h("option", { value: x.key, selected: x.key === view.series }, x.broken ? `${x.title} · ${x.broken} beyond` : x.title);
    const select = h("select", { "aria-label": "Measure over the windows", onchange: () => follow(select.value) }, families.map((f) => h("optgroup", { label: f }, d.series.filter((x) => x.family === f).map(option))));
    parts.time.replaceChildren(h("h3", {}, "Windows"), h("div", { class: "wb-row" }, select, h("span", { class: "wb-muted" }, "Click a window, or press Enter on it, for what is known of it.")), line.root, parts.opened);
  };

  const windowPanel = () => {
    const d = model.get("window");
    if (!view.window) return parts.opened.replaceChildren();
    if (!d || d.label !== view.window) return parts.opened.replaceChildren(opening(240));
    if (d.failed) return parts.opened.replaceChildren(failurePart(d.failed, ask));
    const body = h("tbody");
    const shown = h("span", { class: "wb-muted", role: "status" });
    const fill = (text) => {
      const rows = d.values.filter((v) => `${v.about} ${v.title} ${v.word}`.toLowerCase().includes(text.toLowerCase()));
      shown.textContent = `showing ${Math.min(rows.length, MOST)} of ${d.total}`;
      body.replaceChildren(...rows.slice(0, MOST).map((v) => h("tr", {}, h("td", {}, v.about), h("td", {}, v.title), h("td", { class: "wb-number" }, v.shown), h("td", { class: "wb-number" }, v.n), h("td", {}, v.outcome ? verdict(v) : ""))));
    };
    fill("");
    const heads = ["About", "Measure", "Value [interval]", "n", "Rule"].map((t, i) => h("th", { scope: "col", class: i === 2 || i === 3 ? "wb-number" : "" }, t));
    parts.opened.replaceChildren(h("div", { class: `wb-card wb-head wb-edge-${d.outcome} wb-opened` },
      h("div", { class: "wb-spread" }, h("h3", {}, verdict(d), ` ${d.words}`), h("button", { "aria-label": "Close the window", onclick: () => openWindow(d.label) }, "Close")),
      h("p", {}, d.said),
      h("p", { class: "wb-muted" }, only(d.narrow, `window ${d.words}`) || d.fixed), ...(d.rules.length ? rulesList(d.rules, 8, "Rules on this window") : []),
      h("div", { class: "wb-row" }, h("strong", {}, "Values"), h("input", { type: "search", placeholder: "Filter values", "aria-label": "Filter values", oninput: (e) => fill(e.target.value) }), shown),
      scrolled("Values of the window", h("table", { class: "wb-table wb-board" }, h("thead", {}, h("tr", {}, heads)), body))));
  };

  return {
    root,
    close: line.close,
    column: columnPanel,
    window: windowPanel,
    series: shownSeries,
    fill: (d) => {
      Object.assign(view, { state: d, column: null, series: null, window: null, asked: false });
      if (!d) return;
      parts.said.replaceChildren(...(d.sentence ? [h("p", {}, d.sentence)] : []));
      parts.opened.replaceChildren();
      list(d);
      columnPanel();
      overTime(d);
    },
    // Asked for only once the page is looked at.
    shown: () => {
      if (!view.state || view.asked) return;
      view.asked = true;
      if (view.state.columns.length) choose(view.state.columns[0].column);
      if (view.state.first) follow(view.state.first);
    },
  };
};
