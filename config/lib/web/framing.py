"""Pages that other sites may show in a frame; all others forbid it."""

from django.http import HttpRequest


def let_others_frame(request: HttpRequest) -> None:
    """Let any site frame the answer; its view is exempt from X-Frame-Options besides."""
    request.may_be_framed = True  # type: ignore[attr-defined]


def may_be_framed(request: HttpRequest) -> bool:
    return getattr(request, "may_be_framed", False)
