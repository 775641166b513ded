"""One line of the coverage study, its target, and the lines as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEAST, OVER = 0.93, 0.975
RATE = (0.945, 0.965, 0.91)
"""Of one rate: the mean coverage over p +- 20 % lies between the first two, the least is over the third."""


@dataclass(frozen=True)
class Line:
    """How often an interval held the truth: `times` replicates, 0 where enumeration makes it exact."""

    method: str
    what: str
    sizes: str
    times: int
    share: float
    least: float | None = None
    undefined: int = 0

    @property
    def error(self) -> float:
        """Return the standard error of the share."""
        return float((self.share * (1 - self.share) / self.times) ** 0.5) if self.times else 0.0

    @property
    def answer(self) -> str:
        """Return `met`, `over` (more than asked) or `under`: the share misses the target by over two errors."""
        if self.least is not None:
            inside = RATE[0] <= self.share + 5e-4 and self.least >= RATE[2]
            return "under" if not inside else "over" if self.share > RATE[1] + 5e-4 else "met"
        if self.share + 2 * self.error < LEAST:
            return "under"
        return "over" if self.share > OVER else "met"


def as_table(lines: Iterable[Line]) -> str:
    """Return the lines as a Markdown table."""
    head = (
        "| method | of what | sizes | covered | least | replicates | undefined | |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(_row(line) for line in lines)


def _row(line: Line) -> str:
    times = "exact" if not line.times else f"{line.times:,}"
    least = "" if line.least is None else f"{line.least:.3f}"
    undefined = str(line.undefined or "")
    cells = (line.method, line.what, line.sizes, f"{line.share:.4f}", least, times, undefined, line.answer)
    return "| " + " | ".join(cells) + " |"


def summary(lines: Sequence[Line]) -> str:
    """Return how many lines met the target, the worst of each method, as a Markdown table."""
    found = ["| method | lines | least covered | where | met | over | under |", "|---|---|---|---|---|---|---|"]
    for method in dict.fromkeys(line.method for line in lines):
        own = [line for line in lines if line.method == method]
        worst = min(own, key=lambda line: line.share)
        counts = [str(sum(line.answer == a for line in own)) for a in ("met", "over", "under")]
        found.append(
            f"| {method} | {len(own)} | {worst.share:.4f} | {worst.what}: {worst.sizes} | " + " | ".join(counts) + " |"
        )
    return "\n".join(found)
