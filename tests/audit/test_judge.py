"""Verdicts on hand-worked measures (STATISTICS section 2)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from scipy.stats import norm

from workbench.audit.judge import judge
from workbench.audit.policy import load_policy
from workbench.audit.record import Verdict
from workbench.core.errors import ConfigError
from workbench.core.finding import Finding, Measure, Status
from workbench.core.intervals import newcombe_difference, wilson

TODAY = date(2026, 11, 23)


def rate(x: int, n: int, name: str = "accuracy", **about: Any) -> Measure:
    """Return a rate with its Wilson interval."""
    interval = wilson(x, n)
    assert interval is not None
    return Measure(name, x / n, low=interval.low, high=interval.high, method="wilson", n=n, unit="share", **about)


def verdict(*measures: Measure, status: Status = Status.MEASURED, waivers: Any = (), **rule: Any) -> Verdict:
    """Judge measures of one check by one rule."""
    rules = [{"id": "r", "measure": "accuracy", "operator": ">=", "limit": 0.8, **rule}]
    finding = Finding("performance.classification", "P001", "1", status, measures=measures, reason="no target")
    return judge([finding], load_policy({"rules": rules, "waivers": list(waivers)}), TODAY)


@pytest.mark.parametrize(
    ("x", "n", "outcome", "audit"),
    [
        (95, 100, "pass", "pass"),  # the whole interval [0.888, 0.978] is above 0.8
        (60, 100, "fail", "fail"),  # far below: the null "at least 0.8" is rejected
        (78, 100, "cannot_tell", "incomplete"),  # [0.69, 0.85] reaches across
        (4, 4, "cannot_tell", "incomplete"),  # perfect, but four rows prove nothing
    ],
)
def test_pass_fail_cannot_tell(x: int, n: int, outcome: str, audit: str) -> None:
    """A limit is passed by the whole interval, failed by a rejected null, and otherwise open."""
    found = verdict(rate(x, n))

    assert (outcome, audit) == (found.judgements[0].outcome, found.outcome)


def test_p_value_is_the_score_test() -> None:
    """A rate's p is the one-sided score test of the limit."""
    found = verdict(rate(70, 100)).judgements[0]

    assert found.p_value == pytest.approx(norm.sf((0.8 - 0.7) / (0.8 * 0.2 / 100) ** 0.5), rel=1e-4)


def test_cannot_tell_names_the_detectable_effect() -> None:
    """At 100 rows a fail with power 0.8 takes a true accuracy near 0.69."""
    least = verdict(rate(78, 100)).judgements[0].minimum_detectable

    assert least is not None
    # reject when p < 0.8 - 1.645 sqrt(.16/100) = 0.734; P(reject | least) = 0.8
    assert norm.cdf((0.8 - 1.644854 * 0.04 - least) / (least * (1 - least) / 100) ** 0.5) == pytest.approx(
        0.8, abs=1e-3
    )


def test_no_share_beyond_1_is_called_detectable() -> None:
    """Of two rows no distance would fail: none is named. Of two hundred one is, and it is no more than 1."""
    about: dict[str, Any] = {"operator": "<=", "limit": 0.5, "measure": "ks"}
    few = Measure("ks", 0.45, low=0.0, high=0.9, method="kolmogorov band", n=2, unit="share")
    many = Measure("ks", 0.5, low=0.4, high=0.6, method="kolmogorov band", n=200, unit="share")
    found = [verdict(m, **about).judgements[0] for m in (few, many)]

    assert {j.outcome for j in found} == {"cannot_tell"}
    assert found[0].minimum_detectable is None
    assert 0.5 < (found[1].minimum_detectable or 0) <= 1


def test_warn_and_strict() -> None:
    """A breach of a rule of severity warn is a warning, and with --strict an exit of 1."""
    found = verdict(rate(60, 100), severity="warn")

    assert found.outcome == "warn"
    assert (0, 1) == (found.exit_code(), found.exit_code(strict=True))


def test_point_basis_says_so() -> None:
    """A rule on the value alone ignores sampling error, and says so."""
    found = verdict(rate(79, 100), basis="point").judgements[0]

    assert found.outcome == "fail"
    assert "sampling error ignored" in found.reason


def test_relative_rule_judges_the_interval_of_the_change() -> None:
    """Current minus reference by Newcombe, not the current interval against a fixed point."""
    measures = (rate(800, 1000), rate(900, 1000, window="reference"))
    found = verdict(*measures, limit={"reference": -0.05}).judgements[0]
    expected = newcombe_difference(800, 1000, 900, 1000)

    assert expected is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(-0.1)
    assert found.outcome == "fail"


def test_small_groups_are_never_judged() -> None:
    """A group under the minimum enters no verdict, and bars a pass of the rule."""
    small = (Measure("count", 9, group="g=a"), rate(0, 9, group="g=a"))
    large = (Measure("count", 100, group="g=b"), rate(95, 100, group="g=b"))
    found = verdict(*small, *large, group="*")

    assert {j.group: j.outcome for j in found.judgements} == {"g=b": "pass", "": "cannot_tell"}
    assert found.outcome == "incomplete"


def test_an_excluded_group_bars_a_pass() -> None:
    """A gap within the limit passes only when every group with rows was compared."""
    gap = Measure("rate_difference", 0.01, "g", low=0.0, high=0.05, method="newcombe-tukey", n=500)
    rule = {"measure": "rate_difference", "operator": "<=", "limit": 0.1}

    assert verdict(gap, **rule).outcome == "pass"
    with_small = verdict(gap, Measure("excluded_groups", 1, "g"), **rule)
    assert with_small.judgements[0].outcome == "cannot_tell"
    assert "could not be compared" in with_small.judgements[0].reason


def test_missing_answers_make_a_required_rule_incomplete() -> None:
    """Not applicable and error are answers of their own; a required rule without one leaves the audit incomplete."""
    not_applicable = verdict(status=Status.NOT_APPLICABLE)
    error = verdict(status=Status.ERROR)

    assert (not_applicable.judgements[0].outcome, not_applicable.outcome) == ("not_applicable", "incomplete")
    assert (error.judgements[0].outcome, error.outcome) == ("error", "incomplete")
    assert verdict(status=Status.NOT_APPLICABLE, required=False).outcome == "pass"
    assert verdict(status=Status.ERROR, required=False).outcome == "incomplete"  # an errored check is not passed
    assert not_applicable.exit_code() == 3


def test_undefined_cannot_be_told() -> None:
    """An undefined measure is never a pass."""
    found = verdict(Measure("accuracy", None, undefined_because="0/0")).judgements[0]

    assert (found.outcome, found.reason) == ("cannot_tell", "undefined: 0/0")


def test_waivers_end() -> None:
    """A waiver turns a breach into an accepted one until it expires, and then no longer."""
    waiver = {"rule": "r", "reason": "known", "owner": "ada", "expires": "2026-11-23"}
    in_force = verdict(rate(60, 100), waivers=[waiver])
    expired = verdict(rate(60, 100), waivers=[{**waiver, "expires": "2026-11-22"}])

    assert (in_force.judgements[0].outcome, in_force.outcome) == ("waived", "pass")
    assert (expired.judgements[0].outcome, expired.outcome) == ("fail", "fail")
    assert "expired" in expired.judgements[0].reason


def test_false_discoveries_are_controlled_over_the_family() -> None:
    """One p of 0.02 among 40 comfortable hypotheses is no fail; alone it is."""
    borderline = rate(772, 1000)  # one-sided p = 0.0134
    alone = verdict(borderline)
    crowd = [rate(805, 1000, column=f"c{i}") for i in range(40)]
    together = verdict(borderline, *crowd)

    assert alone.judgements[0].outcome == "fail"
    assert [j.outcome for j in together.judgements if not j.column] == ["cannot_tell"]


def test_between_looks_at_both_ends() -> None:
    """A range is left on either side."""
    rule = {"operator": "between", "limit": [0.4, 0.6]}

    assert ["fail", "fail", "pass"] == [verdict(rate(x, 1000), **rule).judgements[0].outcome for x in (300, 700, 500)]


def test_fail_outranks_incomplete_and_lists_the_gaps() -> None:
    """Exit 1, with the gaps beside it."""
    found = verdict(rate(60, 100, column="a"), rate(78, 100, column="b"))

    assert (found.outcome, found.exit_code(), len(found.gaps)) == ("fail", 1, 1)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"rulez": []}, "rules"),
        ({"rules": [{"id": "r", "measure": "m", "operator": "<=", "limit": 1, "severty": "warn"}]}, "severity"),
        ({"rules": [{"id": "r", "measure": "m", "operator": "~", "limit": 1}]}, "operator"),
        ({"rules": [{"id": "r", "measure": "m", "operator": "between", "limit": 1}]}, "between"),
        ({"minimum_group_size": 0}, "minimum_group_size"),
        (
            {"rules": [], "waivers": [{"rule": "x", "reason": "y", "owner": "z", "expires": "2026-01-01"}]},
            "unknown rule",
        ),
    ],
)
def test_mistakes_in_a_policy_are_named(policy: dict[str, Any], words: str) -> None:
    """The error names the key, and near matches."""
    with pytest.raises(ConfigError, match=words):
        load_policy(policy)


def test_the_packaged_policy_says_where_numbers_come_from() -> None:
    """Every rule has a reason and a source."""
    policy = load_policy(None)

    assert policy.rules
    assert all(rule.reason and rule.source for rule in policy.rules)
