// The audit on screen: puts its pages together. One view for the notebook and the app: it only shows what Python says in
// the values of a session (`SHOWN`: `state`, `progress`, `detail`, `rates` and others), and writes
// what the user does to `act`. Text from data goes in by textContent, never as markup.
import { focusIn, h, isDark, redrawn, sender, tabs, themed } from "./parts.js";
import { biasPart } from "./bias.js";
import { boardPart } from "./board.js";
import { comparePage } from "./compare.js";
import { contractPage } from "./contract.js";
import { costsPart } from "./costs.js";
import { driftPage } from "./drift.js";
import { explainedPart } from "./explained.js";
import { FAMILIES, familyPage } from "./family.js";
import { findingDetail, findingsPart } from "./finding.js";
import { headPart } from "./head.js";
import { proposalPart } from "./proposal.js";
import { rowsPart } from "./rows.js";
import { runPart } from "./run.js";
import { setupPage } from "./setup.js";
import { saveFile, toolsPart } from "./tools.js";

// What the parts share: acts, details of findings (asked for once a record), narrowing, painting.
const screenOf = (model, root) => {
  const act = sender(model);
  const details = new Map();
  const asked = new Set();
  const paint = () => {
    for (const image of root.querySelectorAll("img.wb-drawing")) image.src = themed(image.uri, isDark(root));
  };
  const screen = {
    model, root, act, paint,
    place: model.place || { get: () => "", set: () => {} }, // a host with an address keeps there what is looked at
    look: (at) => act("look", at),
    painted: () => requestAnimationFrame(paint),
    ask: (check, anew = false) => {
      if (asked.has(check) && !anew) return;
      asked.add(check);
      act("open", check);
    },
    detail: (check) => findingDetail(details.get(check), check, screen),
    told: (d) => d && d.check && details.set(d.check, d),
    forget: () => { details.clear(); asked.clear(); },
    drafts: new Map(),
    // `rows` are conditions, or a group by its label.
    only: (rows, words, label = "Only the rows of") => rows && model.get("state").can_run ? h("button", { class: "wb-link wb-only", "aria-label": `${label} ${words}`, onclick: () => act("narrow", rows) }, "only these rows") : null,
  };
  return screen;
};

const pagesOf = (screen) => {
  const { model, act } = screen;
  const findings = findingsPart(screen, "Findings", () => true, () => [], "open");
  const board = boardPart(model, findings.open);
  const explorers = { Performance: costsPart(screen), Bias: biasPart(screen), Explanations: explainedPart(screen) };
  const drift = driftPage(screen);
  const contract = contractPage((value) => act("decide", value), () => act("propose"));
  const compared = comparePage({ model, act });
  const overview = {
    root: h("div", {}, board.root, findings.root),
    fill: (state) => { board.fill(state); findings.fill(state); },
    shown: findings.shown, draw: findings.draw, there: () => true,
  };
  const families = Object.fromEntries(Object.keys(FAMILIES).map((name) => [name, familyPage(screen, name, ...(explorers[name] ? [explorers[name]] : []))]));
  const pages = {
    Overview: overview,
    Data: families.Data,
    Contract: { root: contract.root, fill: (state) => contract.fill(state.contract), there: (state) => state.contract || state.can_run },
    Drift: { root: drift.root, fill: (state) => drift.fill(state.drift), shown: drift.shown, there: (state) => state.drift },
    Performance: families.Performance,
    Bias: families.Bias,
    Explanations: families.Explanations,
    Compare: { root: compared.root, fill: compared.fill, there: (state) => state.overview && (state.can_run || (state.earlier || []).length) },
  };
  const { Performance: costs, Bias: bias, Explanations: explained } = explorers;
  const explored = { bias: bias.page, rates: bias.forest, performance: costs.page, costs: costs.moved, explained: explained.page };
  const heard = { ...explored, comparison: compared.show, column: drift.column, series: drift.series, window: drift.window };
  return { pages, heard: { ...heard, board: () => board.fill(model.get("state")) }, close: drift.close };
};

// One page at a time, chosen by tabs; a page that has nothing to show has no tab, and one not looked at is not built.
const pager = (pages, place) => {
  const bar = h("nav", { "aria-label": "Views" });
  const body = h("div");
  const panels = Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, h("div", { role: "tabpanel", "aria-label": name }, page.root)]));
  const stale = new Set();
  let wanted = place.get("page") || "Overview"; // a page that has nothing while a run is on comes back with its end
  let at = wanted;
  let state = null;
  const turn = (name) => {
    at = name;
    place.set("page", name === "Overview" ? "" : name);
    body.replaceChildren(panels[name]);
    if (stale.delete(name)) pages[name].fill(state);
    if (pages[name].shown) pages[name].shown();
  };
  const fill = (now) => {
    state = now;
    for (const name of Object.keys(pages)) stale.add(name);
    const names = Object.keys(pages).filter((name) => pages[name].there(state));
    const there = names.includes(wanted) ? wanted : "Overview";
    const choose = (name) => { wanted = name; turn(name); };
    bar.replaceChildren(...(names.length > 1 && state.overview ? [tabs("Views", names, there, choose)] : []));
    turn(there);
  };
  const again = (name, now) => {
    state = now;
    if (at === name) pages[name].fill(now);
    else stale.add(name);
  };
  return { bar, body, fill, again, here: () => pages[at] };
};

function auditPage({ model, el }) {
  const root = h("div", { class: "wb", "data-lm-suppress-shortcuts": "true" });
  const screen = screenOf(model, root);
  const head = headPart();
  const run = runPart(screen);
  const proposal = proposalPart();
  const rows = rowsPart(screen.act);
  const tools = toolsPart(screen);
  const { pages, heard, close } = pagesOf(screen);
  const views = pager(pages, screen.place);
  root.append(run.stale, head.root, run.live, run.ended, rows.root, run.choice, proposal.root, run.checks, views.bar, views.body, tools.root);
  el.replaceChildren(root);

  let before = null;
  const all = () => redrawn(root, () => {
    const state = model.get("state");
    const now = `${state.overview ? state.overview.digest : ""} ${state.phase} ${state.proposal ? state.proposal.line : ""}`;
    run.fill(state);
    rows.fill(state);
    proposal.fill(state);
    tools.again();
    run.progress();
    if (now === before) { // messages and ticks must not rebuild what the user is working in
      views.again("Contract", state);
      return;
    }
    before = now;
    screen.forget();
    head.fill(state);
    views.fill(state);
    tools.fill(state);
  });
  const draw = () => { if (views.here().draw) views.here().draw(); };
  const hear = {
    ...heard,
    state: all,
    progress: run.progress,
    detail: () => { screen.told(model.get("detail")); draw(); run.progress(); },
    attachment: draw,
    log: tools.log,
    code: tools.code,
    file: () => saveFile(model.get("file")),
  };
  for (const [name, does] of Object.entries(hear)) model.on(`change:${name}`, does);
  all();
  const system = matchMedia("(prefers-color-scheme: dark)");
  const host = new MutationObserver(screen.paint);
  system.addEventListener("change", screen.paint);
  host.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => {
    for (const [name, does] of Object.entries(hear)) model.off(`change:${name}`, does);
    system.removeEventListener("change", screen.paint);
    host.disconnect();
    run.close();
    close();
  };
}

function show({ model, el }) {
  if (!model.get("state").setup) return auditPage({ model, el });
  let end = null;
  const started = () => {
    const held = focusIn(el);
    end = auditPage({ model, el });
    if (held) el.querySelector(".wb-primary").focus();
  };
  setupPage({ model, el, started });
  return () => end && end();
}

export default { render: show };
