"""A tag is accepted when version, code and changelog agree with it."""

from django.conf import settings

from tests.releases import tag


def test_tag_of_the_present_version_is_accepted() -> None:
    assert tag.problems(f"v{settings.VERSION}") == []


def test_tag_is_refused_when_the_code_has_another_version() -> None:
    assert tag.problems("v9.9.9") == [
        f"pyproject.toml says {settings.VERSION}, not 9.9.9",
        f"config/settings.py says {settings.VERSION}, not 9.9.9",
        "CHANGELOG.md has no heading with date for 9.9.9",
    ]


def test_tag_is_refused_when_it_is_no_version() -> None:
    assert "vacation is not v and three numbers" in tag.problems("vacation")
