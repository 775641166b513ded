// The threshold as a slider over the thresholds that the record can answer for. Moving it never changes the audit; its button
// makes the audit at the threshold shown, a step that can be undone.
import { h } from "./parts.js";

export const thresholdSlider = (grid, audited, moved, { act, model }) => {
  const at = Math.max(0, grid.findIndex((t) => t.at === audited));
  const out = h("output", {}, grid[at].shown);
  const told = () => {
    out.textContent = grid[range.value].shown;
    range.setAttribute("aria-valuetext", grid[range.value].shown);
    use.disabled = grid[range.value].at === audited || model.get("state").phase === "running";
    moved(grid[range.value].at);
  };
  const range = h("input", { type: "range", min: 0, max: grid.length - 1, step: 1, value: at, "aria-label": "Threshold", "aria-valuetext": grid[at].shown, oninput: told });
  const use = h("button", { disabled: true, onclick: () => act("cut", grid[range.value].at) }, "Use this threshold");
  const root = h("div", { class: "wb-row wb-slider" },
    h("label", {}, "Threshold ", range, " ", out), h("span", { class: "wb-muted" }, `audit's ${grid[at].shown}`),
    h("button", { onclick: () => { range.value = at; told(); } }, "Reset"), model.get("state").can_run ? use : null);
  return { root, at: () => grid[range.value].at };
};
