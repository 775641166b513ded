"""Two ways to use a screen: by mouse, and by keyboard alone. Both find things by what they are called."""

from __future__ import annotations

from typing import Any

MOST_TABS = 600
"""Steps of the Tab key after which a thing counts as out of reach."""
_WHERE = """node => {
  let at = document.activeElement;
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
  if (at === node) return "here";
  const follows = at && at !== document.body && node.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING;
  return follows ? "before" : "after";
}"""


class Mouse:
    """Clicks."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def press(self, thing: Any) -> None:
        """Press a button, or open what is folded."""
        thing.click()

    def tick(self, box: Any) -> None:
        """Tick a box."""
        box.check()

    def tab(self, view: Any, name: str) -> None:
        """Turn to a page."""
        view.get_by_role("tab", name=name, exact=True).click()

    def choose(self, thing: Any, value: str) -> None:
        """Choose an option by its value."""
        thing.select_option(value)

    def fill(self, thing: Any, text: str) -> None:
        """Type text where other text may be."""
        thing.fill(text)

    def slide(self, thing: Any, steps: int) -> None:
        """Move a slider by some steps to the right."""
        box = thing.bounding_box()
        most, at = int(thing.get_attribute("max")), int(thing.input_value())
        thing.click(position={"x": box["width"] * (at + steps) / most, "y": box["height"] / 2})

    def accept(self, row: Any) -> None:
        """Accept a rule of a contract."""
        row.get_by_role("button", name="Accept").click()


class Keyboard(Mouse):
    """Only keys: a thing that Tab does not reach cannot be used."""

    def reach(self, thing: Any) -> None:
        """Move the focus to a thing by Tab and Shift+Tab."""
        thing.wait_for()
        for _ in range(MOST_TABS):
            where = thing.evaluate(_WHERE)
            if where == "here":
                return
            self.page.keyboard.press("Shift+Tab" if where == "before" else "Tab")
        raise AssertionError(f"{MOST_TABS} steps of Tab do not reach {thing}")

    def press(self, thing: Any) -> None:
        self.reach(thing)
        self.page.keyboard.press("Enter")

    def tick(self, box: Any) -> None:
        self.reach(box)
        self.page.keyboard.press("Space")

    def tab(self, view: Any, name: str) -> None:
        wanted = view.get_by_role("tab", name=name, exact=True)
        self.reach(view.locator("[role=tablist][aria-label=Views] [aria-selected=true]"))
        for _ in range(12):
            if wanted.get_attribute("aria-selected") == "true":
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"the arrow keys do not reach the tab {name}")

    def choose(self, thing: Any, value: str) -> None:
        self.reach(thing)
        for _ in range(60):
            if thing.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
            self.page.wait_for_timeout(400)  # what was chosen is told to Python, which may draw anew
        raise AssertionError(f"the arrow keys do not reach {value}")

    def fill(self, thing: Any, text: str) -> None:
        self.reach(thing)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def slide(self, thing: Any, steps: int) -> None:
        self.reach(thing)
        for _ in range(steps):
            self.page.keyboard.press("ArrowRight")

    def accept(self, row: Any) -> None:
        row.wait_for()
        self.reach(row.page.locator(".wb-rules tr[tabindex='0']").first)
        for _ in range(60):
            if row.evaluate(_WHERE) == "here":
                return self.page.keyboard.press("a")
            self.page.keyboard.press("ArrowDown")
        raise AssertionError("the arrow keys do not reach the rule")
