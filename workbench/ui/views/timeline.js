// One measure over the windows. Every number and every word comes with `data`; here they only get their place. Each
// window is a button: arrow keys move along time, Enter opens the window.
import { h, s, scrolled, table } from "./parts.js";

const MARKS = {
  fail: (x, y) => s("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "wb-mark-fail" }),
  warn: (x, y) => s("path", { d: `M${x} ${y - 6}L${x + 6} ${y + 5}H${x - 6}Z`, class: "wb-mark-warn" }),
  cannot_tell: (x, y) => s("path", { d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z`, class: "wb-mark-cannot_tell" }),
};
const dot = (line, p, x, y) => s("circle", { cx: x, cy: y, r: p.short ? 3.5 : 2.8, class: `wb-at-${line.name}${p.short ? " wb-hollow" : ""}` });

const legend = (data) => {
  const sample = (name, draw) => h("span", { class: "wb-sample" }, Object.assign(s("svg", { viewBox: "0 0 24 12", width: 24, height: 12, "aria-hidden": "true" }, ...draw)), ` ${name}`);
  const stroke = (name) => [s("path", { d: "M0 6H24", class: `wb-line-${name}` })];
  const found = data.lines.map((line) => sample(line.said, stroke(line.name)));
  if (data.limits.length) found.push(sample("limit", [s("path", { d: "M0 6H24", class: "wb-limits" })]));
  const outcomes = new Set(data.lines.flatMap((line) => line.points.map((p) => p.outcome)));
  for (const [key, words] of [["fail", "fail"], ["warn", "warn"], ["cannot_tell", "cannot tell"]]) {
    if (outcomes.has(key)) found.push(sample(words, [MARKS[key](12, 6)]));
  }
  if (data.short) found.push(sample("short window", [s("circle", { cx: 12, cy: 6, r: 3.5, class: "wb-at-current wb-hollow" })]));
  return h("div", { class: "wb-legend wb-muted" }, found);
};

// Runs of neighbours: a window without a value parts a line.
const runs = (points) => points.reduce((found, p) => {
  const last = found.at(-1);
  if (last && last.at(-1).at + 1 === p.at) last.push(p);
  else found.push([p]);
  return found;
}, []);

const draw = (data, width, at, opened, { onopen, onlook }) => {
  const size = { w: Math.max(260, width), h: width < 520 ? Math.round(Math.max(260, width) * 0.7) : 260 };
  const room = { left: 60, right: 10, top: 10, bottom: 28 };
  const step = (size.w - room.left - room.right) / (data.windows.length || 1);
  const x = (i) => room.left + (i + 0.5) * step;
  const y = (v) => size.h - room.bottom - ((size.h - room.top - room.bottom) * (v - data.low)) / (data.high - data.low || 1);
  const svg = s("svg", { viewBox: `0 0 ${size.w} ${size.h}`, width: size.w, height: size.h, class: "wb-timeline", role: "group", "aria-label": `${data.title} over ${data.windows.length} windows: arrow keys move, Enter opens` });
  for (const t of data.ticks) {
    svg.append(s("line", { x1: room.left, x2: size.w - room.right, y1: y(t.at), y2: y(t.at), class: "wb-axis" }), s("text", { x: room.left - 8, y: y(t.at) + 4, class: "wb-tick", "text-anchor": "end" }, t.shown));
  }
  const every = Math.ceil(100 / step);
  data.windows.forEach((w, i) => {
    if (i % every === 0) svg.append(s("text", { x: x(i), y: size.h - 8, class: "wb-tick", "text-anchor": i ? "middle" : "start", ...(i ? {} : { dx: -Math.min(step / 2, 40) }) }, w.axis));
  });
  for (const line of data.lines) {
    for (const run of runs(line.points.filter((p) => p.low !== null && p.high !== null))) {
      const edge = [...run.map((p) => `${x(p.at)},${y(p.high)}`), ...run.toReversed().map((p) => `${x(p.at)},${y(p.low)}`)];
      svg.append(s("polygon", { points: edge.join(" "), class: `wb-band-${line.name}` }));
    }
  }
  for (const key of ["lower", "upper"]) {
    const d = data.limits.filter((l) => l[key] !== null && l[key] !== undefined).map((l) => `M${x(l.at) - step / 2} ${y(l[key])}h${step}`);
    if (d.length) svg.append(s("path", { d: d.join(""), class: "wb-limits" }));
  }
  for (const line of data.lines) {
    for (const run of runs(line.points)) svg.append(s("polyline", { points: run.map((p) => `${x(p.at)},${y(p.value)}`).join(" "), class: `wb-line-${line.name}` }));
    for (const p of line.points) svg.append((MARKS[p.outcome] || ((a, b) => dot(line, p, a, b)))(x(p.at), y(p.value)));
  }
  data.windows.forEach((w, i) => {
    const area = s("rect", { x: x(i) - step / 2, y: room.top, width: step, height: size.h - room.top - room.bottom });
    const look = () => onlook(i);
    const one = s("g", { role: "button", tabindex: i === at ? 0 : -1, class: "wb-window", "data-window": w.label, "aria-pressed": String(w.label === opened), "aria-label": `${w.words}: ${w.said}` }, area);
    one.addEventListener("click", () => { one.focus(); onopen(w.label); });
    one.addEventListener("pointerenter", look);
    one.addEventListener("focus", look);
    svg.append(one);
  });
  const moves = { ArrowRight: 1, ArrowLeft: -1 };
  svg.addEventListener("keydown", (e) => {
    const all = [...svg.querySelectorAll(".wb-window")];
    const i = all.indexOf(e.target);
    if (i < 0) return;
    const to = e.key === "Home" ? 0 : e.key === "End" ? all.length - 1 : e.key in moves ? i + moves[e.key] : null;
    if (e.key === "Enter" || e.key === " ") onopen(data.windows[i].label);
    else if (to === null) return;
    else if (all[to]) {
      all.forEach((one, k) => one.setAttribute("tabindex", k === to ? 0 : -1));
      all[to].focus();
    }
    e.preventDefault();
    e.stopPropagation();
  });
  return svg;
};

export const timeline = (onopen) => {
  const root = h("div", { class: "wb-time" });
  const place = h("div", { class: "wb-time-place" });
  const said = h("p", { class: "wb-said" });
  const state = { data: null, opened: null, at: 0, width: 0 };
  const look = (i) => {
    state.at = i;
    const w = state.data.windows[i];
    said.replaceChildren(h("strong", {}, w.words), ` ${w.said}`);
  };
  const redraw = () => {
    if (!state.data || !place.clientWidth) return;
    const held = place.contains(root.getRootNode().activeElement);
    state.width = place.clientWidth;
    place.replaceChildren(draw(state.data, state.width, state.at, state.opened, { onopen, onlook: look }));
    if (held) place.querySelector(".wb-window[tabindex='0']")?.focus();
  };
  const sized = new ResizeObserver(() => { if (place.clientWidth !== state.width) redraw(); });
  sized.observe(place);
  return {
    root,
    close: () => sized.disconnect(),
    open: (label) => {
      state.opened = label;
      for (const one of place.querySelectorAll(".wb-window")) one.setAttribute("aria-pressed", String(one.dataset.window === label));
    },
    show: (data) => {
      const before = state.data && state.data.windows[state.at];
      const bad = data.windows.findIndex((w) => ["fail", "warn"].includes(w.outcome));
      const same = before ? data.windows.findIndex((w) => w.label === before.label) : -1;
      Object.assign(state, { data, at: same >= 0 ? same : Math.max(0, bad) });
      const heads = ["Window", "Line", "Value", "Interval", "Limit", "Rule", "n"];
      const rows = data.windows.flatMap((w) => w.cells.map((cells) => [h("button", { class: "wb-link", onclick: () => onopen(w.label) }, w.words), ...cells]));
      root.replaceChildren(h("p", {}, data.sentence), legend(data), place, said,
        h("details", {}, h("summary", {}, `Table (${rows.length} rows)`), scrolled(`${data.title}, as a table`, table(heads, rows))));
      if (data.windows.length) look(state.at);
      redraw();
    },
  };
};
