"""National identity numbers by their checksums (python-stdnum)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module

_NAMES = """
us.ssn gb.nhs de.idnr fr.nir es.dni es.nie it.codicefiscale nl.bsn be.nn pl.pesel se.personnummer fi.hetu dk.cpr
no.fodselsnummer ch.ssn at.vnr cz.rc br.cpf in_.aadhaar cn.ric ca.sin au.tfn mx.curp za.idnr tr.tckimlik kr.rrn ro.cnp
bg.egn hr.oib ie.pps lt.asmens ee.ik il.idnr th.pin gr.amka cl.rut
"""
NUMBERS = tuple(_NAMES.split())
"""Country and number, as python-stdnum calls them."""

_SHAPE = re.compile(r"(?=(?:\D*\d){6})[A-Za-z0-9][A-Za-z0-9 .+/-]{6,22}[A-Za-z0-9]")
_US = re.compile(r"\d{3}-\d{2}-\d{4}")
FIRST = 200
"""Values on which numbers of most countries are ruled out before the rest are looked at."""


@lru_cache(maxsize=1)
def validators() -> Mapping[str, Callable[[str], bool]]:
    """Return country and number -> whether a text is one; empty where python-stdnum is not installed."""
    try:
        found = {name: import_module(f"stdnum.{name}").is_valid for name in NUMBERS}
    except ImportError:
        return {}
    plain = found["us.ssn"]
    # Without its hyphens any nine digits are one: it has no checksum.
    found["us.ssn"] = lambda text: _US.fullmatch(text) is not None and plain(text)
    return found


def best_match(counts: Mapping[str, int], least: float) -> tuple[str, int]:
    """Return the number that most of the values (text -> how often) are by their checksum, and how many they are.

    One check digit lets a tenth of random digits pass, so a number that fewer than the share `least` of the values
    are is none: ("", 0).
    """
    shaped = {v: c for v, c in counts.items() if _SHAPE.fullmatch(v)}
    if sum(shaped.values()) < least * sum(counts.values()):
        return "", 0
    first = dict(list(shaped.items())[:FIRST])
    some = [n for n, valid in validators().items() if _passing(first, valid) >= least / 2 * sum(first.values())]
    found = [(_passing(shaped, validators()[name]), name) for name in some]
    passed, name = max(found, key=lambda pair: pair[0], default=(0, ""))
    return (name, passed) if passed and passed >= least * sum(counts.values()) else ("", 0)


def _passing(counts: Mapping[str, int], valid: Callable[[str], bool]) -> int:
    return sum(count for value, count in counts.items() if valid(value))
