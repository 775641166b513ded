// What views are put together from. Text from data goes in by textContent, never as markup.

// JupyterLab's keys are for the notebook. It looks for this mark from the focused element upwards, but only after it has
// matched the element itself: so whatever can have the focus carries it.
const FOCUSABLE = ["BUTTON", "INPUT", "SELECT", "TEXTAREA", "SUMMARY", "A", "IFRAME"];
const ownKeys = (node, attributes) => {
  if (FOCUSABLE.includes(node.tagName) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
};

// Words that run from right to left are isolated, so that numbers and words around them keep their places; a letter that
// only turns the direction is shown by its number. Text that Python isolated comes out the same. Code and what is typed
// stay as they are: they are copied.
const RIGHT = "[\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}]";
const RIGHT_WORDS = `${RIGHT}+(?:[\\s_\\-'\\u2019.\\u200c\\u200d]{1,3}${RIGHT}+)*`;
const TO_ISOLATE = new RegExp(RIGHT_WORDS, "gu");
const ISOLATED = new RegExp(`\\u2068(${RIGHT_WORDS})\\u2069`, "gu");
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LATIN = /^[\0-\u058f\u2010-\u2027\u202f-\u2065\u2070-\ud7ff]*$/;
const AS_IT_IS = ["PRE", "CODE", "TEXTAREA"];
export const inOrder = (text) => {
  if (LATIN.test(text)) return text;
  const bare = text.replace(ISOLATED, "$1").replace(TURNING, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return bare.replace(TO_ISOLATE, "\u2068$&\u2069");
};

// A number of things, as LOOK has it: thousands apart by a thin space.
export const counted = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

export const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  ownKeys(node, attributes);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child instanceof Node ? child : AS_IT_IS.includes(node.tagName) ? String(child) : inOrder(String(child)));
  }
  return node;
};

export const s = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  ownKeys(node, attributes);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.map((child) => (child instanceof Node ? child : inOrder(String(child)))));
  return node;
};

export const verdict = (row) => h("span", { class: `wb-verdict wb-${row.outcome}` }, h("span", { "aria-hidden": "true" }, row.shape), ` ${row.word}`);

// A value on a line with its interval, and the limit as a rule.
export const whisker = (row) => {
  const known = [row.value, row.low, row.high, row.limit].filter((v) => v !== null && v !== undefined);
  const svg = s("svg", { viewBox: "0 0 120 16", class: "wb-whisker", "aria-hidden": "true" });
  if (row.value === null || known.length < 2) return svg;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const x = (v) => 6 + (108 * (v - least)) / (most - least || 1);
  svg.append(s("line", { x1: 2, x2: 118, y1: 8, y2: 8, class: "wb-axis" }));
  if (row.low !== null && row.high !== null) svg.append(s("line", { x1: x(row.low), x2: x(row.high), y1: 8, y2: 8, class: "wb-range" }));
  if (row.limit !== null) svg.append(s("line", { x1: x(row.limit), x2: x(row.limit), y1: 2, y2: 14, class: "wb-limit" }));
  svg.append(s("circle", { cx: x(row.value), cy: 8, r: 3, class: "wb-dot" }));
  return svg;
};

// A head without words heads nothing: it is an empty cell.
export const headCell = (t, css = "") => t ? h("th", { scope: "col", class: css }, t) : h("td", { class: css });

// A value and its interval part only between the two.
export const valued = (shown) => {
  const at = String(shown).indexOf(" [");
  return at < 0 ? shown : h("span", {}, shown.slice(0, at + 1), h("span", { class: "wb-only" }, shown.slice(at + 1)));
};

// A sentence: intervals and counts stay in one piece, what stands between backticks is shown as code.
const KEPT = /(`[^`\n]{1,80}`|\[[^[\]]{1,40}\]|\bn = [\d\u202f]+)/;
export const prose = (text) => String(text).split(KEPT).map((part, i) => i % 2 ? h("span", { class: part[0] === "`" ? "wb-code" : "wb-kept" }, part[0] === "`" ? part.slice(1, -1) : part) : part);

// What is wider or higher than its place scrolls inside it, by keyboard too.
export const scrolled = (name, ...inside) => h("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": name }, ...inside);

// What stands where Python's answer will be: as high as the answer, so that nothing jumps when it comes.
export const opening = (height = 0) => h("p", { class: "wb-opening wb-muted", role: "status", style: height ? `min-height:${height}px` : "" }, h("span", { class: "wb-comes" }, "Opening …"), h("span", { class: "wb-comes-not" }, "Not opened: the connection ended first."));

export const table = (heads, rows, caption) =>
  h("table", { class: "wb-table" },
    caption ? h("caption", {}, caption) : null,
    h("thead", {}, h("tr", {}, heads.map((t) => headCell(t)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))));

// A table that on a narrow screen is a card a row: there each value has its column's head before it.
export const stacked = (heads, rows, css = "") =>
  h("table", { class: `wb-table wb-stack ${css}` },
    h("thead", {}, h("tr", {}, heads.map((t) => headCell(t)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", {}, i && cell && heads[i] ? h("span", { class: "wb-label" }, `${heads[i][0].toLowerCase()}${heads[i].slice(1)} `) : null, cell))))));

// A table whose rows can be clicked to see only the rows behind them, where `narrow` says which those are.
const conditionWords = (c) => [c.column, c.operator === "==" ? null : c.operator, c.value].filter((part) => part !== null && part !== undefined).join(" ");
export const rowsTable = (t, only) => {
  const buttons = (t.narrow || []).map((rows) => rows && only(rows, rows.map(conditionWords).join(", "), "Only rows where"));
  if (!buttons.some(Boolean)) return table(t.columns, t.rows);
  return table([...t.columns, ""], t.rows.map((row, i) => [...row, buttons[i] || ""]));
};

// Drawings follow the system's theme by themselves; a host may have a theme of its own, and then it decides.
const BY_SYSTEM = "@media screen and (prefers-color-scheme:dark)";
export const themed = (uri, dark) => {
  const start = uri.indexOf(",") + 1;
  return uri.slice(0, start) + btoa(atob(uri.slice(start)).replaceAll(BY_SYSTEM, dark ? "@media all" : "@media not all"));
};
export const isDark = (node) => {
  const [r, g, b] = (getComputedStyle(node).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  return 0.3 * r + 0.59 * g + 0.11 * b > 128;
};
const SIZE = /<svg[^>]*? width="([\d.]+)"[^>]*? height="([\d.]+)"/;
export const drawing = (c) => {
  const [, width, height] = SIZE.exec(atob(c.uri.slice(c.uri.indexOf(",") + 1)).slice(0, 1000)) || [];
  return Object.assign(h("img", { class: "wb-drawing", alt: c.sentence, width, height }), { uri: c.uri });
};

export const swatches = () => h("span", { class: "wb-legend wb-muted" }, h("span", {}, h("span", { class: "wb-now", "aria-hidden": "true" }, "■"), " current"), h("span", {}, h("span", { class: "wb-then", "aria-hidden": "true" }, "□"), " reference"));

// A row of tabs; arrow keys move between them, as people who use the keyboard expect.
export const tabs = (label, names, chosen, onchoose) => {
  const list = h("div", { role: "tablist", class: "wb-tabs", "aria-label": label });
  const choose = (name, focus) => {
    for (const tab of list.children) {
      const on = tab.dataset.name === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    }
    onchoose(name);
  };
  const moves = { ArrowRight: 1, ArrowLeft: -1 };
  list.append(...names.map((name) => h("button", { role: "tab", "data-name": name, "aria-selected": String(name === chosen), tabindex: name === chosen ? 0 : -1, onclick: () => choose(name, true) }, name)));
  list.addEventListener("keydown", (e) => {
    const at = names.indexOf(e.target.dataset.name);
    const to = e.key === "Home" ? 0 : e.key === "End" ? names.length - 1 : e.key in moves ? (at + moves[e.key] + names.length) % names.length : null;
    if (at < 0 || to === null) return;
    e.preventDefault();
    choose(names[to], true);
  });
  return Object.assign(list, { choose });
};

// Arrow keys move between the buttons of a list, as people who use the keyboard expect.
export const arrows = (list, selector) => list.addEventListener("keydown", (e) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  const all = [...list.querySelectorAll(selector)];
  const at = all.indexOf(e.target.closest(selector));
  if (!step || at < 0 || !all[at + step]) return;
  e.preventDefault();
  all[at + step].focus();
});

// A host may merge what is set before Python has read it: so each message holds the last acts, numbered, and none is lost.
// Of moves of a slider only the last matters.
const ACTS_AT_ONCE = 20;
const ONLY_THE_LAST = ["threshold", "costs", "look"];
export const sender = (model) => {
  const from = Math.random().toString(36).slice(2);
  let acts = [];
  let sent = 0;
  return (name, value = null) => {
    acts = [...acts.filter((a) => a.name !== name || !ONLY_THE_LAST.includes(name)), { n: (sent += 1), name, value }].slice(-ACTS_AT_ONCE);
    model.set("act", { from, acts });
    model.save_changes();
  };
};

// The element in `root` that has the focus; a shadow root has its own.
export const focusIn = (root) => {
  const at = root.getRootNode().activeElement;
  return at && root.contains(at) ? at : null;
};

// Draws anew what may hold the focus, and gives it back to what is there in its place: the same name, else the next in line.
const nameOf = (node) => `${node.tagName} ${node.getAttribute("aria-label") || node.dataset.name || (node.tagName === "BUTTON" || node.tagName === "SUMMARY" ? node.textContent : node.value || "")}`;
const typing = (node) => node.tagName === "TEXTAREA" || (node.tagName === "INPUT" && ["text", "search"].includes(node.type));
const REACHED = "button:not(:disabled), summary, input:not(:disabled), select:not(:disabled), textarea, [tabindex='0']";
export const redrawn = (root, draw) => {
  const held = focusIn(root);
  const all = held ? [...root.querySelectorAll(REACHED)] : [];
  const [name, at] = [held && nameOf(held), all.indexOf(held)];
  draw();
  if (!held || focusIn(root)) return;
  const now = [...root.querySelectorAll(REACHED)];
  const found = now.find((node) => nameOf(node) === name) || now[Math.min(at, now.length - 1)];
  if (!found) return;
  found.focus({ preventScroll: true });
  if (!typing(held) || nameOf(found) !== name || held.value === held.defaultValue) return;
  found.value = held.value; // half a word: what Python said meanwhile must not take it away
  found.setSelectionRange(held.selectionStart, held.selectionEnd);
};

// Rows that came packed: base64 of zlib of JSON, by columns.
export const unpacked = async (text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const columns = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  const names = Object.keys(columns);
  return columns[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
};
