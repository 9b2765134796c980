"""Pages are sent without the indentation of their templates, and icons are in them already."""

import re

import pytest
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.templatetags.static import static

from config.http.presentation.template_loaders import inline_icons, strip_indentation


@pytest.mark.parametrize(
    ("source", "sent"),
    [
        ("<ul>\n  <li>\n    A  b\n  </li>\n</ul>\n", "<ul>\n<li>\nA  b\n</li>\n</ul>\n"),
        ("<a\n  {% if b %}c{% endif %}\n  d\n>", "<a\n{% if b %}c{% endif %}\nd\n>"),
        ("A\n{% if b %}\n  C\n{% endif %}\nD", "A\n{% if b %}C\n{% endif %}\nD"),
        ("<p>\n\n  A\n</p>", "<p>\n\nA\n</p>"),
        (
            "<div>\n  <pre\n    id='x'>\n  a\n</pre>  b\n  c",
            "<div>\n<pre\n    id='x'>\n  a\n</pre>  b\nc",
        ),
        ("  <textarea>\n  a</textarea>\n  b", "  <textarea>\n  a</textarea>\nb"),
    ],
)
def test_indentation_is_removed_except_where_spaces_are_text(source: str, sent: str) -> None:
    assert strip_indentation(source) == sent


def source_of(name: str) -> str:
    """The source of a template as it is compiled."""
    return str(Engine.get_default().get_template(name).source)


@pytest.mark.parametrize(("size", "context"), [("", {}), (" small=1", {"small": 1})])
def test_icon_in_its_place_is_what_including_it_renders(size: str, context: dict[str, int]) -> None:
    included = render_to_string("parts/icon.html", {"n": "trash-2", **context})
    tag = '{% include "parts/icon.html" with n="trash-2"' + size + " %}"
    icon = strip_indentation(source_of("parts/icon.html"))
    inlined = inline_icons(f"<b>{tag}</b>{tag}", icon)
    assert (
        Engine.get_default().from_string(inlined).render(Context())
        == f"<b>{included}</b>{included}"
    )
    assert "include" not in inlined


def test_templates_have_no_icon_to_include() -> None:
    source = source_of("videos/card.html")
    assert "parts/icon.html" not in source
    assert len(re.findall("<svg", source)) > 5
    assert set(re.findall('href="([^"{]*)#', source)) == {static("img/icons.svg")}
