// The contract's table by itself, as a widget or a page.
import { h, sender } from "./parts.js";
import { contractPage } from "./contract.js";

function show({ model, el }) {
  const send = sender(model);
  const page = contractPage((act) => send("decide", act));
  el.replaceChildren(h("div", { class: "wb", "data-lm-suppress-shortcuts": "true" }, page.root));
  const fill = () => page.fill(model.get("state"));
  model.on("change:state", fill);
  fill();
}

export default { render: show };
