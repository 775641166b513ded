import base64
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.report.records import CONTROL, HOSTILE, IMG, LONG, SMALL_SECRET, large, passing, record
from workbench.audit.record import Record
from workbench.core.finding import Evidence
from workbench.report import charts
from workbench.report.check_numbers import numbers_differ
from workbench.report.html import POLICY, render_html
from workbench.report.shown import show, shown_evidence
from workbench.report.static import MOST_BYTES, section, static_html

ELEMENTS = """
html head meta title style body a div header h1 h2 h3 h4 p span strong data code ul li img nav main section table
caption thead tbody tr th td details summary figure figcaption dl dt dd bdi pre small br
"""
ATTRIBUTES = """
lang charset http-equiv content name class href id aria-label aria-hidden aria-labelledby role tabindex src alt width
height scope colspan open value data-i data-j data-e data-v data-f style
"""


class Page(HTMLParser):
    """Everything in a page that is not text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.links, self.images, self.ids, self.text = [], [], [], [], []
        self.metas, self.attributes = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        found = dict(attrs)
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        self.metas += [found] if tag == "meta" else []

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(record())


@pytest.mark.parametrize(
    "make",
    [
        lambda: render_html(record()),
        lambda: render_html(record(title=IMG + CONTROL), status="incomplete", reason=IMG, signed_by=IMG),
        lambda: static_html(record(title=IMG)),
        *(
            lambda family=family: section(record(), family).html
            for family in ("bias", "drift", "quality", "performance", IMG)
        ),
    ],
)
def test_hostile_names_stay_text(make):
    found = Page(make())
    assert set(found.tags) <= set(ELEMENTS.split())
    assert found.attributes <= set(ATTRIBUTES.split())
    assert "script" not in found.tags
    assert all(link.startswith("#") for link in found.links)
    assert all(
        image["src"].startswith(("data:image/svg+xml;base64,", "data:image/png;base64,")) for image in found.images
    )


def test_the_page_needs_nothing_from_outside(page):
    found = Page(page)
    policies = [m["content"] for m in found.metas if m.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert "default-src 'none'" in POLICY
    assert "script-src" not in POLICY
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_is_well_built(page):
    found = Page(page)
    assert found.tags.count("h1") == 1
    assert found.tags.count("main") == 1
    assert '<html lang="en">' in page
    assert page.startswith("<!DOCTYPE html>")
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert all("alt" in image for image in found.images)
    ids = [i for i in found.ids if not i.startswith("finding-")]
    assert ids == ["untested", "changes", "findings", "provenance", "policy", "verify"]
    assert page.index("FAIL</data>") < page.index('id="untested"')


def test_names_of_10_kb_are_cut(page):
    assert LONG[:200] not in page
    for name in HOSTILE:
        assert name == "" or name not in page


def test_small_groups_are_not_in_anything_shown():
    secret = re.compile('0\\.42857|42\\.[89]%|\\b43%|Pacific[^<]{0,3}</bdi></td><td class="n">[0-9]')
    everything = [render_html(record()), static_html(record()), *(section(record(), f).html for f in ("bias", "drift"))]
    for text in everything:
        assert not secret.search(text)
    for encoded in re.findall(r"svg\+xml;base64,([^\"]+)", everything[0]):
        assert not secret.search(base64.b64decode(encoded).decode())
    shown = show(record())
    assert SMALL_SECRET not in [m.measure.value for f in shown.findings for m in f.measures]
    assert shown.small == {"race=Pacific"}
    assert "n &lt; 10" in everything[0]


def test_every_number_is_in_the_record(page):
    assert numbers_differ(page, record()) == []
    assert page.count("<data ") > 300
    assert numbers_differ(static_html(record()), record()) == []
    for family in ("bias", "drift", "quality", "performance", "none"):
        assert numbers_differ(section(record(), family).html, record()) == []


def test_numbers_survive_the_file(page):
    assert numbers_differ(page, Record.from_json(record().to_json())) == []


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('value="0.841" data-i', 'value="0.941" data-i', "Selection rate, smallest over largest group, race, value"),
        (">0.841</data>", ">0.941</data>", "Selection rate"),
        (">FAIL</data>", ">PASS</data>", "verdict, outcome"),
        ('data-i="8"', 'data-i="9999"', "not in the record"),
        ('data-i="8"', 'data-i="-1"', "not in the record"),
        ('data-f="low"', 'data-f="__class__"', "not in the record"),
    ],
)
def test_a_changed_number_is_named(page, old, new, names):
    assert old in page
    differences = numbers_differ(page.replace(old, new), record())
    assert differences
    assert any(names in d for d in differences)


def test_a_page_of_another_record_differs(page):
    assert any("digest" in d for d in numbers_differ(page, record(title="Another")))
    assert numbers_differ("<p>PASS</p>", record())


def test_a_large_record_stays_small_and_says_what_it_cut():
    text = render_html(large())
    assert len(text.encode()) < 5_000_000
    assert "Showing 50 of" in text
    assert "more tables and charts are in record.json" in text
    fragment = section(large(), "drift").html
    assert len(fragment.encode()) <= MOST_BYTES
    assert "Left out here" in fragment


def test_an_incomplete_run_says_so_before_anything_else():
    text = render_html(record(), status="incomplete", reason="the kernel died")
    assert text.index("INCOMPLETE") < text.index("<h1>")
    assert "the kernel died" in text
    assert "INCOMPLETE" not in render_html(passing())


def test_a_missing_subject_still_renders():
    assert "<h1>" in render_html(Record({}, {}, (), record().verdict))


@pytest.mark.parametrize("kind", ["forest", "distribution", "categories", "reliability", "curve", "missing"])
def test_charts_are_inert_well_formed_and_described(kind):
    tables = [e for f in show(record()).findings for e in f.evidence if e.evidence.kind == kind]
    assert tables
    for table in tables:
        svg = charts.chart_svg(table)
        assert svg is not None
        root = ElementTree.fromstring(svg)  # noqa: S314 (our own)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "image", "foreignObject", "a", "use"}
        assert {"title", "desc"} <= tags
        assert "alert(1)>" not in svg
        assert charts.chart_png(table).startswith(b"\x89PNG")


def test_a_small_picture_is_the_same_picture():
    from io import BytesIO

    image = pytest.importorskip("PIL.Image")
    table = next(e for f in show(record()).findings for e in f.evidence if e.evidence.kind == "forest")
    import vl_convert

    spec = json.dumps({**charts.chart_spec(table), "background": "#ffffff"})
    plain, small = vl_convert.vegalite_to_png(spec, scale=1.5), charts.chart_png(table)
    assert len(small) < len(plain) / 2
    assert image.open(BytesIO(small)).tobytes() == image.open(BytesIO(plain)).tobytes()


def test_text_is_only_ever_a_value_of_the_chart():
    for finding in show(record()).findings:
        for table in finding.evidence:
            spec = charts.chart_spec(table)
            if spec is not None:
                bare = json.dumps(spec, default=str)
                assert "expr" not in bare
                assert LONG[:40] not in bare


@pytest.mark.parametrize("cell", [None, "text", True, float("inf"), 1e300])
def test_a_chart_that_cannot_be_drawn_costs_nothing_else(cell):
    columns = ("label", "group", "rows", "n", "value", "low", "high")
    table = Evidence("x", "x", "forest", columns, (("a", "g", 50, 50, cell, cell, cell),), {}).frozen()
    svg = charts.chart_svg(shown_evidence(table, frozenset()))
    assert svg is None or svg.startswith("<svg")
