"""Languages: as a profile spells them, and as Django does."""

from django.utils import translation

from accounts.models import User

Language = User.Language

CODES: dict[str, str] = {
    Language.ENGLISH: "en",
    Language.SIMPLIFIED_CHINESE: "zh-hans",
    Language.TRADITIONAL_CHINESE: "zh-hant",
    Language.JAPANESE: "ja",
    Language.KOREAN: "ko",
}


def code_of(language: str) -> str:
    """Django's code of a profile's language."""
    return CODES.get(language, CODES[Language.ENGLISH])


def here() -> str:
    """The profile's word for the language that is spoken now."""
    spoken = translation.get_language()
    return next((name for name, code in CODES.items() if code == spoken), Language.ENGLISH.value)
