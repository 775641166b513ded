// The head of the screen: the verdict and why, or what would be audited.
import { h, prose, verdict, whisker } from "./parts.js";

const notRun = (a, p) => {
  const roles = (a.roles || []).map((r) => h("li", { class: "wb-chip" }, `${r.role}: ${r.column}`));
  return h("header", { class: "wb-card" },
    h("h2", {}, a.title || "Audit"),
    h("p", {}, ["Not run yet", p ? p.task : "", a.model ? `model ${a.model}` : "no model"].filter(Boolean).join(" · ")),
    p ? h("p", { class: "wb-muted" }, p.sizes.join("; "), a.reference ? "" : "; no reference") : null,
    roles.length ? h("ul", { class: "wb-chips", "aria-label": "Roles" }, roles) : h("p", { class: "wb-muted" }, "No column has a role: name a target, a score or sensitive columns to measure more."),
    p ? h("p", { class: "wb-total" }, h("strong", {}, p.line)) : null);
};

const cause = (r) =>
  h("li", { title: `${r.reason}. ${r.why}` }, verdict(r),
    h("span", { class: "wb-what" }, r.title, r.worst_of > 1 ? h("span", { class: "wb-muted" }, ` worst of ${r.worst_of}`) : null),
    h("span", { class: "wb-value" }, r.shown, r.limit_shown ? h("span", { class: "wb-muted" }, ` limit ${r.limit_shown}`) : null), whisker(r));

const untested = (o) =>
  h("details", {}, h("summary", {}, `What was not tested (${o.untested_total})`),
    o.untested_total > o.untested.length ? h("p", { class: "wb-muted" }, `showing ${o.untested.length} of ${o.untested_total}`) : null,
    o.untested.length ? h("ul", {}, o.untested.map((u) => h("li", {}, prose(`${u.what}: ${u.why}`)))) : h("p", {}, "Everything in the plan was tested."));

const judged = (o, partial) =>
  h("header", { class: `wb-card wb-head wb-edge-${o.outcome}` },
    h("h2", {}, verdict(o), " ", h("span", { class: "wb-title" }, o.title)),
    h("p", { class: "wb-muted wb-spread" }, h("span", {}, o.data), h("span", { title: o.digest }, "digest ", h("code", {}, o.short_digest), " · not signed")),
    partial ? h("p", { class: "wb-message wb-warn" }, "▲ Cancelled: this is a partial result, labelled incomplete.") : null,
    h("p", {}, h("strong", {}, o.line)),
    h("ul", { class: "wb-causes" }, o.causes.filter((c) => c.outcome !== "not_applicable").map(cause)),
    untested(o));

export const headPart = () => {
  const root = h("section");
  return { root, fill: (state) => root.replaceChildren(state.overview ? judged(state.overview, state.partial) : notRun(state.about, state.proposal)) };
};
