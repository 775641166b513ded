// What the model rests on: features in order on one axis, and how the answer moves with each.
import { failurePart } from "./failure.js";
import { drawing, h, opening, scrolled } from "./parts.js";
import { asTable, axisHead, onRequest, track } from "./forest.js";

const AT_FIRST = 4;

export const explainedPart = (screen) => {
  const { model, act } = screen;
  const place = h("div");
  const root = h("section", { "aria-label": "What the model rests on" }, place);
  const view = { page: null, state: null, chosen: new Set() };

  const ranking = (r) => {
    const rules = [{ at: 0, kind: "overall", label: "no effect" }];
    const heads = [["Feature"], [axisHead(r.scale, rules), "wb-line-cell"], ["Value [interval]", "wb-number"], ...(r.compared ? [["On the reference", "wb-number"], ["Change [interval]", "wb-number"]] : []), ["n", "wb-number"]];
    return h("section", { "aria-label": r.title }, h("h3", {}, r.title), h("p", {}, r.sentence),
      r.compared ? h("p", { class: "wb-legend wb-muted" }, h("span", {}, h("span", { class: "wb-now", "aria-hidden": "true" }, "●"), " current"), h("span", {}, h("span", { class: "wb-then", "aria-hidden": "true" }, "○"), " reference")) : null,
      h("div", { class: "wb-whole" }, scrolled(`${r.title}, feature by feature`, h("table", { class: "wb-table wb-forest-table" },
        h("thead", {}, h("tr", {}, heads.map(([t, c]) => h("th", { scope: "col", class: c || "" }, t)))),
        h("tbody", {}, r.rows.map((f) => h("tr", {}, h("th", { scope: "row" }, f.name),
          h("td", { class: "wb-line-cell" }, track(r.scale, f, { rules, was: f.was === null ? null : { value: f.was, low: null, high: null } })),
          h("td", { class: "wb-number" }, h("strong", {}, f.shown)),
          r.compared ? [h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, "reference "), f.was_shown), h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, "change "), f.change)] : null,
          h("td", { class: "wb-number" }, h("span", { class: "wb-label" }, "n "), f.n_shown))))))),
      h("p", { class: "wb-muted" }, [r.showing, ...r.notes, r.method ? `Interval: ${r.method}` : ""].filter(Boolean).join(". ")));
  };

  const effects = (e) => {
    const charts = h("div", { class: "wb-charts" });
    const draw = () => {
      charts.replaceChildren(...e.charts.filter((c) => view.chosen.has(c.feature)).map((c) => h("figure", {}, h("figcaption", {}, h("strong", {}, c.title), c.range ? ` · range ${c.range}` : "", h("br"), c.sentence), drawing(c), asTable(c.table, c.title))));
      screen.painted();
    };
    const toggle = (feature, on) => {
      if (on) view.chosen.add(feature);
      else view.chosen.delete(feature);
      draw();
    };
    const box = (c) => h("label", { class: "wb-chip" }, h("input", { type: "checkbox", value: c.feature, checked: view.chosen.has(c.feature), onchange: (event) => toggle(c.feature, event.target.checked) }), ` ${c.name}`);
    draw();
    return h("section", { "aria-label": "Effects of features" }, h("h3", {}, "How the answer moves with a feature"),
      h("p", { class: "wb-muted" }, e.notes.join(". ")), h("div", { class: "wb-row", role: "group", "aria-label": "Features" }, e.charts.map(box)), charts);
  };

  const page = () => {
    const got = model.get("explained");
    if (got && got.failed && !view.page) {
      root.removeAttribute("aria-busy");
      return place.replaceChildren(failurePart(got.failed, () => act("look", { explained: true })));
    }
    if (!got || !got.rankings || got === view.page) return;
    view.page = got;
    root.removeAttribute("aria-busy");
    view.chosen = new Set(got.effects ? got.effects.charts.slice(0, AT_FIRST).map((c) => c.feature) : []);
    const none = !got.rankings.length && !got.effects;
    place.replaceChildren(
      ...got.rankings.map(ranking), ...(got.effects ? [effects(got.effects)] : []),
      ...got.unmeasured.map((u) => h("p", { class: "wb-message wb-note" }, `○ ${u.check}: ${u.why}`)),
      ...(got.requests.length ? [h("section", { "aria-label": "On request" }, none ? h("h3", {}, "What the model rests on") : h("h3", {}, "More on request"),
        onRequest(view.state, act, got.requests, none ? "Nothing explains the model yet: which features its performance rests on, how its answer moves with each, and Shapley values." : "These were not asked for yet."))] : []));
  };
  const fill = (state) => {
    view.state = state;
    view.page = null;
    root.hidden = !state.overview;
    place.replaceChildren(opening(320));
    root.setAttribute("aria-busy", "true");
  };
  const shown = () => {
    if (!view.state || !view.state.overview || view.page) return;
    if (model.get("explained")?.rankings) page();
    else act("look", { explained: true });
  };
  return { root, fill, shown, page };
};
