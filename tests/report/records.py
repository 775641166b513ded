"""A record by hand, with everything a rendering must cope with: every outcome, small groups, hostile names."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from workbench.audit.record import Judgement, Record, Verdict
from workbench.core.finding import Evidence, Finding, Measure, Status, group_label

IMG = "<img src=x onerror=alert(1)>"
MATHS = "$$x$$ <script>alert(1)</script>"
RTL = "\u202eمجموعة\u202c"
LONG = "long " * 2000
CONTROL = "bell\x07 null\x00 \ufffe"
HOSTILE = (IMG, MATHS, RTL, LONG, "")
SMALL_SECRET = 0.428571428571  # the rate of the group of 7 rows: it must be nowhere in what is shown

GROUPS = {  # group -> rows, selected
    "White": (808, 662),
    "Black": (512, 353),
    "Hispanic": (96, 71),
    IMG: (41, 30),
    "": (24, 15),
    "Pacific": (7, 3),
}


def wilson(x: int, n: int) -> tuple[float, float]:
    z, p = 1.959963984540054, x / n
    middle, half = p + z * z / 2 / n, z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def rate(name: str, x: int, n: int, column: str = "", group: str = "") -> Measure:
    low, high = wilson(x, n)
    return Measure(name, x / n, column, group, low=low, high=high, method="wilson", n=n, unit="share").frozen()


def finding(check: str, code: str, measures=(), evidence=(), **more) -> Finding:
    frozen = tuple(m.frozen() for m in measures), tuple(e.frozen() for e in evidence)
    return Finding(check, code, "1", more.pop("status", Status.MEASURED), more.pop("params", {}), *frozen, **more)


def bias() -> Finding:
    total = sum(r for r, _ in GROUPS.values()), sum(s for _, s in GROUPS.values())
    measures, rows = [rate("selection_rate", total[1], total[0])], []
    for name, (n, x) in GROUPS.items():
        label = group_label(["race"], [name])
        measures.append(Measure("count", n, "race", label, n=n))
        measures.append(rate("selection_rate", x, n, "race", label))
        measures.append(rate("false_positive_rate", max(1, x // 5), n, "race", label))
        rows.append((name, label, n, n, x / n, *wilson(x, n)))
    gap = {"column": "race", "method": "simultaneous", "n": 1481}
    measures += [
        Measure("selection_rate_ratio", 0.841, low=0.789, high=0.884, unit="ratio", **gap),
        Measure("selection_rate_difference", 0.1302, low=0.081, high=0.1794, unit="share", **gap),
        Measure("false_positive_rate_difference", 0.021, low=0.0, high=0.066, unit="share", **gap),
        Measure("excluded_groups", 1, "race", n=6),
    ]
    notes = {"overall": total[1] / total[0], "unit": "share", "measure": "selection_rate", "limit": 0.8}
    columns = ("label", "group", "rows", "n", "value", "low", "high")
    forest = Evidence(
        "selection_rate by race", "selection_rate by race, with intervals", "forest", columns, tuple(rows), notes
    )
    return finding(
        "bias.group_rates", "B001", measures, [forest, thresholds()], params={"depth": 1, "reference_groups": None}
    )


def thresholds() -> Evidence:
    rows = []
    for t in (0.25, 0.5, 0.75):
        for name, (n, x) in (("", (1488, 1134)), *((group_label(["race"], [k]), v) for k, v in GROUPS.items())):
            share = round(x * (1.25 - t / 2))
            rows.append((t, name, "race" if name else "", n, n, x, min(n, share), min(x, share), 0, n))
    columns = (
        "threshold", "group", "column", "rows", "labelled", "positives",
        "selected", "true_positives", "false_positives", "predicted",
    )  # fmt: skip
    return Evidence(
        "threshold_counts",
        "Counts at or above each threshold, by group",
        "threshold",
        columns,
        tuple(rows),
        {"threshold": 0.5},
    )


def drift_numeric() -> Finding:
    chance = random.Random(7)
    measures, evidence = [], []
    for column, shift in (("age", 0.4), ("checks", 1.6), (IMG, 0.0), (MATHS, 0.2), (LONG, 0.0)):
        edges = [18 + 3 * i for i in range(17)]
        masses = [
            [math.exp(-(((i - 6 - s) / 4) ** 2)) * chance.uniform(0.85, 1.15) for i in range(16)] for s in (0, shift)
        ]
        ref, cur = ([m / sum(part) for m in part] for part in masses)
        rows = tuple(zip(edges, edges[1:], ref, cur, strict=False))
        psi = sum((c - r) * math.log(c / r) for c, r in zip(cur, ref, strict=True))
        measures += [
            Measure("psi", psi, column, n=1488, method="reference deciles"),
            Measure(
                "ks_statistic", shift / 11, column, low=shift / 20, high=shift / 8, n=1488, method="exact", unit=""
            ),
            Measure("ks_p_value", 10 ** (-shift * 9), column, n=1488),
            Measure("wasserstein", shift * -3.1, column, n=1488),
        ]
        evidence.append(
            Evidence(f"distribution of {column}", f"{column}: current over reference", "distribution",
                     ("low", "high", "reference", "current"), rows, {"column": column})
        )  # fmt: skip
    return finding("drift.numeric", "D001", measures, evidence)


def drift_categorical() -> Finding:
    rows = (("Toronto", 0.42, 0.39), (RTL, 0.3, 0.32), (LONG, 0.2, 0.1), (IMG, 0.08, 0.15), ("", 0.0, 0.04))
    table = Evidence(
        "city", "city: categories", "categories", ("category", "reference", "current"), rows, {"column": "city"}
    )
    return finding("drift.categorical", "D002", [Measure("jensen_shannon", 0.141, "city", n=1488)], [table])


def performance() -> Finding:
    curve = tuple((i / 20, (i / 20) ** 0.42) for i in range(21))
    roc = Evidence("roc", "ROC curve", "curve", ("x", "y"), curve,
                   {"x": "false positive rate", "y": "true positive rate", "name": "roc"})  # fmt: skip
    confusion = Evidence("confusion", "Confusion table", "confusion", ("truth", "prediction", "n", "share"),
                         (("positive", "positive", 1002, 0.827), ("positive", "negative", 210, 0.173),
                          ("negative", "positive", 132, 0.478), ("negative", "negative", 144, 0.522)))  # fmt: skip
    measures = [
        rate("accuracy", 1146, 1488), rate("precision", 1002, 1134), rate("recall", 1002, 1212),
        Measure("roc_auc", 0.7428, low=0.709, high=0.774, method="newcombe 2006", n=1488),
        Measure("log_loss", 0.4411, low=0.41, high=0.47, method="normal", n=1488),
        Measure("average_precision", None, n=0, undefined_because="no row with a score is truly positive"),
    ]  # fmt: skip
    return finding("performance.classification", "P001", measures, [confusion, roc])


def calibration() -> Finding:
    bins = []
    for i, n in enumerate((12, 24, 40, 77, 120, 190, 260, 310, 290, 165)):
        x = round(n * (0.2 + 0.06 * i))
        bins.append((0.05 + i / 10, x / n, *wilson(x, n), n))
    table = Evidence("reliability", "Observed rate by predicted probability", "reliability",
                     ("mean_score", "observed", "low", "high", "n"), tuple(bins))  # fmt: skip
    measures = [
        Measure("calibration_slope", 0.71, low=0.58, high=0.84, method="wald", n=1488),
        Measure(
            "expected_calibration_error", 0.0714, n=1488, unit="share", method="no interval: see the null quantile"
        ),
        Measure("expected_calibration_error_null_quantile", 0.034, n=1488, unit="share"),
    ]
    return finding("performance.calibration", "P002", measures, [table])


def missing() -> Finding:
    rows = (("age", 0.0, 0.0), ("employed", 0.031, 0.012), (IMG, 0.2, 0.18), (MATHS, 0.5, 0.02))
    table = Evidence("missing", "Missing values", "missing", ("column", "current", "reference"), rows)
    measures = [Measure("missing_rate", c, name, n=1488, unit="share") for name, c, _ in rows]
    return finding("quality.missing", "Q002", measures, [table])


def findings() -> tuple[Finding, ...]:
    return (
        missing(),
        finding("quality.duplicates", "Q003", [Measure("duplicate_rows", 0, n=1488)]),
        drift_numeric(),
        drift_categorical(),
        performance(),
        calibration(),
        bias(),
        finding("bias.impact_ratio", "B002", status=Status.ERROR, reason=f"KeyError in bias.impact_ratio {IMG}"),
        finding("explain.permutation", "E001", status=Status.NOT_APPLICABLE, reason="no model was given"),
    )


def judgements() -> tuple[Judgement, ...]:
    common = {"owner": "model risk", "requirement": "EU AI Act Art. 10(2)(f)"}
    ratio = {"check": "bias.group_rates", "measure": "selection_rate_ratio", "column": "race"}
    slope = {"check": "performance.calibration", "measure": "calibration_slope"}
    auc = {"check": "performance.classification", "measure": "roc_auc"}
    psi = {"check": "drift.numeric", "measure": "psi", "operator": "<=", "limit": 0.1, "n": 1488}
    values = {m.column: m.value for m in drift_numeric().measures if m.name == "psi"}
    return (
        Judgement("groups are selected alike", "fail", "the whole interval lies beyond the limit", **ratio, value=0.841,
                  low=0.789, high=0.884, n=1481, operator=">=", limit=0.9, p_value=0.0004, adjusted_p_value=0.003,
                  why="a gap of a tenth was agreed with the police board", **common),
        Judgement("scores mean what they say", "fail", "the whole interval lies beyond the limit", **slope, value=0.71,
                  low=0.58, high=0.84, n=1488, operator=">=", limit=0.9, **common),
        Judgement("the model separates", "cannot_tell", "the interval holds the limit; an effect of 0.05 would be seen",
                  **auc, value=0.7428, low=0.709, high=0.774, n=1488, operator=">=", limit=0.75,
                  minimum_detectable=0.051),
        Judgement("inputs are stable", "warn", "the value is beyond the limit", **psi, column="checks",
                  value=values["checks"], severity="warn", basis="point"),
        Judgement("inputs are stable", "pass", "it is within the limit", **psi, column="age", value=values["age"]),
        Judgement("inputs are stable", "pass", "the value is within the limit", **psi, column=IMG, value=values[IMG]),
        Judgement("impact ratio", "error", "the check did not run", check="bias.impact_ratio", measure="impact_ratio"),
        Judgement("explained", "not_applicable", "no model was given", check="explain.permutation", required=False),
        Judgement("no duplicates", "waived", "waived until 2027-01-01", check="quality.duplicates",
                  measure="duplicate_rows", value=0, operator="<=", limit=0.0, waived_by="A. Owner"),
    )  # fmt: skip


def record(**more) -> Record:
    """The whole of it: a failing audit."""
    columns = {"age": "ab" * 32, IMG: "cd" * 32}
    prints = {"rows": 1488, "table": "5d" * 32, "columns": columns, "schema": dict.fromkeys(columns, "number")}
    data = {"fingerprint": prints}
    subject = {
        "title": "Release model v3 on 2001-2002",
        "roles": {"target": "released", "score": "score", "sensitive": ["race", IMG], "threshold": 0.5},
        "features": ["age", "checks", IMG, LONG],
        "model": {"task": "classification", "digest": "sha256:" + "a1" * 32, "scores": "sha256:" + "b2" * 32},
        "current": {"name": "arrests 2001-2002", "rows": 1488, **data},
        "reference": {"name": "1997-2000", "rows": 3738, **data},
        **more,
    }
    rules = [
        {"id": "groups are selected alike", "measure": "selection_rate_ratio", "operator": ">=", "limit": 0.9,
         "severity": "fail", "reason": "a gap of a tenth was agreed", "owner": "model risk",
         "requirement": "Art. 10(2)(f)",
         "source": "board minutes 2026-02"},
        {"id": "inputs are stable", "measure": "psi", "column": "*", "operator": "<=", "limit": 0.1,
         "severity": "warn",
         "reason": "common practice", "owner": IMG},
    ]  # fmt: skip
    policy = {"name": "default", "minimum_group_size": 10, "level": 0.95, "rules": rules}
    verdict = Verdict("fail", judgements(), ("impact ratio: impact_ratio: error: the check did not run",))
    return Record(subject, policy, findings(), verdict, {"seconds": {"bias.group_rates": 0.2}})


def passing() -> Record:
    """A small audit in which every rule passes."""
    whole = record(title="Quiet month")
    good = replace(judgements()[4])
    return replace(whole, findings=(drift_numeric(),), verdict=Verdict("pass", (good,)))


def large(columns: int = 150) -> Record:
    """A record with thousands of measures and hundreds of charts."""
    base = drift_numeric()
    every = [
        finding(
            "drift.numeric",
            "D001",
            [replace(m, column=f"{m.column[:20]}{i}") for i in range(columns) for m in base.measures],
            [replace(e, name=f"{e.name[:20]}{i}") for i in range(columns) for e in base.evidence],
        )
    ]
    return replace(record(), findings=tuple(every), verdict=Verdict("pass"))
