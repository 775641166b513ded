// Rounds of steps; a step is one interaction. Rounds differ in the finding, the column and the rows they look at.
async ([wanted, from]) => {
  const view = document.querySelector(".jp-OutputArea .wb");
  const frame = () => new Promise((done) => { setTimeout(done, 0); });
  let made = 0, at = "";
  const until = async (ready) => {
    const end = performance.now() + 60000;
    while (!ready()) {
      if (performance.now() > end) throw new Error(`${at}: it did not come, after ${made} interactions`);
      await new Promise((done) => { setTimeout(done, 5); });
    }
  };
  const one = (selector, inside = view) => [...inside.querySelectorAll(selector)].find((n) => n.getClientRects().length);
  const named = (name, selector = "button") => [...view.querySelectorAll(selector)].find((n) => (n.getAttribute("aria-label") || n.textContent).trim() === name && n.getClientRects().length);
  const step = async (name, does, ready) => {
    at = name;
    await does();
    made += 1;
    await (ready ? until(ready) : frame());
  };
  const press = (name, find, ready) => step(name, async () => { await until(() => find() && !find().disabled); find().focus(); find().click(); }, ready);
  const set = (name, find, value, event = "input", ready = null) => step(name, async () => { await until(find); find().value = value; find().dispatchEvent(new Event(event, { bubbles: true })); }, ready);
  const key = (name, find, pressed) => step(name, async () => { await until(find); find().dispatchEvent(new KeyboardEvent("keydown", { key: pressed, bubbles: true, cancelable: true })); });
  const tab = (name, ready) => press(`tab ${name}`, () => [...view.querySelectorAll("[role=tab]")].find((t) => t.dataset.name === name), ready);
  const idle = () => one(".wb-head") && !view.querySelector(".wb-live progress");
  const edits = (name) => named(name, "[aria-label=Edits] button");

  for (let round = from; made < wanted; round += 1) {
    await tab("Overview", () => named("Filter rules", "input"));
    const rules = () => named("Filter rules", "input");
    await set("search", rules, "rate");
    await set("search", rules, "no such rule");
    await set("search", rules, "");
    for (const by of [2, 3, 1]) await press("sort", () => view.querySelectorAll(".wb-board .wb-sort")[by - 1]);
    const outcome = () => named("Outcome", "select");
    if (outcome() && outcome().options.length > 1) await set("outcome", outcome, outcome().options[1].value, "change");
    if (outcome()) await set("outcome", outcome, "", "change");
    const lines = () => [...view.querySelectorAll(".wb-finding")].filter((n) => n.getClientRects().length);
    const check = lines()[round % lines().length].dataset.check;
    const line = () => lines().find((n) => n.dataset.check === check);
    await press("open", line, () => one(".wb-open .wb-detail"));
    await key("tables", () => one(".wb-open .wb-finding"), "t");
    await key("help", () => one(".wb-open .wb-finding"), "?");
    await press("close", line, () => !one(".wb-open"));
    await tab("Bias", () => one("input[aria-label=Threshold]") && one(".wb-forest table"));
    const slider = () => one("input[aria-label=Threshold]");
    const most = Number(slider().max);
    for (let i = 1; i <= 7; i += 1) await set("slider", slider, Math.round((most * ((i * 13 + round) % 89)) / 89));
    await set("slider", slider, most >> 1, "input", () => view.querySelector(".wb-forest").textContent.includes(one(".wb-slider output").textContent));
    await tab("Drift", () => one(".wb-change[data-column]"));
    const columns = [...view.querySelectorAll(".wb-change[data-column]")];
    const column = columns[round % columns.length].dataset.column;
    await press("column", () => view.querySelector(`.wb-change[data-column="${column}"]`), () => one(".wb-one h3") && one(".wb-one h3").textContent.startsWith(column));
    await tab("Performance", () => one("input[aria-label=Threshold]") && one(".wb-curves svg"));
    await set("costs", () => named("a false positive costs", "input"), 1 + (round % 5));
    await tab("Compare");
    await tab("Data");
    if (round % 3 === 0) {
      const form = () => [...view.querySelectorAll("details")].find((d) => d.querySelector("select[aria-label=Column]"));
      if (!form().open) await step("form", () => { form().querySelector("summary").click(); });
      await set("value", () => named("Value", "input"), String(-1.5 - (round % 97) / 100));
      await set("how", () => named("Comparison", "select"), ">", "change");
      await press("narrow", () => named("Narrow"), () => !idle());
      at = "run";
      await until(idle);
      await press("take away", () => one("[aria-label^='Take away']"), () => idle() && !one("[aria-label^='Take away']"));
    }
    await press("undo", () => edits("Undo"), () => idle() && !edits("Redo").disabled);
    await press("redo", () => edits("Redo"), () => idle() && edits("Redo").disabled);
  }
  return made;
}
