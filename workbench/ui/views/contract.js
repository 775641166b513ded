// A contract's rules, one row each: what is asked, what that rests on, what became of it on the data. Where somebody
// decides, a decision goes out by `send`. Text from data goes in by textContent, never as markup.
import { h, inOrder, verdict } from "./parts.js";

const DECISIONS = { accept: ["Accept", "accepted"], reject: ["Reject", "rejected"], propose: ["Undo", "proposed"] };
const DECISION_KEYS = { a: "accept", r: "reject", u: "propose" };
const STATE_MARKS = { proposed: "?", accepted: "✓", rejected: "–" };
const BROKEN = ["fail", "warn", "cannot_tell"];
const RULES_AT_ONCE = 100;

export const contractPage = (send, propose) => {
  const view = { state: null, filter: "", show: "", most: RULES_AT_ONCE, at: null, editing: null, text: "", sent: false };
  const parts = { head: h("div"), acts: h("div", { class: "wb-row" }), said: h("span", { class: "wb-muted", role: "status" }), message: h("p", { role: "status" }), body: h("div", { class: "wb-scroll wb-rules" }) };
  const filter = h("input", { type: "search", placeholder: "Filter rules", "aria-label": "Filter the contract's rules", oninput: () => { view.filter = filter.value; table(); } });
  const show = h("select", { "aria-label": "Which rules", onchange: () => { view.show = show.value; table(); } });
  const root = h("div", { class: "wb-contract" }, parts.head, parts.acts, h("div", { class: "wb-row" }, filter, show, parts.said), parts.message, parts.body);

  const wanted = (r) => !view.show || r.state === view.show || (view.show === "broken" && r.here && BROKEN.includes(r.here.outcome));
  const chosen = () => {
    const text = view.filter.toLowerCase();
    return view.state.rows.filter((r) => wanted(r) && `${r.key} ${r.rule} ${r.state} ${r.here ? r.here.word : ""}`.toLowerCase().includes(text));
  };
  const rowOf = (key) => [...parts.body.querySelectorAll("tr[data-key]")].find((tr) => tr.dataset.key === key);
  const go = (key) => {
    if (rowOf(view.at)) rowOf(view.at).tabIndex = -1;
    view.at = key;
    const row = rowOf(key);
    if (row) { row.tabIndex = 0; row.focus(); row.scrollIntoView({ block: "nearest" }); }
  };

  const decide = (row, name) => {
    if (DECISIONS[name][1] !== row.state) send({ name, keys: [row.key] });
  };
  const edit = (row) => {
    view.at = row.key;
    [view.editing, view.text] = [row.key, row.fields];
    table();
    parts.body.querySelector(".wb-fields").focus();
  };
  const leave = () => {
    const key = view.editing;
    view.editing = null;
    table();
    go(key);
  };

  const byKey = (row) => (e) => {
    if (e.target.tagName === "INPUT" || e.ctrlKey || e.metaKey || e.altKey) return;
    const keys = chosen().slice(0, view.most).map((r) => r.key);
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) go(keys[Math.min(keys.length - 1, Math.max(0, keys.indexOf(row.key) + step))]);
    else if (view.state.decide && e.key in DECISION_KEYS) {
      decide(row, DECISION_KEYS[e.key]);
      if (e.target.tagName === "TR") go(keys[Math.min(keys.length - 1, keys.indexOf(row.key) + 1)]);
    } else if (view.state.decide && row.fields !== null && e.key === "e") edit(row);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  const buttons = (row) => h("div", { class: "wb-decide" },
    Object.entries(DECISIONS).filter(([, [, state]]) => state !== row.state).map(([name, [word]]) => h("button", { class: "wb-small", "aria-label": `${word} ${row.key}`, "data-act": name, onclick: () => { view.at = row.key; decide(row, name); } }, word)),
    row.fields === null ? null : h("button", { class: "wb-small", "aria-label": `Edit ${row.key}`, "data-act": "edit", onclick: () => edit(row) }, "Edit"));

  const editor = (row, width) => {
    const input = h("input", { type: "text", class: "wb-fields", value: view.text, "aria-label": `Fields of ${row.key}`, spellcheck: "false", oninput: () => { view.text = input.value; } });
    const save = () => { view.sent = true; send({ name: "edit", key: row.key, text: input.value }); };
    input.addEventListener("keydown", (e) => {
      if (e.key === "Enter") save();
      else if (e.key === "Escape") leave();
      e.stopPropagation();
    });
    return h("tr", { class: "wb-editor" }, h("td", { colspan: width }, h("div", { class: "wb-row" }, input, h("button", { class: "wb-primary", onclick: save }, "Save rule"), h("button", { onclick: leave }, "Cancel"))));
  };

  const columns = () => {
    const { rows, decide: may } = view.state;
    const here = rows.some((r) => r.here);
    return [
      ["Rule", "", (r) => h("td", { title: r.key }, r.rule)],
      rows.some((r) => r.evidence) ? ["What it rests on", "", (r) => h("td", { class: "wb-muted" }, r.evidence)] : null,
      ["State", "", (r) => h("td", { class: `wb-state wb-state-${r.state}` }, h("span", { "aria-hidden": "true" }, `${STATE_MARKS[r.state]} `), r.state)],
      here ? ["On the data", "", (r) => h("td", {}, r.here ? verdict(r.here) : h("span", { class: "wb-muted" }, r.state === "rejected" ? "not checked" : "not judged yet"))] : null,
      here ? ["Broken by", "wb-number", (r) => h("td", { class: "wb-number" }, r.here ? [r.here.count, r.here.count ? h("br") : null, h("span", { class: "wb-muted" }, r.here.shown)] : "")] : null,
      here ? ["Rows", "", (r) => h("td", { class: "wb-which" }, r.here ? r.here.rows || h("span", { class: "wb-muted" }, r.here.reason) : "")] : null,
      may ? ["Decide", "", (r) => h("td", {}, buttons(r))] : null,
    ].filter(Boolean);
  };

  const table = () => {
    const found = chosen();
    const shown = found.slice(0, view.most);
    if (!shown.some((r) => r.key === view.at)) view.at = shown.length ? shown[0].key : null;
    parts.said.textContent = `showing ${shown.length} of ${view.state.rows.length}`;
    const heads = columns();
    const lines = shown.flatMap((r) => [
      h("tr", { "data-key": r.key, tabindex: r.key === view.at ? 0 : -1, onkeydown: byKey(r), onfocus: () => { if (view.at !== r.key) go(r.key); } }, heads.map(([, , cell]) => cell(r))),
      view.editing === r.key ? editor(r, heads.length) : null,
    ]);
    parts.body.replaceChildren(...[
      h("table", { class: "wb-table" }, h("thead", {}, h("tr", {}, heads.map(([name, css]) => h("th", { scope: "col", class: css }, name)))), h("tbody", {}, lines)),
      shown.length ? null : h("p", { class: "wb-empty" }, "No rule matches this filter."),
      found.length > shown.length ? h("button", { class: "wb-link", onclick: () => { view.most += RULES_AT_ONCE; table(); } }, `Show ${Math.min(RULES_AT_ONCE, found.length - shown.length)} more`) : null,
    ].filter(Boolean));
  };

  const acts = () => {
    const { state } = view;
    const open = state.rows.filter((r) => r.state === "proposed").map((r) => r.key);
    parts.acts.replaceChildren(...[
      state.decide ? h("button", { disabled: !open.length, onclick: () => send({ name: "accept", keys: open }) }, `Accept all that is proposed (${open.length})`) : null,
      state.can_check ? h("button", { onclick: () => send({ name: "check" }) }, "Check the data") : null,
      state.file ? h("button", { class: "wb-primary", disabled: !state.unsaved, onclick: () => send({ name: "save" }) }, `Save ${state.file}`) : null,
      state.unsaved ? h("span", { class: "wb-muted" }, "decisions are not saved yet") : null,
      state.decide ? h("span", { class: "wb-muted" }, "Keys on a row: ↑ ↓ move · a accept · r reject · u undo · e edit") : null,
    ].filter(Boolean));
  };

  const none = h("div", { class: "wb-empty" }, h("p", {}, "No contract yet: rules that the data is held to, each with what it rests on. What the reference keeps (without one: this data) can be proposed; you decide on each rule."),
    h("button", { onclick: (e) => { e.target.disabled = true; propose(); } }, "Propose rules"));

  const fill = (state) => {
    for (const part of root.children) part.hidden = (part === none) === Boolean(state);
    none.querySelector("button").disabled = false;
    if (!state) return;
    const held = root.getRootNode().activeElement;
    const inside = held && parts.body.contains(held) ? { act: held.dataset.act, key: held.closest("tr").dataset.key } : null;
    view.state = state;
    if (view.sent && !state.problem) view.editing = null;
    view.sent = false;
    parts.head.replaceChildren(h("h3", {}, state.title), h("p", { class: "wb-muted" }, state.sentence));
    parts.message.className = state.message ? state.problem ? "wb-message wb-error" : "wb-told" : "";
    parts.message.textContent = state.message ? inOrder(`${state.problem ? "✕ " : ""}${state.message}`) : "";
    show.replaceChildren(...[["", "every rule"], ["proposed", "proposed"], ["accepted", "accepted"], ["rejected", "rejected"], ["broken", "broken or cannot tell"]].map(([value, word]) => h("option", { value, selected: value === view.show }, word)));
    acts();
    table();
    if (!inside) return;
    const row = rowOf(view.at);
    const again = view.editing ? parts.body.querySelector(".wb-fields") : inside.act && row ? row.querySelector(`[data-act="${inside.act}"]`) || row : row;
    if (again) again.focus();
  };

  root.append(none);
  return { root, fill };
};
