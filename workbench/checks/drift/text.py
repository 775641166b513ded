"""How the lengths and the words of text columns have changed."""

from __future__ import annotations

from workbench.core import number_drift, texts
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.errors import shown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.number_drift import Numbers
from workbench.core.pairing import is_all_missing, of_kind
from workbench.core.rates import with_interval
from workbench.core.subject import Subject
from workbench.core.values import ValueCounts

_LENGTHS = ("ks", "ks_reference_n", "ks_p_value", "mean_difference")
_UNDEFINED = ("length_ks", "length_mean_difference", "longest", "unseen_word_share")


@check("drift.text", "D005", "Drift of text columns", needs=("reference",))
def text(subject: Subject) -> Result:
    """Compare the lengths and the words of columns of free text with the reference.

    Measures: per text column of many distinct values (over 20, and over one in 20 values, on either side) the
        Kolmogorov-Smirnov distance of the lengths in characters with a band and the p of no difference, the difference
        of mean lengths with an interval, the longest value (the reference's under window "reference");
        `unseen_word_share`, the share of word occurrences now that the reference has nowhere, with n words and an
        interval that allows for words of one text coming together; beside it what chance alone would show (the share of
        reference occurrences of words that occur once); the number of distinct unseen words, and of words.
    Reads well when: texts are of one language and have several words each.
    Signs of risk: lengths that shift (truncation, another form); words the model has never seen; another language.
    Limits: a word is a run of letters, digits and underscores, case folded; languages written without spaces come out
        as few long words. Word order and meaning are not looked at. Rare words are never all seen: compare with what
        chance alone shows. Beyond 131,072 distinct values all comes from a hashed sample of the values, the same on
        both sides: the method says so, and the unseen share is then an upper bound.
    Reference: Kolmogorov (1933), Smirnov (1939); Good (1953) Biometrika 40:237 for unseen words by chance; Cochran
        (1977) Sampling Techniques, chapter 6, for the ratio of totals.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for current, reference in of_kind(subject, {Kind.TEXT}):
        if texts.is_free_text(current) or texts.is_free_text(reference):
            measures, drawn, how = _column(current, reference, subject.level)
            found += measures
            evidence += drawn
            notes += [f"column {shown(current.name)}: lengths and words are those of a {how}"] if how else []
    if not found:
        raise NotApplicableError("no feature column holds free text (over 20 distinct values, over 1 in 20)")
    return Result(found, evidence, notes)


def _column(current: ColumnCounts, reference: ColumnCounts, level: float) -> tuple[list[Measure], list[Evidence], str]:
    name, why = current.name, is_all_missing(current, reference)
    a, b = reference.values or ValueCounts(), current.values or ValueCounts()
    shared = max(a.level, b.level)
    a, b = a.at_level(shared), b.at_level(shared)
    if why or not a.counts or not b.counts:
        why = why or "too many distinct values to compare"
        return [Measure(k, None, name, n=current.present, undefined_because=why) for k in _UNDEFINED], [], ""
    how = f"sample of 1 in {2**shared} values" if shared else ""
    both = Numbers.of(texts.lengths(a), texts.lengths(b))
    found = [
        m
        for m in number_drift.measures(both, level=level, column=name, prefix="length_")
        if m.name.removeprefix("length_") in _LENGTHS
    ]
    found += [_longest(name, both.current.maximum, b, ""), _longest(name, both.reference.maximum, a, "reference")]
    title = f"Length of {name} in characters"
    notes: dict[str, str | float | None] = {"column": f"length of {name}"}
    return [*found, *_words(name, a, b, level, how)], [number_drift.drawing(both, name, title, notes)], how


def _longest(name: str, most: float | None, values: ValueCounts, window: str) -> Measure:
    n = sum(values.counts.values())
    how = "" if values.exact else "of a sample of values: a lower bound"
    return Measure("longest", int(most or 0), name, window=window, n=n, unit="characters", method=how)


def _words(name: str, a: ValueCounts, b: ValueCounts, level: float, how: str) -> list[Measure]:
    known = texts.vocabulary(a)
    found = texts.unseen_words(b, known, level)
    once, words = texts.chance_of_unseen(known)
    value = found.x / found.n if found.n else None
    why = "" if found.n else "no value holds a word"
    share = Measure("unseen_word_share", value, name, n=found.n, unit="share", undefined_because=why)
    chance = once / words if words else None
    why = "" if words else "no reference value holds a word"
    null = "unseen_word_share_null_mean"
    return [
        with_interval(share, found.interval),
        Measure(null, chance, name, n=words, unit="share", undefined_because=why, method=how),
        Measure("unseen_words", found.distinct, name, n=found.n, method=how),
        Measure("reference_words", len(known), name, n=words, method=how),
    ]
