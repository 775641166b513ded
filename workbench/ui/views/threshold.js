// The threshold as a slider over the thresholds that the record can answer for. Moving it never changes the audit.
import { h } from "./parts.js";

export const thresholdSlider = (grid, audited, moved) => {
  const at = Math.max(0, grid.findIndex((t) => t.at === audited));
  const out = h("output", {}, grid[at].shown);
  const told = () => {
    out.textContent = grid[range.value].shown;
    range.setAttribute("aria-valuetext", grid[range.value].shown);
    moved(grid[range.value].at);
  };
  const range = h("input", { type: "range", min: 0, max: grid.length - 1, step: 1, value: at, "aria-label": "Threshold", "aria-valuetext": grid[at].shown, oninput: told });
  const root = h("div", { class: "wb-row wb-slider" },
    h("label", {}, "Threshold ", range, " ", out), h("span", { class: "wb-muted" }, `audit's ${grid[at].shown}`),
    h("button", { onclick: () => { range.value = at; told(); } }, "Reset"));
  return { root, at: () => grid[range.value].at };
};
