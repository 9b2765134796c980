"""The site as an app that can be installed."""

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image


@pytest.mark.parametrize("path", ["/pricing/", "/studio/", "/showcase/", "/settings/", "/offline/"])
def test_page_names_the_manifest(page: Client, path: str) -> None:
    link = '<link rel="manifest" href="/manifest.webmanifest">'
    assert link in page.get(path).content.decode()


def test_manifest_describes_the_app(db: None) -> None:
    answer = Client().get("/manifest.webmanifest")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/manifest+json")
    found = answer.json()
    assert {name: found[name] for name in ("id", "name", "start_url", "scope", "display")} == {
        "id": "/",
        "name": "Firstlight",
        "start_url": "/studio/",
        "scope": "/",
        "display": "standalone",
    }
    assert [shortcut["url"] for shortcut in found["shortcuts"]] == ["/studio/", "/library/"]


def test_manifest_speaks_the_language_of_the_browser(db: None) -> None:
    found = Client(headers={"Accept-Language": "ja"}).get("/manifest.webmanifest").json()
    assert (found["lang"], found["shortcuts"][0]["name"]) == ("ja", "スタジオ")


def test_icons_of_the_manifest_have_the_size_that_it_names(db: None) -> None:
    icons = Client().get("/manifest.webmanifest").json()["icons"]
    sizes = {}
    for icon in icons:
        with Image.open(str(finders.find(icon["src"].removeprefix("/static/")))) as image:
            sizes[icon["sizes"], icon["purpose"]] = image.size
    assert sizes == {
        ("192x192", "any"): (192, 192),
        ("512x512", "any"): (512, 512),
        ("512x512", "maskable"): (512, 512),
    }


def test_service_worker_rules_the_whole_site_and_is_asked_for_again(db: None) -> None:
    answer = Client().get("/service-worker.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"


def test_service_worker_keeps_files_that_exist(db: None) -> None:
    first = Client().get("/service-worker.js").content.decode().splitlines()[0]
    files = json.loads(first.removeprefix("const OFFLINE_FILES = ").removesuffix(";"))
    assert files[0] == "/offline/"
    missing = [name for name in files[1:] if not finders.find(name.removeprefix("/static/"))]
    assert missing == []
    shown = Client().get("/offline/").content.decode().split("<noscript>")[0]
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', shown) == files[1:]


def test_offline_page_leads_back_to_the_page_that_was_asked_for(db: None) -> None:
    body = Client().get("/offline/").content.decode()
    assert '<a class="btn btn--lg" href="">' in body
    assert "request id" not in body  # of the request that fetched the page long before


@pytest.mark.parametrize("path", ["/manifest.webmanifest", "/service-worker.js", "/offline/"])
def test_app_can_only_be_read(db: None, path: str) -> None:
    assert Client().post(path).status_code == 405
