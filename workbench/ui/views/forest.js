// Values with their intervals on one shared axis, with labelled rules: what groups, features and segments are shown on.
import { h, scrolled } from "./parts.js";

const share = (v, scale) => Math.min(100, Math.max(0, (100 * (v - scale.low)) / (scale.high - scale.low || 1)));

const mark = (m, scale, look) => m && m.value !== null ? [
  m.low !== null && m.high !== null ? h("span", { class: `wb-reach ${look}`, style: `left:${share(m.low, scale)}%;width:${share(m.high, scale) - share(m.low, scale)}%` }) : null,
  h("span", { class: `wb-point ${look}`, style: `left:${share(m.value, scale)}%` }),
] : [];

// One line of a forest; `was` is drawn grey behind and below. The numbers stand beside it, so it is hidden from readers.
export const track = (scale, value, { was = null, rules = [], hollow = false } = {}) =>
  h("span", { class: `wb-track${hollow ? " wb-track-hollow" : ""}`, "aria-hidden": "true" },
    rules.map((r) => h("span", { class: `wb-rule wb-rule-${r.kind}`, style: `left:${share(r.at, scale)}%` })),
    mark(was, scale, "wb-was"), mark(value, scale, "wb-is"));

const MOST_TICKS = 4;
const fewer = (ticks) => ticks.filter((_, i) => i % Math.ceil(ticks.length / MOST_TICKS) === 0);
const tick = (at, shown) => h("span", { style: `left:${at}%${at < 8 ? ";transform:none" : at > 92 ? ";transform:translateX(-100%)" : ""}` }, shown);
// The axis above a forest: a line for each rule's label, where the rule is, then the ticks.
export const axisHead = (scale, rules = []) => [
  h("span", { class: "wb-unseen" }, "Drawn on a line"),
  h("span", { class: "wb-axis-head", "aria-hidden": "true" },
    rules.map((r) => {
      const at = share(r.at, scale);
      return h("span", { class: "wb-rule-line" }, h("span", { class: `wb-rule-label wb-rule-${r.kind} ${at > 50 ? "wb-to-left" : ""}`, style: at > 50 ? `right:${100 - at}%` : `left:${at}%` }, r.label));
    }),
    h("span", { class: "wb-scale wb-muted" }, fewer(scale.ticks || []).map((t) => tick(share(t.at, scale), t.shown)))),
];

export const asTable = (t, of) =>
  h("details", { class: "wb-as-table" }, h("summary", {}, `As a table (${t.rows.length} rows)`),
    scrolled(`${of}, as a table`, h("table", { class: "wb-table" },
      h("thead", {}, h("tr", {}, t.columns.map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, t.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))))));

// Words that stand for an outcome, with their shape; nothing where there is none.
export const told = (row) => row.word ? h("span", { class: `wb-verdict wb-${row.outcome}` }, row.shape ? h("span", { "aria-hidden": "true" }, `${row.shape} `) : null, row.word) : null;

// A button that makes checks on request part of the audit and runs them; who only reads is told where they come from.
export const onRequest = (state, act, ids, words) => {
  const offered = (state.requests || []).filter((c) => ids.includes(c.id));
  if (!state.can_run) return h("p", { class: "wb-empty" }, `${words} They run on request: name ${ids.join(", ")} in the plan.`);
  if (!offered.length) return h("p", { class: "wb-empty" }, `${words} This audit has not what they need.`);
  return h("div", { class: "wb-empty wb-request" }, h("p", {}, words),
    h("ul", {}, offered.map((c) => h("li", {}, c.title, c.cost ? h("span", { class: "wb-muted" }, ` · ${c.cost}`) : null))),
    h("button", { class: "wb-primary", disabled: state.phase === "running", onclick: () => act("add", offered.map((c) => c.id)) }, offered.length > 1 ? `Add these ${offered.length} checks and run` : "Add this check and run"));
};
