// The audit on screen. One view for the notebook and the app: it only shows what `state`, `progress`, `detail`,
// `rates`, `column`, `series`, `window`, `log`, `attachment`, `comparison` and `file` say and writes what the user does to `act`
// and what they look at to `look`. Text from data goes in by textContent, never as markup.
import { h, isDark, s, swatches, table, tabs, themed, verdict, whisker, drawing } from "./parts.js";
import { driftPage } from "./drift.js";
import { contractPage } from "./contract.js";
import { comparePage } from "./compare.js";
import { rowsPart } from "./rows.js";
import { setupPage } from "./setup.js";

function auditPage({ model, el }) {
  let acts = 0;
  const act = (name, value = null) => {
    model.set("act", { name, value, at: `${Date.now()}-${(acts += 1)}` });
    model.save_changes();
  };
  // Apart from `act`, for two things set in one turn may reach Python as the last one only.
  const look = (at) => {
    model.set("look", { ...at, at: `${Date.now()}-${(acts += 1)}` });
    model.save_changes();
  };
  const root = h("div", { class: "wb", "data-lm-suppress-shortcuts": "true" });
  const parts = { head: h("section"), setup: h("section"), board: h("section"), found: h("section"), slider: h("section"), tools: h("section") };
  const live = h("div", { class: "wb-live", role: "status", "aria-live": "polite" });
  const panels = { Overview: h("div", { role: "tabpanel", "aria-label": "Overview" }, parts.board, parts.slider, parts.found) };
  const bar = h("nav", { "aria-label": "Views" });
  const rows = rowsPart(act);
  const early = h("section");
  const stale = h("div", { role: "status" });
  root.append(stale, parts.head, live, early, rows.root, parts.setup, bar, panels.Overview);
  el.replaceChildren(root);
  const drift = driftPage({ model, look, painted: () => requestAnimationFrame(paint) });
  panels.Drift = h("div", { role: "tabpanel", "aria-label": "Drift", hidden: true }, drift.root);
  const contract = contractPage((value) => act("decide", value));
  panels.Contract = h("div", { role: "tabpanel", "aria-label": "Contract", hidden: true }, contract.root);
  const compared = comparePage({ model, act });
  panels.Compare = h("div", { role: "tabpanel", "aria-label": "Compare", hidden: true }, compared.root);
  root.append(panels.Drift, panels.Contract, panels.Compare, parts.tools);
  const view = { page: "Overview", filter: "", outcome: "", open: null, metric: "selection_rate", sort: "outcome" };

  const head = (state) => {
    const o = state.overview;
    if (!o) {
      const a = state.about;
      const roles = (a.roles || []).map((r) => h("li", { class: "wb-chip" }, `${r.role}: ${r.column}`));
      parts.head.replaceChildren(
        h("header", { class: "wb-card" },
          h("h2", {}, a.title || "Audit"),
          h("p", {}, "Not run yet. ", `${a.columns ?? 0} columns from ${a.engine || "?"}, `, a.reference ? "with a reference" : "without a reference", a.model ? `, model ${a.model}.` : ", no model."),
          roles.length ? h("ul", { class: "wb-chips", "aria-label": "Roles" }, roles) : h("p", { class: "wb-muted" }, "No column has a role: name a target, a score or sensitive columns to measure more.")));
      return;
    }
    parts.head.replaceChildren(
      h("header", { class: `wb-card wb-head wb-edge-${o.outcome}` },
        h("h2", {}, verdict(o), " ", h("span", { class: "wb-title" }, o.title)),
        h("p", { class: "wb-muted wb-spread" }, h("span", {}, o.data), h("span", { title: o.digest }, "digest ", h("code", {}, o.short_digest), " · not signed")),
        state.partial ? h("p", { class: "wb-message wb-warn" }, "▲ Cancelled: this is a partial result, labelled incomplete.") : null,
        h("p", {}, h("strong", {}, o.line)),
        h("ul", { class: "wb-causes" }, o.causes.map((r) => h("li", { title: `${r.reason}. ${r.why}` }, verdict(r), h("span", { class: "wb-what" }, r.title, r.worst_of > 1 ? h("span", { class: "wb-muted" }, ` worst of ${r.worst_of}`) : null), h("span", { class: "wb-value" }, r.shown, r.limit_shown ? h("span", { class: "wb-muted" }, ` limit ${r.limit_shown}`) : null), whisker(r)))),
        h("details", {}, h("summary", {}, `What was not tested (${o.untested.length})`),
          o.untested.length ? h("ul", {}, o.untested.map((u) => h("li", {}, `${u.what}: ${u.why}`))) : h("p", {}, "Everything in the plan was tested."))));
  };

  const setup = (state) => {
    if (!state.can_run) return parts.setup.replaceChildren();
    const busy = state.phase === "running";
    const boxes = state.checks.map((c) =>
      h("label", { class: "wb-check" },
        h("input", { type: "checkbox", value: c.id, checked: c.chosen, disabled: busy, onchange: () => act("choose", [...parts.setup.querySelectorAll("input:checked")].map((i) => i.value)) }),
        ` ${c.title} `, h("span", { class: "wb-muted" }, c.code)));
    parts.setup.replaceChildren(
      h("details", { open: !state.overview }, h("summary", {}, `Checks (${state.checks.filter((c) => c.chosen).length} of ${state.checks.length} chosen)`), h("div", { class: "wb-checks" }, boxes)),
      h("div", { class: "wb-row" },
        h("button", { class: "wb-primary", disabled: busy, onclick: () => act("run") }, state.overview ? "Run again" : "Run"),
        h("button", { disabled: !busy, onclick: () => act("cancel") }, "Cancel"),
        !busy && state.resumable ? h("button", { onclick: () => act("resume") }, "Take up the run that did not end") : null));
  };

  const progress = () => {
    const state = model.get("state");
    const p = { ...state.progress, ...model.get("progress") };
    const [look, mark] = { error: ["error", "✕ "], note: ["note", "· "] }[state.message && state.message.kind] || ["pass", "● "];
    const message = state.message && state.message.text ? h("p", { class: `wb-message wb-${look}` }, mark, state.message.text) : null;
    soFar(state.phase === "running" ? p.ended || [] : []);
    stale.replaceChildren(...((state.stale || []).length ? [h("p", { class: "wb-message wb-warn" }, `▲ Stale: ${state.stale.join(", ")} ${state.stale.length > 1 ? "hold" : "holds"} something else now. This screen is of what was there before: make the audit again.`)] : []));
    if (state.phase !== "running") return live.replaceChildren(...(message ? [message] : []));
    const left = p.left ? `, about ${Math.max(1, Math.round(p.left))} s left` : "";
    live.replaceChildren(
      h("p", { class: "wb-progress" }, h("progress", { max: p.steps || 1, value: p.step || 0, "aria-label": "Progress" }), ` ${p.label || "starting"} · ${p.step || 0} / ${p.steps || 1}${left}`));
  };

  // What has ended can be opened while the rest runs.
  const soFar = (ended) => {
    if (!ended.length) return early.replaceChildren();
    const shown = early.querySelector("details");
    const chosen = ended.some((f) => f.check === view.early) ? view.early : null;
    early.replaceChildren(h("details", { open: Boolean(shown && shown.open) }, h("summary", {}, `Available already (${ended.length})`),
      h("div", { class: "wb-row" }, ended.map((f) => h("button", { "aria-pressed": String(f.check === chosen), onclick: () => { view.early = f.check; act("open", f.check); } }, `${f.shape} ${f.check}`))),
      chosen ? detail(model.get("detail"), chosen) : null));
    requestAnimationFrame(paint);
  };

  const page = (name) => {
    view.page = name;
    for (const [key, panel] of Object.entries(panels)) panel.hidden = key !== name;
    if (name === "Drift") drift.shown();
  };
  const pages = (state) => {
    drift.fill(state.drift);
    compared.fill(state);
    const there = { Overview: true, Drift: state.drift, Contract: state.contract, Compare: state.overview && (state.can_run || (state.earlier || []).length) };
    const names = Object.keys(panels).filter((name) => there[name]);
    const at = names.includes(view.page) ? view.page : "Overview";
    bar.replaceChildren(...(names.length > 1 ? [tabs("Views", names, at, page)] : []));
    page(at);
  };

  const board = (state) => {
    const o = state.overview;
    if (!o) return parts.board.replaceChildren();
    const body = h("tbody");
    const said = h("p", { class: "wb-muted", role: "status" });
    const fill = () => {
      const text = view.filter.toLowerCase();
      let rows = o.board.filter((r) => (!view.outcome || r.outcome === view.outcome) && `${r.title} ${r.check} ${r.reason} ${r.word}`.toLowerCase().includes(text));
      if (view.sort === "value") rows = [...rows].sort((a, b) => Math.abs(b.value ?? 0) - Math.abs(a.value ?? 0));
      if (view.sort === "title") rows = [...rows].sort((a, b) => a.title.localeCompare(b.title));
      said.textContent = `showing ${Math.min(rows.length, 200)} of ${o.board.length}`;
      body.replaceChildren(...rows.slice(0, 200).map((r) =>
        h("tr", {},
          h("td", {}, verdict(r)),
          h("td", {}, h("button", { class: "wb-link", title: r.reason, onclick: () => open(r.check) }, r.title)),
          h("td", { class: "wb-number" }, r.shown || "–"),
          h("td", { class: "wb-number" }, r.limit_shown),
          h("td", {}, whisker(r)),
          h("td", { class: "wb-number" }, r.n_shown))));
      if (!rows.length) body.replaceChildren(h("tr", {}, h("td", { colspan: 6, class: "wb-empty" }, o.board.length ? "No rule matches this filter." : "The policy has no rule: nothing was judged.")));
    };
    const outcomes = [...new Set(o.board.map((r) => r.outcome))];
    const sorter = (key, text, number) => h("th", { scope: "col", class: number ? "wb-number" : "" }, h("button", { class: "wb-sort", onclick: () => { view.sort = key; fill(); } }, text));
    const text = h("input", { type: "search", placeholder: "Filter rules", "aria-label": "Filter rules", value: view.filter, oninput: (e) => { view.filter = e.target.value; fill(); } });
    const select = h("select", { "aria-label": "Outcome", onchange: (e) => { view.outcome = e.target.value; fill(); } }, h("option", { value: "" }, "every outcome"), outcomes.map((x) => h("option", { value: x, selected: x === view.outcome }, x.replace("_", " "))));
    parts.board.replaceChildren(h("h3", {}, "Rules"), h("div", { class: "wb-row" }, text, select, said),
      h("div", { class: "wb-scroll" }, h("table", { class: "wb-table wb-board" }, h("thead", {}, h("tr", {}, sorter("outcome", "Outcome"), sorter("title", "Measure"), sorter("value", "Value [interval]", true), h("th", { scope: "col", class: "wb-number" }, "Limit"), h("th", { scope: "col" }, ""), h("th", { scope: "col", class: "wb-number" }, "n"))), body)));
    fill();
  };

  const open = (check) => {
    view.open = view.open === check ? null : check;
    if (view.open) act("open", check);
    found(model.get("state"));
    const row = parts.found.querySelector(".wb-open");
    if (row) row.scrollIntoView({ block: "nearest" });
  };

  const found = (state) => {
    const o = state.overview;
    if (!o) return parts.found.replaceChildren();
    parts.found.replaceChildren(h("h3", {}, "Findings"), h("div", {}, o.findings.map((f) => {
      const opened = view.open === f.check;
      const button = h("button", { class: "wb-finding", "aria-expanded": String(opened), onclick: () => open(f.check) }, verdict(f), h("span", { class: "wb-what" }, h("strong", {}, f.title), ` ${f.code} `, h("span", { class: "wb-muted" }, f.summary)));
      return h("div", { class: opened ? "wb-card wb-open" : "wb-line" }, button, opened ? detail(model.get("detail"), f.check) : null);
    })));
    requestAnimationFrame(paint);
  };

  const paint = () => {
    for (const image of root.querySelectorAll("img.wb-drawing")) image.src = themed(image.uri, isDark(root));
  };

  // A page of another maker: in a frame that has no scripts, no forms and no origin.
  const attached = (a) => {
    const got = model.get("attachment") || {};
    const page = got.name === a.name ? h("div", {}, got.page ? h("iframe", { class: "wb-frame", title: a.name, sandbox: "", referrerpolicy: "no-referrer", srcdoc: got.page }) : h("p", { class: "wb-message wb-error" }, `✕ ${got.why}`)) : null;
    return [h("p", { class: "wb-row" }, h("span", {}, `Attached: ${a.name}, ${a.words}. By another program; shown without scripts.`), page ? null : h("button", { onclick: () => act("attachment", a.name) }, "Show it")), page];
  };

  const detail = (d, check) => {
    if (!d || d.check !== check) return h("p", { class: "wb-muted" }, "Opening …");
    const charts = d.charts.map((c, i) => h("figure", { class: c.wide ? "wb-wide" : "" }, h("figcaption", {}, h("strong", {}, c.title), " ", c.key ? swatches() : null, h("br"), c.sentence), drawing(c), h("p", { class: "wb-row wb-muted" }, ["svg", "png"].map((kind) => h("button", { class: "wb-link", "aria-label": `${c.title} as ${kind.toUpperCase()}`, onclick: () => act("download", { check, kind, chart: i }) }, kind.toUpperCase())))));
    const numbers = d.measures.map((m) => [h("span", {}, `${m.title}${m.scope ? ` · ${m.scope}` : ""} `, only(m.group, m.scope)), m.why || m.shown, m.n, m.method, m.copy ? h("button", { class: "wb-link", "aria-label": `Copy ${m.title}${m.scope ? `, ${m.scope},` : ""} with where it is from`, onclick: (e) => copy(m.copy, e.target) }, "copy") : ""]);
    return h("div", { class: "wb-detail" },
      h("p", {}, d.reason || d.summary), d.notes.map((n) => h("p", { class: "wb-muted" }, n)),
      h("div", { class: "wb-charts" }, charts),
      (d.attachments || []).flatMap(attached),
      d.tables.map((t) => h("details", { open: !charts.length }, h("summary", {}, `${t.title} (${t.total} rows)`), h("div", { class: "wb-scroll" }, table(t.columns, t.rows)))),
      h("details", { open: !charts.length && !d.tables.length }, h("summary", {}, `Numbers (showing ${numbers.length} of ${d.total})`), h("div", { class: "wb-scroll" }, table(["Measure", "Value [interval]", "n", "Method", ""], numbers)),
        h("p", { class: "wb-row" }, `All ${d.total} numbers as a file: `, ["csv", "parquet"].map((kind) => h("button", { onclick: () => act("download", { check, kind }) }, kind === "csv" ? "CSV" : "Parquet")))),
      h("details", {}, h("summary", {}, "How it is computed"), h("dl", {}, Object.entries(d.help).flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]))),
      h("details", {}, h("summary", {}, "Code"), h("pre", {}, d.code_text)));
  };

  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // pages that are not served securely have no clipboard: an older way
      const area = h("textarea", { style: "position:fixed;opacity:0" });
      area.value = text;
      root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "copied";
  };
  const save = () => {
    const file = model.get("file");
    if (!file.data) return;
    const bytes = Uint8Array.from(atob(file.data), (c) => c.charCodeAt(0));
    const link = h("a", { href: URL.createObjectURL(new Blob([bytes], { type: file.media_type })), download: file.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const only = (group, words) => group && model.get("state").can_run ? h("button", { class: "wb-link", "aria-label": `Only the rows of ${words}`, onclick: () => act("narrow", { group }) }, "only these rows") : null;

  const slider = (state) => {
    const { grid, audited, rates } = state.slider;
    if (!grid || !grid.length) return parts.slider.replaceChildren();
    const at = grid.indexOf(audited);
    const out = h("output", {}, audited.toPrecision(3));
    const range = h("input", { type: "range", min: 0, max: grid.length - 1, step: 1, value: at, "aria-label": "Threshold", oninput: () => { out.textContent = grid[range.value].toPrecision(3); act("threshold", grid[range.value]); } });
    const metric = h("select", { "aria-label": "Rate", onchange: (e) => { view.metric = e.target.value; forest(); } }, Object.entries(rates).map(([k, t]) => h("option", { value: k, selected: k === view.metric }, t)));
    const place = h("div", { class: "wb-forest" });
    parts.slider.replaceChildren(h("h3", {}, "Threshold"),
      h("p", { class: "wb-muted" }, "A row is predicted positive when its score is at least the threshold. Moving it shows what would change; the audit stays as it is."),
      h("div", { class: "wb-row" }, h("label", {}, "Threshold ", range, " ", out), h("label", {}, "Rate ", metric), h("button", { onclick: () => { range.value = at; out.textContent = audited.toPrecision(3); act("threshold", audited); } }, "Reset")),
      place);
    act("threshold", audited);
  };

  const forest = () => {
    const r = model.get("rates");
    const place = parts.slider.querySelector(".wb-forest");
    if (!place || !r || !r.after) return;
    const before = Object.fromEntries(r.before.groups.map((g) => [g.group, g]));
    const rows = r.after.groups.map((g) => {
      if (g.suppressed) return h("tr", {}, h("td", {}, g.label), h("td", { colspan: 4, class: "wb-muted" }, `○ ${r.after.suppressed}`));
      const [b, a] = [before[g.group].rates[view.metric], g.rates[view.metric]];
      return h("tr", {}, h("td", {}, g.label, " ", only(g.group, g.label)), h("td", { class: "wb-number" }, b.shown), h("td", { class: "wb-number" }, h("strong", {}, a.shown)), h("td", {}, line(b, a)), h("td", { class: "wb-number" }, a.n_shown));
    });
    const gaps = r.after.gaps.filter((g) => g.name.startsWith(view.metric)).map((g) => {
      const was = r.before.gaps.find((x) => x.name === g.name && x.column === g.column);
      return [`${g.title} · ${g.column}`, was ? was.shown : "–", g.shown];
    });
    place.replaceChildren(h("div", { class: "wb-scroll" }, h("table", { class: "wb-table" }, h("thead", {}, h("tr", {}, ["Group", "At the audit's", "At this", "0 – 100 %, interval", "n"].map((t, i) => h("th", { scope: "col", class: i === 1 || i === 2 || i === 4 ? "wb-number" : "" }, t)))), h("tbody", {}, rows)), gaps.length ? table(["Gap", "At the audit's", "At this"], gaps) : null));
  };

  const line = (b, a) => {
    const svg = s("svg", { viewBox: "0 0 220 16", class: "wb-rate", "aria-hidden": "true" }, s("line", { x1: 5, x2: 215, y1: 8, y2: 8, class: "wb-axis" }));
    const x = (v) => 5 + 210 * v;
    if (b.value !== null) svg.append(s("line", { x1: x(b.low), x2: x(b.high), y1: 11, y2: 11, class: "wb-before" }), s("circle", { cx: x(b.value), cy: 11, r: 2.5, class: "wb-before-dot" }));
    if (a.value !== null) svg.append(s("line", { x1: x(a.low), x2: x(a.high), y1: 6, y2: 6, class: "wb-range" }), s("circle", { cx: x(a.value), cy: 6, r: 3, class: "wb-dot" }));
    return svg;
  };

  const log = () => {
    const place = parts.tools.querySelector(".wb-log");
    if (place) place.textContent = model.get("log").text || "Nothing was printed.";
  };
  const tools = (state) => {
    if (!state.can_run) return parts.tools.replaceChildren();
    const name = h("input", { type: "text", value: "audit.ipynb", "aria-label": "Notebook to write" });
    parts.tools.replaceChildren(h("div", { class: "wb-row" }, name, h("button", { onclick: () => act("export", name.value) }, "Export notebook")),
      h("details", { ontoggle: (e) => e.target.open && act("log") }, h("summary", {}, "Log of the run"), h("pre", { class: "wb-log wb-scroll" })));
  };

  let digest = null;
  const all = () => {
    const state = model.get("state");
    const now = `${state.overview ? state.overview.digest : ""} ${state.phase}`;
    setup(state);
    rows.fill(state);
    progress();
    if (state.contract) contract.fill(state.contract);
    if (now === digest) return; // messages and ticks must not rebuild what the user is working in
    digest = now;
    [head, pages, board, slider, found, tools].forEach((part) => part(state));
    if (state.overview && view.open) act("open", view.open);
  };
  model.on("change:state", all);
  model.on("change:progress", progress);
  model.on("change:detail", () => found(model.get("state")));
  model.on("change:attachment", () => found(model.get("state")));
  model.on("change:rates", forest);
  model.on("change:log", log);
  model.on("change:file", save);
  model.on("change:comparison", compared.show);
  for (const name of ["column", "series", "window"]) model.on(`change:${name}`, drift[name]);
  all();
  const system = matchMedia("(prefers-color-scheme: dark)");
  const host = new MutationObserver(paint);
  system.addEventListener("change", paint);
  host.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => {
    system.removeEventListener("change", paint);
    host.disconnect();
    drift.close();
  };
}

function show({ model, el }) {
  if (!model.get("state").setup) return auditPage({ model, el });
  let end = null;
  setupPage({ model, el, started: () => { end = auditPage({ model, el }); } });
  return () => end && end();
}

export default { render: show };
