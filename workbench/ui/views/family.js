// A page of one subject: its explorer, then its findings, the leading one first and open.
import { findingsPart } from "./finding.js";
import { h } from "./parts.js";

export const FAMILIES = {
  Data: { of: ["quality", "leakage", "privacy"], first: ["quality.profile"] },
  Performance: { of: ["performance", "optimize"], first: ["performance.multiclass", "performance.regression"] },
  Bias: { of: ["bias"], first: ["bias.class_rates", "bias.error_parity"] },
  Explanations: { of: ["explain"], first: [] },
};

export const familyPage = (screen, name, ...above) => {
  const { of, first } = FAMILIES[name];
  const leading = (rows) => first.filter((check) => rows.some((f) => f.check === check)).slice(0, 1);
  const mine = (check) => of.includes(check.split(".")[0]);
  const found = findingsPart(screen, "Findings", mine, leading);
  const root = h("div", {}, above.map((part) => part.root), found.root);
  // What explains a model can be asked for although nothing of it was found yet.
  const offered = (state) => (state.requests || []).some((c) => mine(c.id));
  return {
    root,
    there: (state) => Boolean(state.overview && (offered(state) || state.overview.findings.some((f) => mine(f.check)))),
    draw: found.draw,
    fill: (state) => [...above, found].forEach((part) => part.fill(state)),
    shown: () => [...above, found].forEach((part) => part.shown && part.shown()),
  };
};
