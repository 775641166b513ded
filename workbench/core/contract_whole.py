"""The rules of a contract that need the whole data: keys, order, dependencies, references, and numbers of all rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from workbench.core.contract_rules import NUMERIC, TIMES, Counting, Rule, check_bounds
from workbench.core.contract_values import duration
from workbench.core.errors import ConfigError

# ---------------------------------------------------------------------------- rows beside others


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(Counting):
    """The values of `columns` together occur once; a row with one of them missing has no key and is not judged.

    Broken by each row after the first of its key. (Great Expectations counts the first one too; pandera's `unique`
    takes missing values for equal ones.)
    """

    kind: ClassVar[str] = "unique"
    called: ClassVar[str] = "{0.joined}: unique"
    says: ClassVar[str] = "occurs once"
    columns: tuple[str, ...]

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return self.columns

    @property
    def joined(self) -> str:
        """Return the columns as one name."""
        return " & ".join(self.columns)

    def check(self) -> None:
        """Raise ConfigError when a column is named twice."""
        if len(set(self.columns)) < len(self.columns):
            raise ConfigError("a column is named twice.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monotone(Counting):
    """In the order of the rows a value never falls (or rises); `strict`: nor stays. Missing values are passed over."""

    kind: ClassVar[str] = "monotone"
    types: ClassVar[frozenset[str]] = NUMERIC | TIMES
    called: ClassVar[str] = "{0.column}: {0.direction}"
    says: ClassVar[str] = "is {0.direction} from row to row"
    column: str
    direction: str = "increasing"
    strict: bool = False

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Determines(Counting):
    """Rows equal in `columns` are equal in `determined`: a functional dependency, judged where all of them are there.

    Broken by the rows whose value is not the most frequent of its group (ties: the smallest): the fewest rows to take
    out for the dependency to hold, g3 of Kivinen and Mannila (1995) Theoretical Computer Science 149:129.
    """

    kind: ClassVar[str] = "determines"
    called: ClassVar[str] = "{0.joined} determines {0.determined}"
    says: ClassVar[str] = "determines {0.determined}"
    columns: tuple[str, ...]
    determined: str

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (*self.columns, self.determined)

    @property
    def joined(self) -> str:
        """Return the columns as one name."""
        return " & ".join(self.columns)

    def check(self) -> None:
        """Raise ConfigError when a column is named twice."""
        if len(set(self.about)) < len(self.about):
            raise ConfigError("a column is named twice.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refers(Counting):
    """The values of `column` occur in the column `to` of the file `data` (its path is relative to the contract)."""

    kind: ClassVar[str] = "refers"
    called: ClassVar[str] = "{0.column}: refers to {0.to}"
    says: ClassVar[str] = "occurs in {0.to} of {0.data}"
    column: str
    data: str
    to: str

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)


# ---------------------------------------------------------------------------- one number of all rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(Rule):
    """A rule on one number of the whole data, which is at least `minimum` and at most `maximum`."""

    says: ClassVar[str] = "{0.kind} is {0.between}"
    minimum: float | None = None
    maximum: float | None = None

    @property
    def sentence(self) -> str:
        """Return what the rule asks, as a whole sentence: "age: mean is at least 30"."""
        return ": ".join([*self.about, self.words])

    def check(self) -> None:
        """Raise ConfigError when there is no limit, or nothing between them."""
        check_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount(Total):
    """The number of rows."""

    kind: ClassVar[str] = "row_count"
    called: ClassVar[str] = "row count"
    says: ClassVar[str] = "number of rows is {0.between}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic(Total):
    """A number of one column's values, missing ones left out."""

    called: ClassVar[str] = "{0.column}: {0.kind}"
    column: str

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Statistic):
    """The mean of the values."""

    kind: ClassVar[str] = "mean"
    types: ClassVar[frozenset[str]] = NUMERIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Statistic):
    """The sum of the values; 0 where there is none."""

    kind: ClassVar[str] = "sum"
    types: ClassVar[frozenset[str]] = NUMERIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct(Statistic):
    """The number of distinct values."""

    kind: ClassVar[str] = "distinct"
    says: ClassVar[str] = "number of distinct values is {0.between}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile(Statistic):
    """The quantile `q` (0 to 1) by linear interpolation of order statistics (NumPy's default, type 7)."""

    kind: ClassVar[str] = "quantile"
    types: ClassVar[frozenset[str]] = NUMERIC
    called: ClassVar[str] = "{0.column}: quantile {0.q:g}"
    says: ClassVar[str] = "quantile {0.q:g} is {0.between}"
    q: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness(Rule):
    """The newest time is at most `within` old (such as "36 hours"), seen from when the data is checked."""

    kind: ClassVar[str] = "freshness"
    types: ClassVar[frozenset[str]] = TIMES
    called: ClassVar[str] = "{0.column}: freshness"
    says: ClassVar[str] = "newest value is at most {0.within} old"
    column: str
    within: str

    @property
    def sentence(self) -> str:
        """Return what the rule asks, as a whole sentence: "opened: newest value is at most 2 days old"."""
        return f"{self.column}: {self.words}"

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)

    @property
    def allowed(self) -> timedelta:
        """Return `within` as a span of time."""
        return duration(self.within)

    def check(self) -> None:
        """Raise ConfigError when `within` is no span of time."""
        duration(self.within)
