"""The record of one audit: frozen plain data, canonical JSON (RFC 8785) and a SHA-256 digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.audit.suppressed import small_groups, without_numbers
from workbench.core.errors import EvidenceError, shown
from workbench.core.finding import Attachment, Finding, Measure

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "workbench/record/1"
FRAME_COLUMNS = (
    "check",
    "measure",
    "column",
    "group",
    "window",
    "where",
    "value",
    "low",
    "high",
    "method",
    "n",
    "unit",
    "error_bound",
    "undefined_because",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One rule's outcome on one measure: pass, warn, fail, cannot_tell, not_applicable, error or waived."""

    rule: str
    outcome: str
    reason: str
    check: str = ""
    measure: str = ""
    column: str = ""
    group: str = ""
    window: str = ""
    where: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    operator: str = ""
    limit: float | None = None
    lower_limit: float | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    minimum_detectable: float | None = None
    severity: str = "fail"
    required: bool = True
    basis: str = "interval"
    why: str = ""
    requirement: str = ""
    owner: str = ""
    waived_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as plain data, empty fields left out."""
        every = {name: getattr(self, name) for name in self.__slots__}
        kept = {"rule", "outcome", "reason", "severity", "required", "basis"}
        return {k: v for k, v in every.items() if k in kept or v not in ("", None)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The audit's outcome (pass, warn, fail or incomplete), every judgement, and the gaps that make it incomplete."""

    outcome: str
    judgements: tuple[Judgement, ...] = ()
    gaps: tuple[str, ...] = ()

    def count(self, outcome: str) -> int:
        """Return how many judgements have that outcome."""
        return sum(j.outcome == outcome for j in self.judgements)

    @property
    def causes(self) -> tuple[Judgement, ...]:
        """Return the judgements that made the verdict, the worst first."""
        order = {"fail": 0, "error": 1, "cannot_tell": 2, "not_applicable": 3, "warn": 4}
        found = [j for j in self.judgements if j.outcome in order]
        return tuple(sorted(found, key=lambda j: order[j.outcome]))

    def exit_code(self, strict: bool = False) -> int:
        """Return 0 for pass or warn, 1 for fail (and for warn when `strict`), 3 for incomplete."""
        return {"pass": 0, "warn": int(strict), "fail": 1, "incomplete": 3}[self.outcome]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "outcome": self.outcome,
            "judgements": [j.to_dict() for j in self.judgements],
            "gaps": list(self.gaps),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what `to_dict` wrote."""
        return cls(data["outcome"], tuple(Judgement(**j) for j in data["judgements"]), tuple(data["gaps"]))


@dataclass(frozen=True)
class Record:
    """What was audited, measured and judged; `beside` holds what is never digested (times, hosts, paths, seconds).

    `subject` holds title, roles, features, model (task, digest, score column digest), and under "current" and
    "reference" the name, number of rows and fingerprint of each data set; `policy` the policy as applied.
    """

    subject: Mapping[str, Any]
    policy: Mapping[str, Any]
    findings: tuple[Finding, ...]
    verdict: Verdict
    beside: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> dict[str, Any]:
        """Return the digested part as plain data."""
        return {
            "schema": SCHEMA,
            "subject": _plain(self.subject),
            "policy": _plain(self.policy),
            "findings": [f.to_dict() for f in self.findings],
            "verdict": self.verdict.to_dict(),
        }

    @cached_property
    def digest(self) -> str:
        """Return "sha256:" and the hex digest of the canonical content."""
        return digest_of(self.content)

    @property
    def minimum_group_size(self) -> int:
        """Return the number of rows under which a group is suppressed in whatever is shown."""
        return int(self.policy.get("minimum_group_size", 10))

    @property
    def attachments(self) -> dict[str, Attachment]:
        """Return the files that checks made, by name; a record read from a file has none, they lie beside it."""
        return {a.name: a for f in self.findings for a in f.attachments}

    def measures(self) -> Iterator[tuple[Finding, Measure]]:
        """Yield every measure with its finding, in order."""
        for finding in self.findings:
            for measure in finding.measures:
                yield finding, measure

    def finding(self, check: str) -> Finding:
        """Return the finding of that check id or code; KeyError when the plan had no such check."""
        for finding in self.findings:
            if check in (finding.check, finding.code):
                return finding
        raise KeyError(check)

    @cached_property
    def small_groups(self) -> frozenset[str]:
        """Return the labels of groups with fewer rows than the minimum, which nobody is shown the numbers of."""
        return small_groups(self)

    def to_frame(self, *, suppressed: bool = True) -> pd.DataFrame:
        """Return one measure a row, `check` and `measure` naming it; values of groups under the minimum are hidden.

        Names such as `selection_rate` come from several checks: select by both. `suppressed=False` hides nothing.
        """
        import pandas as pd

        hidden = self.small_groups if suppressed else frozenset()
        rows = [_row(f, m, m.group in hidden, self.minimum_group_size) for f, m in self.measures()]
        frame = pd.DataFrame(rows, columns=list(FRAME_COLUMNS))
        numbers = dict.fromkeys(("value", "low", "high", "error_bound"), "float64")
        return frame.astype({**numbers, "n": "Int64"})

    def to_json(self) -> bytes:
        """Return the whole record (digest, content, what is beside it) as UTF-8 JSON, the same bytes each time."""
        whole = {"digest": self.digest, "content": self.content, "beside": _plain(self.beside)}
        return json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes | str, *, trust_digest: bool = False) -> Record:
        """Read what `to_json` wrote; raise EvidenceError when the content does not have the digest it names."""
        try:
            whole = json.loads(data)
            content, beside = whole["content"], whole.get("beside", {})
            _check_schema(str(content["schema"]))
            seconds = beside.get("seconds", {})
            record = cls(
                subject=content["subject"],
                policy=content["policy"],
                findings=tuple(Finding.from_dict(f, seconds.get(f["check"], 0.0)) for f in content["findings"]),
                verdict=Verdict.from_dict(content["verdict"]),
                beside=beside,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvidenceError("record.json is damaged, or no record that this version can read.") from error
        found = digest_of(content)
        if not trust_digest and (found != whole.get("digest") or record.digest != found):
            raise EvidenceError(f"the record's content has digest {found}, but it names {whole.get('digest')}.")
        return record


def _check_schema(found: str) -> None:
    if found != SCHEMA:
        what = f"the record is of the kind {shown(found, 80)}, and this version reads {SCHEMA!r}"
        raise EvidenceError(f"{what}: read it with the version of audit-workbench that wrote it, or a newer one.")


def digest_of(content: Any) -> str:
    """Return "sha256:" and the digest of plain data in canonical JSON (RFC 8785)."""
    import rfc8785

    return "sha256:" + hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _row(finding: Finding, m: Measure, hide: bool, minimum: int) -> list[Any]:
    head = [finding.check, m.name, m.column, m.group, m.window, m.where]
    m = without_numbers(m, f"suppressed: fewer than {minimum} rows") if hide else m
    return [*head, m.value, m.low, m.high, m.method, m.n, m.unit, m.error_bound, m.undefined_because]
