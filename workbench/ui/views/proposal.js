// Before a run: what it would do, at about what cost, and what is ruled out by what was not given.
import { keys } from "./finding.js";
import { h } from "./parts.js";

const listed = (name, checks, says) => h("details", { class: "wb-as-table" }, h("summary", {}, name),
  h("ul", { class: "wb-listed" }, checks.map((c) => h("li", {}, `${c.title} `, h("span", { class: "wb-muted" }, [c.code, says(c)].filter(Boolean).join(" · "))))));

const planned = (p, asked = p.families.some((f) => f.predictions)) => h("table", { class: "wb-table wb-proposed" },
  h("caption", {}, "The plan: what is proposed, and about what it takes"),
  h("thead", {}, h("tr", {}, [["Part"], ["Checks", "wb-number"], ["Works on"], ...(asked ? [["Predictions", "wb-number"]] : []), ["Time", "wb-number"]].map(([t, c]) => h("th", { scope: "col", class: c || "" }, t)))),
  h("tbody", {}, p.families.map((f) => h("tr", {},
    h("th", { scope: "row" }, f.checks.length ? listed(f.title, f.checks, (c) => c.work) : f.title),
    h("td", { class: "wb-number" }, f.n), h("td", {}, f.work), asked ? h("td", { class: "wb-number" }, f.predictions || "–") : null, h("td", { class: "wb-number" }, f.time)))));

const ruled = (m) => h("li", {},
  h("p", {}, h("span", { "aria-hidden": "true" }, "○ "), h("strong", {}, m.what), `: ${m.rules_out}.`),
  h("div", { class: "wb-under" }, h("span", { class: "wb-muted" }, "Give ", h("code", {}, m.give)), listed(m.n, m.checks, (c) => c.also)));

export const proposalPart = () => {
  const root = h("section", { "aria-label": "Proposed plan" });
  keys(root);
  let drawn = "";
  const fill = (state) => {
    const now = JSON.stringify(state.proposal || null);
    if (now === drawn) return; // what was opened stays open while messages come
    drawn = now;
    const p = state.proposal;
    root.hidden = !p;
    if (!p) return root.replaceChildren();
    root.replaceChildren(
      planned(p),
      h("details", { class: "wb-help" }, h("summary", {}, "How this is estimated ", h("kbd", {}, "?")), h("p", { class: "wb-muted" }, p.how)),
      ...(p.missing.length ? [h("h3", {}, "Ruled out by what was not given"), h("ul", { class: "wb-ruled" }, p.missing.map(ruled))] : []),
      ...p.others.map((o) => listed(`${o.what} (${o.n})`, o.checks, () => "")));
  };
  return { root, fill };
};
