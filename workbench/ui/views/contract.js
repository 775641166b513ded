// A contract's rules, for a person to decide on. Every word comes with `state`; a decision goes back as an act.
import { h, table } from "./parts.js";

const ACTS = [["accept", "Accept", "accepted"], ["reject", "Reject", "rejected"], ["propose", "Undo", "proposed"]];

const field = (row, send) => {
  const input = h("input", { type: "text", value: row.fields, "aria-label": `Fields of ${row.key}`, class: "wb-fields" });
  const save = () => { if (input.value !== row.fields) send({ name: "edit", key: row.key, text: input.value }); };
  input.addEventListener("keydown", (e) => { if (e.key === "Enter") save(); });
  return h("div", { class: "wb-row" }, input, h("button", { onclick: save, "aria-label": `Save ${row.key}` }, "Save"));
};

const acts = (row, send) => h("div", { class: "wb-row" }, ACTS.filter(([, , state]) => state !== row.state).map(([name, word]) =>
  h("button", { onclick: () => send({ name, keys: [row.key] }), "aria-label": `${word} ${row.key}`, "data-key": row.key, "data-act": name }, word)));

export const contractTable = (state, send) => {
  const rows = state.rows.map((row) => [
    h("strong", {}, row.key), row.words, row.seen,
    h("span", { class: `wb-state wb-state-${row.state}` }, row.state),
    acts(row, send),
    row.fields === null ? "" : h("details", {}, h("summary", {}, "Edit"), field(row, send)),
  ]);
  return h("div", { class: "wb wb-contract" },
    h("h2", {}, state.title), h("p", { class: "wb-muted" }, state.sentence),
    h("div", { class: "wb-row" }, h("button", { class: "wb-primary", disabled: !state.open, onclick: () => send({ name: "accept", keys: state.rows.filter((r) => r.state === "proposed").map((r) => r.key) }) }, `Accept all proposed (${state.open})`)),
    h("p", { role: "status", class: state.message ? "wb-message wb-fail" : "" }, state.message),
    h("div", { class: "wb-scroll" }, table(["Rule", "Asks that it", "What it rests on", "State", "Decide", "Edit"], rows)));
};

const render = ({ model, el }) => {
  const send = (act) => { model.set("act", { ...act, at: Date.now() }); model.save_changes(); };
  const draw = () => {
    const held = el.getRootNode().activeElement;
    const [key, act] = held ? [held.dataset?.key, held.dataset?.act] : [];
    el.replaceChildren(contractTable(model.get("state"), send));
    if (key) [...el.querySelectorAll("button")].find((b) => b.dataset.key === key && (b.dataset.act === act || b.dataset.act === "propose"))?.focus();
  };
  model.on("change:state", draw);
  draw();
};
export default { render };
