"""What personal data and secrets look like in text: patterns with checksums, and what a column's name says.

Local, without a model: shapes that are standards (e-mail, E.164, IBAN, card numbers, IP), and prefixes that issuers of
keys publish. Names and addresses have no shape; only a column's name tells them.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

MOST_LETTERS = 20_000
"""Letters of one value that are looked at; what comes later in a longer one is not."""

WORDS = {
    "email": "e-mail address",
    "phone": "phone number",
    "iban": "bank account",
    "card": "card number",
    "ip": "IP address",
    "secret": "secret",
    "path": "path",
    "national_id": "national id",
    "random_token": "random token",
    "name": "name",
    "address": "address",
    "date_of_birth": "date of birth",
    "location": "place on a map",
}
"""Kind -> what it is called."""

_SECRETS = (
    r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Z0-9])",
    r"gh[pousr]_[A-Za-z0-9]{36,255}",
    r"github_pat_[A-Za-z0-9_]{22,255}",
    r"glpat-[\w-]{20,255}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,255}",
    r"AIza[\w-]{35}(?![\w-])",
    r"ya29\.[\w-]{20,400}",
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}",
    r"sk-(?=[\w-]{0,80}\d)[\w-]{20,255}",
    r"hf_[A-Za-z0-9]{30,255}",
    r"SG\.[\w-]{16,64}\.[\w-]{16,64}",
    r"eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{0,2000}",
    r"AccountKey=[A-Za-z0-9+/=]{40,200}",
    r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY",
    r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>]{1,64}:[^\s:/@'\"<>]{3,128}@",
)
_ROOTS = "home|Users|root|tmp|var|mnt|media|opt|srv|data|private|Volumes|workspace|work|content|scratch|etc"
_STEP = r"[^\s/\\\"'<>|:;,()\[\]{}&]+"

_SHAPES = {
    "secret": "(?<![A-Za-z0-9_-])(?:" + "|".join(_SECRETS) + ")",
    "email": r"(?<![\w.+-])[\w.%+'-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])",
    "iban": r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
    "card": r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)",
    "ip": r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.-])"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:.])",
    "phone": r"(?<![\w.+/-])(?:\+[1-9](?:[ ().-]{0,2}\d){7,13}"
    r"|(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\w-]|\.\d)",
    "path": rf"(?:(?<![\w.:/~%-])|(?<=file://))/(?:{_ROOTS})(?:/{_STEP})+|(?<!\w)[A-Za-z]:\\+(?:{_STEP}\\+)*{_STEP}",
}
_LOOKS = {kind: re.compile(shape) for kind, shape in _SHAPES.items()}
_NEEDS = {"email": "@", "ip": ".:", "path": "/\\"}  # a cheap first look: one of these letters, else digits
VALUE_KINDS = ("email", "phone", "iban", "card", "ip", "secret")
"""Kinds that a value shows by itself."""


class Span(NamedTuple):
    """Where in a text something of a kind stands."""

    start: int
    end: int
    kind: str


def luhn(digits: str) -> bool:
    """Say whether digits end in their check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    start, n = int(digits[:6]), len(digits)
    issued = (
        (digits[0] == "4" and n in (13, 16, 19))
        or (n == 16 and (510000 <= start < 560000 or 222100 <= start < 272100))
        or (n == 15 and digits[:2] in ("34", "37"))
        or (n == 14 and digits[:2] in ("30", "36", "38"))
        or (16 <= n <= 19 and (352800 <= start < 359000 or digits[:2] in ("62", "65") or digits[:4] == "6011"))
    )
    return issued and luhn(digits)


def _iban(text: str) -> bool:
    """Check ISO 13616: the letters as numbers, the first four behind, 1 modulo 97."""
    bare = text.replace(" ", "")
    if not 15 <= len(bare) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def _ip(text: str) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return found.version == 4 or len(re.sub(r"[^0-9a-fA-F]", "", text)) >= 4


_VALID: dict[str, Callable[[str], bool]] = {"card": _card, "iban": _iban, "ip": _ip}


def spans(text: str, kinds: tuple[str, ...] = (*VALUE_KINDS, "path")) -> Iterator[Span]:
    """Yield what in a text looks like personal data, a secret or a path of a computer; kinds may overlap."""
    for kind in kinds:
        if not any(letter in text for letter in _NEEDS.get(kind, "")) and kind in _NEEDS:
            continue
        valid = _VALID.get(kind)
        for match in _LOOKS[kind].finditer(text):
            if valid is None or valid(match.group()):
                yield Span(match.start(), match.end(), kind)


def kinds_of(value: str) -> frozenset[str]:
    """Return the kinds of personal data or secrets that a value holds."""
    return frozenset(span.kind for span in spans(value[:MOST_LETTERS], VALUE_KINDS))


@lru_cache(maxsize=4096)
def redacted(text: str) -> str:
    """Return a text with "[e-mail address withheld]" and the like in place of what `spans` finds."""
    found = sorted(spans(text), key=lambda s: (s.start, -s.end))
    parts, at = [], 0
    for span in found:
        if span.start >= at:
            parts += [text[at : span.start], f"[{WORDS[span.kind]} withheld]"]
            at = span.end
    return "".join([*parts, text[at:]]) if parts else text


def looks_random(value: str) -> bool:
    """Say whether a value is one token that looks drawn at random.

    20 to 200 letters of three classes (hexadecimal digests and UUIDs have two), with 3.5 bits or more a letter
    (Shannon's entropy of the letters' frequencies).
    """
    if not 20 <= len(value) <= 200 or not re.fullmatch(r"[\w+/=.~-]+", value):
        return False
    classes = sum(bool(re.search(c, value)) for c in ("[a-z]", "[A-Z]", "[0-9]"))
    shares = [value.count(c) / len(value) for c in set(value)]
    return classes == 3 and -sum(p * math.log2(p) for p in shares) >= 3.5


# ---------------------------------------------------------------------------- names of columns

_NAMED = {
    "email": "email mail emailaddress courriel correo",
    "phone": "phone telephone tel mobile cellphone fax telefon handy telefono telefone msisdn phonenumber",
    "address": "address street addr strasse straße adresse direccion adres indirizzo endereco wohnort",
    "national_id": "ssn nino bsn pesel cpf aadhaar passport passeport curp personnummer socialsecurity nationalid",
    "iban": "iban kontonummer accountnumber",
    "card": "creditcard cardnumber ccnumber pan",
    "secret": "password passwd pwd secret token apikey accesskey passwort",
    "location": "latitude longitude lat lon lng gps geolocation coordinates",
    "ip": "ipaddress ip ipv4 ipv6",
    "date_of_birth": "dob birthdate birthday dateofbirth geburtsdatum naissance nacimiento geboortedatum nascita",
    "name": "firstname lastname surname forename fullname givenname familyname middlename maidenname vorname nachname "
    "prenom apellido apellidos achternaam voornaam cognome sobrenome username",
}
_KIND_OF_WORD = {word: kind for kind, words in _NAMED.items() for word in words.split()}
_PERSONS = "customer client patient person employee contact applicant borrower holder member student guest author"


def words_of(column: str) -> list[str]:
    """Return the words of a column's name: `CustomerName_2` is customer, name."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return [w for w in re.split(r"[\W\d_]+", spread.lower()) if w]


def kind_by_name(column: str) -> str:
    """Return the kind of personal data that a column's name announces, or an empty string."""
    words = words_of(column)
    if words == ["name"] or (words[-1:] == ["name"] and len(words) == 2 and words[0] in _PERSONS.split()):
        return "name"
    pairs = ["".join(pair) for pair in pairwise(words)]
    triples = ["".join(t) for t in zip(words, words[1:], words[2:], strict=False)]
    for word in (*triples, *pairs, *words):
        if word in _KIND_OF_WORD:
            return _KIND_OF_WORD[word]
    return ""
