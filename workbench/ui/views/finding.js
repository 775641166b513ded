// Findings: a line each; opened, a finding shows its drawings, tables, numbers, how it is computed, and its code.
import { failurePart } from "./failure.js";
import { arrows, drawing, h, opening, prose, redrawn, rowsTable, scrolled, swatches, table, verdict } from "./parts.js";

const numbers = (d, screen) => d.measures.map((m) => [
  h("span", {}, `${m.title}${m.scope ? ` · ${m.scope}` : ""} `, screen.only(m.narrow, m.scope)), m.why || m.shown, m.n, m.method,
  m.copy ? h("button", { class: "wb-link", "aria-label": `Copy ${m.title}${m.scope ? `, ${m.scope},` : ""} with where it is from`, onclick: (e) => copyText(m.copy, e.target, screen.root) }, "copy") : "",
]);

const tableOf = (t, open, screen, name = t.title) =>
  h("details", { open, class: "wb-as-table" }, h("summary", {}, `${t.title} (${t.rows.length < t.total ? `showing ${t.rows.length} of ${t.total}` : t.total} rows)`), scrolled(name, rowsTable(t, screen.only)));

const chartOf = (c, i, check, screen) =>
  h("figure", { class: c.wide ? "wb-wide" : "" },
    h("figcaption", {}, h("strong", {}, c.title), " ", c.key ? swatches() : null, h("br"), c.sentence),
    drawing(c),
    h("div", { class: "wb-below" }, c.table ? tableOf({ ...c.table, title: "As a table" }, false, screen, `${c.title}, as a table`) : null, ["svg", "png"].map((kind) => h("button", { class: "wb-link", "aria-label": `${c.title} as ${kind.toUpperCase()}`, onclick: () => screen.act("download", { check, kind, chart: i }) }, kind.toUpperCase()))));

// A page of another maker: in a frame that has no scripts, no forms and no origin.
const attached = (a, { model, act }) => {
  const got = model.get("attachment") || {};
  const page = got.name === a.name ? h("div", {}, got.page ? h("iframe", { class: "wb-frame", title: a.name, sandbox: "", referrerpolicy: "no-referrer", srcdoc: got.page }) : h("p", { class: "wb-message wb-error" }, `✕ ${got.why}`)) : null;
  return [h("p", { class: "wb-row" }, h("span", {}, `Attached: ${a.name}, ${a.words}. By another program; shown without scripts.`), page ? null : h("button", { onclick: () => act("attachment", a.name) }, "Show it")), page];
};

const help = (d) => h("details", { class: "wb-help" }, h("summary", {}, "How it is computed ", h("kbd", {}, "?")), h("dl", {}, Object.entries(d.help).flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])));

// "?" opens how it is computed, "t" the tables behind the drawings.
export const keys = (node) => node.addEventListener("keydown", (e) => {
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(e.target.tagName);
  const wanted = { "?": ".wb-help", t: ".wb-as-table" }[e.key];
  if (typing || !wanted || e.ctrlKey || e.metaKey || e.altKey) return;
  const all = [...node.querySelectorAll(wanted)];
  const open = !all.every((one) => one.open);
  for (const one of all) one.open = open;
  if (all.length) e.preventDefault();
});

// What a person wrote; a text that is not saved yet stays while the page is drawn anew.
const noteOf = ({ note }, check, { model, act, drafts }) => {
  const written = note.lines.length ? h("blockquote", { class: "wb-note" }, h("p", { class: "wb-muted" }, `${note.said}:`), note.lines.map((line) => h("p", {}, line))) : null;
  if (!model.get("state").can_run) return written;
  const draft = drafts.get(check);
  const text = h("textarea", { rows: 3, maxlength: 4000, "aria-label": "Note", placeholder: "For whoever reads this next: kept beside the record, outside its digest; not shared.", oninput: (e) => drafts.set(check, e.target.value) });
  text.value = draft ?? note.text;
  const save = () => { drafts.delete(check); act("note", { check, text: text.value }); };
  return h("div", {}, written, h("details", { open: draft !== undefined }, h("summary", {}, written ? "Edit the note" : "Add a note"), text, h("p", { class: "wb-row" }, h("button", { onclick: save }, "Save"), written ? h("span", { class: "wb-muted" }, "An empty text takes it away.") : null)));
};

export const findingDetail = (d, check, screen) => {
  if (!d) return opening(160);
  if (d.failed) return failurePart(d.failed, () => screen.ask(check, true));
  if (d.missing) return h("p", { class: "wb-empty" }, "This check is not in the record: run it.");
  const charts = d.charts.map((c, i) => chartOf(c, i, check, screen));
  const files = ["csv", "parquet"].map((kind) => h("button", { onclick: () => screen.act("download", { check, kind }) }, kind === "csv" ? "CSV" : "Parquet"));
  return h("div", { class: "wb-detail" },
    h("p", { class: d.reason ? "" : "wb-summary" }, prose(d.reason || d.summary)), d.notes.map((n) => h("p", { class: "wb-muted" }, prose(n))),
    noteOf(d, check, screen),
    h("div", { class: "wb-charts" }, charts),
    (d.attachments || []).flatMap((a) => attached(a, screen)),
    d.tables.map((t) => tableOf(t, !charts.length, screen)),
    d.total ? h("details", { open: !charts.length && !d.tables.length }, h("summary", {}, `Numbers (showing ${d.measures.length} of ${d.total})`), scrolled(`Numbers of ${d.title}`, table(["Measure", "Value [interval]", "n", "Method", ""], numbers(d, screen))),
      h("p", { class: "wb-row" }, `All ${d.total} numbers as a file: `, files)) : null,
    help(d),
    h("details", {}, h("summary", {}, "Code"), h("pre", {}, d.code_text)));
};

// The findings that `wanted` picks, the worst first; those that `first` names lead and are open from the start. `kept`
// is the name under which a host with an address keeps those that are open.
export const findingsPart = (screen, title, wanted, first = () => [], kept = "") => {
  const list = h("div");
  const root = h("section", { "aria-label": title }, h("h3", {}, title), list);
  const view = { rows: [], open: new Set(kept ? screen.place.get(kept).split(",").filter(Boolean) : []), asked: false };
  arrows(list, ".wb-finding");
  list.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !e.target.closest(".wb-open")) return;
    const button = e.target.closest(".wb-open").querySelector(".wb-finding");
    button.click();
    list.querySelector(`[data-check="${CSS.escape(button.dataset.check)}"]`).focus();
  });

  const line = (f) => {
    const opened = view.open.has(f.check);
    const button = h("button", { class: "wb-finding", "data-check": f.check, "aria-expanded": String(opened), onclick: () => toggle(f.check) }, verdict(f), h("span", { class: "wb-what" }, h("strong", {}, f.title), ` ${f.code} `, h("span", { class: "wb-muted" }, prose(f.summary))));
    const detail = opened ? screen.detail(f.check) : null;
    const node = h("div", { class: opened ? "wb-card wb-open" : "wb-line" }, button, detail);
    if (detail) keys(node);
    return node;
  };
  const draw = () => {
    redrawn(list, () => list.replaceChildren(...view.rows.map(line)));
    screen.painted();
  };
  const toggle = (check) => {
    if (!view.open.delete(check)) {
      view.open.add(check);
      screen.ask(check);
    }
    if (kept) screen.place.set(kept, [...view.open].join(","));
    draw();
  };
  const fill = (state) => {
    const every = state.overview ? state.overview.findings : [];
    const leading = first(every);
    view.rows = [...every.filter((f) => leading.includes(f.check)), ...every.filter((f) => wanted(f.check) && !leading.includes(f.check))];
    // While a run is on there are no findings: what was open is open again after it.
    if (state.overview) for (const check of [...view.open]) if (!view.rows.some((f) => f.check === check)) view.open.delete(check);
    root.hidden = !view.rows.length;
    view.asked = false;
    draw();
  };
  return {
    root,
    fill,
    draw,
    // Asked for only once the page is looked at.
    shown: () => {
      if (!view.asked && !view.open.size) first(view.rows).forEach((check) => view.open.add(check));
      view.asked = true;
      view.open.forEach((check) => screen.ask(check));
      draw();
    },
    open: (check) => {
      if (!view.open.has(check)) toggle(check);
      const button = list.querySelector(`[data-check="${CSS.escape(check)}"]`);
      if (button) { button.scrollIntoView({ block: "nearest" }); button.focus({ preventScroll: true }); }
    },
  };
};
