"""Whether current rows and reference rows come from one distribution: a kernel test on all features at once."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import thousands
from workbench.core.finding import Measure, Result
from workbench.core.mmd import discrepancy
from workbench.core.rows import design
from workbench.core.subject import Subject
from workbench.core.two_samples import together, two_samples

_LEAST = 10


@check("drift.mmd", "D010", "Kernel two-sample test", needs=("reference", "rows"), on_request=True)
def mmd(subject: Subject, *, most_rows: int = 1_000, permutations: int = 999) -> Result:
    """Compare the distributions of all features at once by the mean similarity of rows within and across the sides.

    Measures: `mmd_squared`, the unbiased squared maximum mean discrepancy under a Gaussian kernel, 0 in the mean when
        nothing differs (so it may be negative); its permutation p, (b + 1) / (B + 1); its mean and 95 % quantile over
        the permutations; `kernel_bandwidth`, the median distance of two rows.
    Reads well when: a few features, or related ones, move together.
    Signs of risk: a value above the 95 % quantile, in features the model depends on.
    Limits: a seeded sample, as the cost grows with the square of the rows. The value depends on bandwidth, scaling and
        number of features, so it compares with its own quantile only, not between audits. Features are standardised
        over both sides; the 20 most frequent values of each category column count as 0/1 features, missing numbers
        as the mean and marked. Many unrelated features drown one that moves. Times are left out. The smallest p is
        1 / (B + 1).
    Reference: Gretton et al. (2012) JMLR 13:723, the unbiased estimate and the median heuristic; Phipson and Smyth
        (2010) for p.
    """
    two = two_samples(subject, most_rows)
    n, m = two.current.n, two.reference.n
    if not two.columns or min(n, m) < _LEAST:
        why = f"it needs a feature and {_LEAST} rows on each side"
        raise NotApplicableError("; ".join((why, *two.notes)))
    # Scaled over both sides: what is permuted must not have shaped the kernel.
    pooled = together((two.current.rows, two.reference.rows), two.columns, two.kinds)
    (features,) = design([pooled], two.columns, two.kinds)
    subject.stop()
    found = discrepancy(features.matrix[:n], features.matrix[n:], permutations, subject.seed)
    told = f"permutation, {thousands(permutations)} draws"
    measures = [
        Measure("mmd_squared", found.value, n=n, method="unbiased, gaussian kernel; no interval: see the quantile"),
        Measure("mmd_squared_null_mean", found.null_mean, n=n, method=told),
        Measure("mmd_squared_null_quantile", found.null_quantile, n=n, method=told),
        Measure("mmd_squared_p_value", found.p_value, n=n, method=told),
        Measure("kernel_bandwidth", found.bandwidth, n=n + m, method="median distance of two rows"),
    ]
    return Result(measures, [], [two.words, *two.notes])
