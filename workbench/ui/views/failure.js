// What stands where an answer could not be made: what, why, what next, an id to copy; and copying.
import { h } from "./parts.js";

export const copyText = async (text, button, root) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // pages that are not served securely have no clipboard: an older way
    const area = h("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    root.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "copied";
};

export const failurePart = (f, again) => {
  const retry = again && h("button", { onclick: () => { retry.disabled = true; retry.textContent = "Trying again …"; again(); } }, "Try again");
  const box = h("div", { class: "wb-message wb-failed", role: "alert" },
    h("p", { class: "wb-error" }, h("strong", {}, h("span", { "aria-hidden": "true" }, "✕ "), f.what)), h("p", {}, f.why), h("p", {}, f.next),
    h("div", { class: "wb-row" }, retry, h("button", { onclick: (e) => copyText(f.copy, e.target, box) }, "Copy id"), h("code", {}, f.id)));
  return box;
};
