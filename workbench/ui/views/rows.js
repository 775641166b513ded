// The edits on screen: conditions and threshold as chips, undo and redo, and a form for one more condition.
import { h } from "./parts.js";

const COMPARISONS = [["==", "is"], ["!=", "is not"], ["<", "below"], ["<=", "at most"], [">", "above"], [">=", "at least"], ["missing", "is missing"], ["present", "is present"]];
const typed = (kind, text) => {
  if (kind === "number" && text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
  return kind === "boolean" ? text.trim().toLowerCase() === "true" : text;
};

export const rowsPart = (act) => {
  const root = h("section", { "aria-label": "Rows on screen" });
  let open = false;
  const chip = (c, busy) => h("span", { class: "wb-chip" }, c.words, c.own ? null : h("button", { class: "wb-cross", disabled: busy, "aria-label": `Take away: ${c.words}`, onclick: () => act("widen", c.id) }, "×"));
  const form = (fields, busy) => {
    const column = h("select", { "aria-label": "Column" }, fields.map((f, i) => h("option", { value: i }, f.shown)));
    const how = h("select", { "aria-label": "Comparison", onchange: () => { value.disabled = ["missing", "present"].includes(how.value); } });
    const value = h("input", { type: "text", "aria-label": "Value" });
    const fit = () => {
      const kind = fields[column.value].kind;
      const ordered = kind === "number" || kind === "time";
      how.replaceChildren(...COMPARISONS.filter(([o]) => ordered || !o.includes("<") && !o.includes(">")).map(([o, t]) => h("option", { value: o }, t)));
      value.placeholder = kind === "time" ? "2026-01-31" : kind === "boolean" ? "true" : "";
      value.disabled = false;
    };
    column.addEventListener("change", fit);
    fit();
    const send = () => {
      const f = fields[column.value];
      act("narrow", [{ column: f.name, operator: how.value, ...(value.disabled ? {} : { value: typed(f.kind, value.value) }) }]);
    };
    value.addEventListener("keydown", (e) => { if (e.key === "Enter") send(); });
    return h("details", { open, ontoggle: (e) => { open = e.target.open; } }, h("summary", {}, "Look at some rows only"),
      h("div", { class: "wb-row" }, column, how, value, h("button", { disabled: busy, onclick: send }, "Narrow")));
  };
  const fill = (state) => {
    const rows = state.rows;
    if (!state.can_run || !rows || !rows.chips) return root.replaceChildren();
    const busy = state.phase === "running";
    const own = rows.chips.filter((c) => !c.own).length;
    const where = rows.chips.filter((c) => c.id !== "threshold");
    const others = rows.chips.filter((c) => c.id === "threshold");
    const steps = rows.chips.length || rows.undo || rows.redo;
    root.replaceChildren(
      ...(steps ? [h("div", { class: "wb-row", role: "group", "aria-label": "Edits" },
        h("span", { class: "wb-muted" }, where.length ? "only rows where" : "all rows"),
        [...where, ...others].map((c) => chip(c, busy)),
        h("button", { disabled: busy || !rows.undo, onclick: () => act("undo") }, "Undo"),
        h("button", { disabled: busy || !rows.redo, onclick: () => act("redo") }, "Redo"),
        own ? h("button", { disabled: busy, onclick: () => act("clear") }, "Clear all") : null)] : []),
      ...(state.about.fields && state.about.fields.length ? [form(state.about.fields, busy)] : []));
  };
  return { root, fill };
};
