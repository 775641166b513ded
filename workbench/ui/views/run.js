// The run: which checks, Run and Cancel, how far it is, what has ended already, what went wrong.
import { whenKernelEnds } from "./alive.js";
import { failurePart } from "./failure.js";
import { counted, h } from "./parts.js";

const LOOKS = { error: ["error", "✕ "], note: ["note", "· "] };

export const runPart = (screen) => {
  const { model, act } = screen;
  const live = h("div", { class: "wb-live", role: "status", "aria-live": "polite" });
  const stale = h("div", { role: "status" });
  const ended = h("section");
  const choice = h("section");
  const checks = h("section");
  let early = null;
  let gone = false;
  let judged = false;

  const box = (c, busy) =>
    h("label", { class: "wb-check" },
      h("input", { type: "checkbox", value: c.id, checked: c.chosen, disabled: busy, onchange: () => act("choose", [...checks.querySelectorAll("input:checked")].map((i) => i.value)) }),
      ` ${c.title} `, h("span", { class: "wb-muted" }, c.code));

  const fill = (state) => {
    if (!state.can_run) return;
    const busy = state.phase === "running" || gone;
    const chosen = state.checks.filter((c) => c.chosen).length;
    const list = checks.querySelector("details");
    // Open before the first result; from then on as the reader left it.
    const open = list && judged === Boolean(state.overview) ? list.open : !state.overview;
    judged = Boolean(state.overview);
    checks.replaceChildren(
      h("details", { open }, h("summary", {}, `Checks (${chosen} of ${state.checks.length} chosen)`), h("div", { class: "wb-checks" }, state.checks.map((c) => box(c, busy)))));
    choice.replaceChildren(
      h("div", { class: "wb-row" },
        h("button", { class: "wb-primary", disabled: busy, onclick: () => act("run") }, state.partial ? "Run the rest" : state.overview ? "Run again" : "Run"),
        h("button", { disabled: !busy || gone, onclick: () => act("cancel") }, "Cancel"),
        !busy && state.resumable ? h("button", { onclick: () => act("resume") }, "Take up the run that did not end") : null));
  };

  // What has ended can be opened while the rest runs.
  const soFar = (found, of) => {
    if (!found.length) return ended.replaceChildren();
    const shown = ended.querySelector("details");
    const chosen = found.some((f) => f.check === early) ? early : null;
    const button = (f) => h("button", { "aria-pressed": String(f.check === chosen), onclick: () => { early = f.check; screen.ask(f.check, true); } }, `${f.shape} ${f.check}`);
    ended.replaceChildren(h("details", { open: Boolean(shown && shown.open) }, h("summary", {}, `Available already (${of > found.length ? `the last ${found.length} of ${counted(of)}` : found.length})`),
      h("div", { class: "wb-row" }, found.map(button)),
      chosen ? screen.detail(chosen) : null));
    screen.painted();
  };

  const said = (message) => {
    if (!message || !message.text) return [];
    if (message.failed) return [failurePart(message.failed)];
    const [look, mark] = LOOKS[message.kind] || ["pass", "● "];
    return [h("p", { class: `wb-message wb-${look}` }, mark, message.text)];
  };

  const progress = () => {
    const state = model.get("state");
    const p = { ...state.progress, ...model.get("progress") };
    const busy = state.phase === "running";
    const names = state.stale || [];
    soFar(busy ? p.ended || [] : [], p.found || 0);
    stale.replaceChildren(...(names.length ? [h("p", { class: "wb-message wb-warn" }, `▲ Stale: ${names.join(", ")} ${names.length > 1 ? "hold" : "holds"} something else now. This screen is of what was there before: make the audit again.`)] : []));
    if (gone) return live.replaceChildren(h("p", { class: "wb-message wb-warn" }, `▲ The kernel behind this screen has ended. ${busy ? `The run ended with it at ${p.step || 0} of ${p.steps || 1}; what it had finished is kept: run the cell again and take it up.` : "What is shown stays readable; run the cell again to go on."}`));
    if (!busy) return live.replaceChildren(...said(state.message));
    const left = p.left ? `, about ${Math.max(1, Math.round(p.left))} s left` : "";
    live.replaceChildren(
      h("p", { class: "wb-progress" }, h("progress", { max: p.steps || 1, value: p.step || 0, "aria-label": "Progress" }), ` ${p.label || "starting"} · ${p.step || 0} / ${p.steps || 1}${left}`));
  };

  const close = whenKernelEnds(model, () => { gone = true; screen.root.classList.add("wb-gone"); fill(model.get("state")); progress(); });
  return { live, stale, ended, choice, checks, fill, progress, close };
};
