"""/llms.txt tells language models where everything is."""

import re

from django.conf import LazySettings
from django.test import Client


def test_every_address_is_one_of_ours(settings: LazySettings, db: None) -> None:
    settings.BASE_URL = "https://studio.example.com"
    answer = Client().get("/llms.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.content.decode()
    assert text.startswith("# Firstlight\n")
    links = re.findall(r"\]\((.*?)\)", text)
    assert "https://studio.example.com/mcp" in links
    assert "https://studio.example.com/openapi.json" in links
    for link in links:
        path = link.removeprefix("https://studio.example.com")
        assert path != link
        if path not in {"/mcp", "/v1"}:
            assert Client().get(path).status_code in {200, 302}, path


def test_what_is_switched_off_is_not_named(settings: LazySettings) -> None:
    settings.MCP, settings.BILLING, settings.DOCS_URL = False, False, "https://docs.example.com"
    text = Client().get("/llms.txt").content.decode()
    assert "/mcp" not in text
    assert "/agents/" not in text
    assert "/pricing/" not in text
    assert "https://docs.example.com" in text
    assert "\n\n\n" not in text
