"""Languages under the names of a profile (zh-CN) and under those of Django (zh-hans)."""

from django.utils import translation

from accounts.models import User

Language = User.Language

DJANGO_CODES: dict[str, str] = {
    Language.ENGLISH: "en",
    Language.SIMPLIFIED_CHINESE: "zh-hans",
    Language.TRADITIONAL_CHINESE: "zh-hant",
    Language.JAPANESE: "ja",
    Language.KOREAN: "ko",
}


def django_code_of(language: str) -> str:
    """Return Django's code of a profile's language."""
    return DJANGO_CODES.get(language, DJANGO_CODES[Language.ENGLISH])


def current_language() -> str:
    """Return the active language under its name in a profile."""
    active = translation.get_language()
    return next(
        (name for name, code in DJANGO_CODES.items() if code == active), Language.ENGLISH.value
    )
