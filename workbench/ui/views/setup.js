// Setting an audit up: data, reference and model from variables or files, the part each column plays, Start.
// It only shows what `state.setup` says and writes what the user does to `act`.
import { h, headCell, redrawn, scrolled, sender } from "./parts.js";

const NAMED = { data: "Data to audit", reference: "Reference", model: "Model", challenger: "Model to compare with", contract: "Contract" };
const HINT = { data: "CSV or Parquet file", reference: "CSV or Parquet file", model: ".skops file", challenger: ".skops file", contract: "YAML file" };
const LISTED = { data: "frames", reference: "frames", model: "models", challenger: "models" };

export function setupPage({ model, el, started }) {
  const act = sender(model);
  const root = h("div", { class: "wb wb-setup", "data-lm-suppress-shortcuts": "true" });
  const parts = { pick: h("section"), roles: h("section"), said: h("div", { class: "wb-live", role: "status", "aria-live": "polite" }), end: h("section") };
  root.append(h("header", { class: "wb-card" }, h("h2", {}, "New audit"), h("p", { class: "wb-muted" }, "Choose what to audit. Nothing is read but the columns and the first rows, and nothing runs until you say so.")), parts.pick, parts.roles, parts.said, parts.end);
  el.replaceChildren(root);
  let drawing = false;

  const field = (what, s) => {
    const listed = s[LISTED[what]] || [];
    const chosen = s.chosen[what];
    const named = listed.some((f) => f.name === chosen);
    const id = `wb-${what}-${Math.random().toString(36).slice(2)}`;
    const select = h("select", { id, "data-name": what, onchange: (e) => act("pick", { what, name: e.target.value }) },
      h("option", { value: "" }, what === "data" ? "choose a variable" : "none"),
      listed.map((f) => h("option", { value: f.name, selected: f.name === chosen }, f.words)));
    // Chromium says that a field has changed when it is taken away, too: half a word is no path.
    const given = ({ target }) => {
      if (drawing || target.value === target.defaultValue) return;
      target.defaultValue = target.value;
      act("pick", { what, name: target.value });
    };
    const path = h("input", { type: "text", "aria-label": `${NAMED[what]}: file`, placeholder: HINT[what], value: named ? "" : chosen, onchange: given, onblur: given });
    return h("div", { class: "wb-field" }, h("label", { for: LISTED[what] ? id : null }, NAMED[what]), h("div", { class: "wb-row" }, ...(LISTED[what] ? [select, h("span", { class: "wb-muted" }, "or")] : []), path));
  };

  const role = (c, s) => h("tr", {},
    h("td", {}, c.shown), h("td", { class: "wb-muted" }, c.kind),
    h("td", {}, h("select", { "aria-label": `Role of ${c.shown}`, "data-column": c.name, onchange: (e) => act("role", { column: c.name, role: e.target.value }) },
      s.roles.map((r) => h("option", { value: r, selected: r === c.role }, r)))),
    h("td", { class: "wb-muted" }, c.guess ? "guessed from its name" : ""));

  const draw = () => {
    drawing = true;
    redrawn(root, fill);
    drawing = false;
  };
  const fill = () => {
    const s = model.get("state").setup;
    if (!s) return close();
    parts.pick.replaceChildren(h("div", { class: "wb-fields" }, Object.keys(NAMED).map((what) => field(what, s))),
      h("div", { class: "wb-row" }, h("button", { onclick: () => act("refresh") }, "Look for new variables")));
    const shown = s.columns.slice(0, 500);
    parts.roles.replaceChildren(...(s.columns.length ? [
      h("h3", {}, "What each column is"),
      h("p", { class: "wb-muted" }, `showing ${shown.length} of ${s.columns.length} columns; a feature is what the model may use`),
      scrolled("What each column is", h("table", { class: "wb-table" }, h("thead", {}, h("tr", {}, ["Column", "Kind", "Role", ""].map((t) => headCell(t)))), h("tbody", {}, shown.map((c) => role(c, s))))),
      s.values.length ? h("p", {}, h("label", {}, "Positive value of the target ", h("select", { "aria-label": "Positive value", onchange: (e) => act("positive", e.target.value) }, h("option", { value: "" }, "choose"), s.values.map((v) => h("option", { value: v, selected: v === s.positive }, v))))) : null,
    ].filter(Boolean) : [h("p", { class: "wb-empty" }, s.frames.length ? "Choose data to see its columns." : "No data frame among this notebook's variables: load one in a cell, or name a file.")]));
    parts.said.replaceChildren(...(s.message ? [h("p", { class: "wb-message wb-error" }, "✕ ", s.message)] : []));
    parts.end.replaceChildren(
      s.missing.length ? h("details", { open: true }, h("summary", {}, `What this leaves out (${s.missing.length})`), h("ul", {}, s.missing.map((m) => h("li", {}, m)))) : "",
      s.code ? h("details", {}, h("summary", {}, "Code"), h("pre", {}, s.code)) : "",
      h("div", { class: "wb-row" }, h("button", { class: "wb-primary", disabled: !s.chosen.data, onclick: () => act("start") }, "Start")));
  };
  const close = () => {
    model.off("change:state", draw);
    started();
  };
  model.on("change:state", draw);
  draw();
}
