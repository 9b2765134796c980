"""Pages are sent without the indentation of their templates."""

import pytest

from config.http.presentation.template_loaders import strip_indentation


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
