"""Pages are made so that nothing foreign becomes markup, whatever it is and wherever it is put."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinyhtml5.parser import HTMLParser

from notmodified.report.markup import element, join
from notmodified.report.page import Section, page, prose, table
from notmodified.report.words import clean

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;b&gt;&#x3C;&amp",
    "]]><!--<![CDATA[",
    "</style></title></textarea></code></pre></td></table></svg><b>",
    "javascript:alert(1)",
    "\x00\x1b[2J\u202e\ud800\ufeff\x85",
)
TEXTS = st.text() | st.lists(st.sampled_from(EVIL) | st.text(max_size=3)).map("".join)


def parsed(markup: str):
    """What a browser makes of it; no error in it is borne."""
    parser = HTMLParser(namespace_html_elements=False)
    tree = parser.parse(f"<!DOCTYPE html><html lang=en><title>x</title><body>{markup}</body></html>")
    assert parser.errors == []
    return tree.find("body")


def shown(text: str) -> str:
    return "\n".join(clean(line) for line in text.split("\n"))


@given(TEXTS, TEXTS)
def test_foreign_text_comes_back_as_the_text_that_it_was(text, value):
    body = parsed(element("p", text, [text, None], element("code", text), title=value, class_=value).text)
    (paragraph,) = body
    assert paragraph.tag == "p"
    assert paragraph.attrib == {"title": shown(value), "class": shown(value)}
    assert [child.tag for child in paragraph] == ["code"]
    assert paragraph.text == shown(text) * 2 or not text
    assert (paragraph[0].text or "") == shown(text)


@given(TEXTS, TEXTS)
def test_a_drawing_and_a_table_hold_it_too(text, other):
    drawing = element("svg", element("title", text), element("text", other), viewBox="0 0 1 1")
    svg, div = parsed(drawing.text + table(text, [other, "n"], [[text, 1]]).text)
    assert ["".join(part.itertext()) for part in svg] == [shown(text), shown(other)]
    caption, head, body = div[0]
    assert [caption.text or "", head[0][0].text or "", body[0][0].text or ""] == [
        shown(text),
        shown(other),
        shown(text),
    ]


@given(TEXTS)
def test_code_in_a_sentence_is_text_too(text):
    body = parsed(prose(text).text)
    assert {child.tag for child in body} <= {"code"}
    assert set("".join(body.itertext())) <= set(shown(text))


@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_a_whole_page_of_it_has_the_elements_of_a_page(texts):
    title, heading, text = texts
    parser = HTMLParser(namespace_html_elements=False)
    tree = parser.parse(page(title, text, [Section("a", heading, element("p", text))]))
    assert parser.errors == []
    elements = [one.tag for one in tree.iter() if isinstance(one.tag, str)]
    plain = HTMLParser(namespace_html_elements=False).parse(page("a", "b", [Section("a", "b", element("p"))]))
    assert elements == [one.tag for one in plain.iter() if isinstance(one.tag, str)]
    assert tree.find(".//h2").text == (shown(heading) or None)


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("a", {"href": "javascript:alert(1)"}),
        ("a", {"href": " javascript:alert(1)"}),
        ("a", {"href": "data:text/html,x"}),
        ("img", {"src": "//x.example/"}),
        ("p", {"onclick": "alert(1)"}),
        ("p", {"style": "color:red"}),
        ("p", {"a b": "c"}),
        ("p", {"x>": "c"}),
    ],
)
def test_what_could_run_or_load_something_is_no_attribute(tag, attributes):
    with pytest.raises(ValueError, match="no page"):
        element(tag, **attributes)


def test_markup_is_joined_and_text_is_not():
    assert join(element("b", 1), "<", ["&", element("br")]).text == "<b>1</b>&lt;&amp;<br>"
    assert element("p", hidden=True, id=None, title=False, x=1.0).text == '<p hidden x="1"></p>'
