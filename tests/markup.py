"""Reading the HTML of a page in tests, whatever its line breaks and indentation."""

import re

from django.http import HttpResponseBase


def flat(answer: HttpResponseBase) -> str:
    """The HTML of a response on one line: no space beside a tag, one between words and attributes.

    A test that looks for a piece of markup then does not depend on how the template is wrapped.
    """
    assert hasattr(answer, "content")
    text = " ".join(answer.content.decode().split())
    return re.sub(r"\s*([<>])\s*", r"\1", text)
