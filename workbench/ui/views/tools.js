// What leaves the screen: the notebook; and the log of the run.
import { h } from "./parts.js";

export const toolsPart = ({ model, act }) => {
  const root = h("section", { "aria-label": "Export and log" });
  const log = () => {
    const place = root.querySelector(".wb-log");
    if (place) place.textContent = model.get("log").text || "Nothing was printed.";
  };
  const fill = (state) => {
    if (!state.can_run) return root.replaceChildren();
    const name = h("input", { type: "text", value: "audit.ipynb", "aria-label": "Notebook to write" });
    root.replaceChildren(h("div", { class: "wb-row" }, name, h("button", { onclick: () => act("export", name.value) }, "Export notebook")),
      h("details", { ontoggle: (e) => e.target.open && act("log") }, h("summary", {}, "Log of the run"), h("pre", { class: "wb-log wb-scroll", tabindex: 0 })));
  };
  return { root, fill, log };
};

// A file that Python made is handed to the browser.
export const saveFile = (file) => {
  if (!file.data) return;
  const bytes = Uint8Array.from(atob(file.data), (c) => c.charCodeAt(0));
  const link = h("a", { href: URL.createObjectURL(new Blob([bytes], { type: file.media_type })), download: file.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
