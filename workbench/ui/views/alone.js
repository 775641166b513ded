// The contract's table by itself, as a widget or a page.
import { h } from "./parts.js";
import { contractPage } from "./contract.js";

function show({ model, el }) {
  let sent = 0;
  const page = contractPage((act) => {
    model.set("act", { ...act, at: `${Date.now()}-${(sent += 1)}` });
    model.save_changes();
  });
  el.replaceChildren(h("div", { class: "wb", "data-lm-suppress-shortcuts": "true" }, page.root));
  const fill = () => page.fill(model.get("state"));
  model.on("change:state", fill);
  fill();
}

export default { render: show };
