"""What disclosure control knows: at which level a measure tells its groups, and which tables may go out.

What is not here is withheld from a shareable record wherever it is about groups, about some of the rows, or a table.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.audit.cells import RATES, Level

_BY_RATE = {
    "selection_rate": Level.PREDICTION,
    "demographic_parity": Level.PREDICTION,
    "prevalence": Level.TRUTH,
}
ALIASES = {
    "demographic_parity": "selection_rate",
    "equal_opportunity": "true_positive_rate",
    "predictive_parity": "precision",
}
"""Names of gaps -> the rate that the gap is of."""

_OF_ROWS = """
count bias mean_absolute_error root_mean_squared_error r_squared mean_absolute_percentage_error symmetric_mape
mean_truth mean_prediction
"""
OF_ROWS = frozenset(_OF_ROWS.split())
_OF_BOTH = """
true_positives false_positives false_negatives true_negatives treatment_equality mean_benefit expected_cost
calibration_slope calibration_intercept mean_score_difference expected_calibration_error
expected_calibration_error_null_mean expected_calibration_error_null_quantile
"""
OF_BOTH = frozenset(_OF_BOTH.split())
OF_ALL_PREDICTIONS = frozenset({"impact_ratio", "shortfall", "standard_deviations", "fisher_p_value"})
"""A group's measures that also depend on the rates of the other groups compared."""

GAPS: Mapping[str, Level] = {
    "impact_ratio": Level.PREDICTION,
    "below_four_fifths": Level.PREDICTION,
    "equalized_odds_difference": Level.BOTH,
    "equalized_odds_ratio": Level.BOTH,
    "treatment_equality_difference": Level.BOTH,
    "mean_score_difference_difference": Level.BOTH,
    "mean_prediction_difference": Level.ROWS,
    "mean_truth_difference": Level.ROWS,
    "bias_difference": Level.ROWS,
    "mean_absolute_error_difference": Level.ROWS,
    "mean_absolute_error_ratio": Level.ROWS,
}
"""Measures of all groups of a column that depend on the groups compared alone -> the level that tells these."""

OF_MODELS = frozenset({"adjusted_log_odds", "adjusted_odds_ratio", "mantel_haenszel_difference"})
"""Fitted to a sample's rows: told only where no group of the columns is withheld."""

_SINGLE = """
minimum maximum min max smallest largest first last earliest latest shortest longest max_error mode shortest_text
longest_text time_span_days largest_gap_seconds
"""
SINGLE_VALUES = frozenset(_SINGLE.split())
"""Names of measures that are the value of one row, or lie between two."""

OF_ALL_COLUMNS = frozenset({"missing_cells", "complete_row_share", "missing_sets"})
"""Measures over all columns: less what each of the others tells, they tell of a column that is withheld."""

OF_PAIRS = frozenset({"quality.associations"})
"""Checks whose measures are about two columns that need not form groups."""

QUANTILES = {"quantile_01": 0.01, "quantile_05": 0.05, "quantile_25": 0.25, "median": 0.5, "median_absolute_error": 0.5,
             "quantile_75": 0.75, "quantile_95": 0.95, "quantile_99": 0.99}  # fmt: skip
"""Names of quantiles, which are told where the minimum of rows lies on either side."""

NOT_OF_ROWS = frozenset({"below_four_fifths", "excluded_groups", "excluded_under_two_percent", "rank_correlation"})
"""Measures whose n counts groups or columns."""

WHERE_IS_NO_SUBSET = frozenset(
    {
        "explain.attribution_drift", "explain.permutation_importance", "explain.shap", "optimize.frontier",
        "optimize.mitigation", "optimize.threshold", "performance.claims", "performance.multiclass",
        "performance.robustness", "performance.selective_labels",
    }
)  # fmt: skip
"""Checks whose `where` names a method, a class or a disturbance, not some of the rows."""

WHOLE_TABLES = frozenset(
    {
        "explain.attribution_drift", "explain.permutation_importance", "explain.shap", "performance.baseline",
        "performance.claims", "performance.robustness", "performance.selective_labels", "performance.two_models",
        "privacy.pii", "privacy.quasi_identifiers",
    }
)  # fmt: skip
"""Checks whose tables hold names of columns, methods and numbers of all rows, no value of a row."""

TABLE_COLUMNS: Mapping[str, frozenset[str]] = {
    "quality.profile": frozenset({"column", "used as", "missing", "distinct", "type", "columns", "rule"}),
    "quality.missing": frozenset({"column", "current", "reference"}),
}
"""Checks of whose tables some columns are told."""

NEVER_TABLES = frozenset({"missing_sets", "patterns"})
"""Kinds of tables that count sets and patterns of few rows, or their rest."""

LEVELLED = frozenset(
    {
        "bias.error_parity", "bias.four_fifths", "bias.group_rates", "bias.impact_ratio", "bias.inequality",
        "optimize.threshold",
    }
)  # fmt: skip
"""Checks whose tables of groups have columns named like measures, or are forests of one."""

GROUP_KEYS = frozenset({"label", "category", "column", "group", "rows"})
TABLE_LEVELS: Mapping[str, Level] = {
    "selected": Level.PREDICTION,
    "benefit_0": Level.BOTH,
    "benefit_1": Level.BOTH,
    "benefit_2": Level.BOTH,
}
"""Columns of group tables that count rows -> the level that tells them; others are named like their measure."""

TABLE_NOTES = frozenset({"x", "y", "unit", "measure", "column", "overall", "overall_is", "name", "threshold", "limit",
                         "diagonal", "zero", "band", "tolerance"})  # fmt: skip


def base_of(name: str) -> str:
    """Return the rate that a group is compared by: `selection_rate_to_overall_ratio` is about `selection_rate`."""
    return name.partition("_to_overall_")[0].partition("_to_reference_")[0]


def level_of(name: str) -> Level | None:
    """Return the level at which a group's measure tells the group, or None when it is not known."""
    base = base_of(name)
    if base in OF_ROWS:
        return Level.ROWS
    if base in RATES or base in ALIASES:
        return _BY_RATE.get(base, Level.BOTH)
    if base in OF_BOTH:
        return Level.BOTH
    return Level.PREDICTION if base in OF_ALL_PREDICTIONS else None


def depends_on_others(name: str) -> bool:
    """Say whether a group's measure also tells of other groups than itself and all rows."""
    return name in OF_ALL_PREDICTIONS or "_to_reference_" in name
