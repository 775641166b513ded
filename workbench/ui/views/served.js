// The app only: whether the server behind the page still answers. Bokeh tells the page's document.
import { h } from "./parts.js";

const BANNER = "The server behind this page has ended or cannot be reached. What is shown stays readable; reload to go on.";
const A_MOMENT = 300; // a page that is being left loses its server too, and is gone before this

// Calls `told` with true when the connection is lost, with false when it is there again.
export const whenServerEnds = (model, told) => {
  model.document.on_event("connection_lost", () => setTimeout(() => told(true), A_MOMENT));
  model.document.on_event("client_reconnected", () => told(false));
};

export const servedPart = (model) => {
  const root = h("div", { class: "wb-served", role: "status" });
  whenServerEnds(model, (lost) => root.replaceChildren(...(lost ? [
    h("div", { class: "wb" }, h("div", { class: "wb-message wb-warn wb-row wb-spread" }, h("span", {}, h("span", { "aria-hidden": "true" }, "▲ "), BANNER), h("button", { onclick: () => location.reload() }, "Reload")))] : [])));
  return root;
};
