// What leaves the screen: the notebook with its plan, and the code of the view; and the log of the run.
import { copyText } from "./failure.js";
import { h } from "./parts.js";

// JupyterLab tells a widget of its notebook; other hosts do not.
const cellsOf = (model) => {
  const found = model.widget_manager?.context?.model?.sharedModel;
  return found && typeof found.insertCell === "function" ? found : null;
};
const insertBelow = (cells, root, source) => {
  const at = Number.parseInt(root.closest(".jp-Cell")?.dataset.windowedListIndex, 10);
  const end = cells.cells.length;
  cells.insertCell(at >= 0 && at < end ? at + 1 : end, { cell_type: "code", source });
};

export const toolsPart = ({ model, act }) => {
  const root = h("section", { class: "wb-tools", "aria-label": "Export, code and log" });
  const log = () => {
    const place = root.querySelector(".wb-log");
    if (place) place.textContent = model.get("log").text || "Nothing was printed.";
  };
  const insert = async (text, button, said) => {
    try {
      const cells = cellsOf(model);
      if (!cells) throw new Error("no notebook");
      insertBelow(cells, root, text);
      said.textContent = "Inserted as a cell below.";
    } catch {
      await copyText(text, button, root);
      button.textContent = "Insert as cell";
      said.textContent = "No cell can be inserted here: the code is copied, paste it into one.";
    }
  };
  const code = () => {
    const place = root.querySelector(".wb-code");
    const { text, why } = model.get("code") || {};
    if (!place || (!text && !why)) return;
    const said = h("span", { class: "wb-muted", role: "status" });
    place.replaceChildren(...(why ? [h("p", { class: "wb-message wb-warn" }, `▲ ${why}`)] : [
      h("pre", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": "Code of this view" }, text),
      h("p", { class: "wb-row" }, h("button", { onclick: (e) => insert(text, e.target, said) }, "Insert as cell"), h("button", { onclick: (e) => copyText(text, e.target, root) }, "Copy"), said)]));
  };
  const again = () => { if (root.querySelector(".wb-of-code")?.open) act("code"); };
  const fill = (state) => {
    if (!state.can_run) return root.replaceChildren();
    const name = h("input", { type: "text", value: "audit.ipynb", "aria-label": "Notebook to write" });
    root.replaceChildren(h("div", { class: "wb-row" }, name, h("button", { onclick: () => act("export", name.value) }, "Export notebook"), h("span", { class: "wb-muted" }, "with its plan beside it")),
      h("details", { class: "wb-of-code", ontoggle: (e) => e.target.open && act("code") }, h("summary", {}, "Show code"), h("div", { class: "wb-code" })),
      h("details", { ontoggle: (e) => e.target.open && act("log") }, h("summary", {}, "Log of the run"), h("pre", { class: "wb-log wb-scroll", tabindex: 0, role: "region", "aria-label": "Log of the run" })));
  };
  return { root, fill, log, code, again };
};

// A file that Python made is handed to the browser.
export const saveFile = (file) => {
  if (!file.data) return;
  const bytes = Uint8Array.from(atob(file.data), (c) => c.charCodeAt(0));
  const link = h("a", { href: URL.createObjectURL(new Blob([bytes], { type: file.media_type })), download: file.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
