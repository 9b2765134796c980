"""Explain failed videos: what happened, that the credits were refunded, and what to change.

The engine's code and text are only read here; users never see them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from videos import content_rules
from videos.catalog import offers
from videos.models import Video


@dataclass(frozen=True)
class Remedy:
    """A suggestion: change `field` of the order, to `value` where one is known."""

    code: str
    text: str
    field: str | None = None
    value: str | int | None = None

    @property
    def is_choice(self) -> bool:
        """Whether the composer can preselect it."""
        return self.field in {"model", "size", "seconds"}


@dataclass(frozen=True)
class Explanation:
    code: str
    sentence: str
    returned: str
    remedy: Remedy | None


NOT_THE_PROMPT = _("The engine stopped. The cause was not your prompt.")
# For each of our codes: what happened, and the code of the remedy.
CAUSES: dict[str, tuple[Promise, str]] = {
    "moderation_blocked": (_("The content check stopped this prompt."), "rephrase"),
    "people_refused": (_("The engine does not accept images of real people."), "other_image"),
    "image_size": (_("The image did not fit the size of the video."), "fit_image"),
    "image_unreadable": (_("The engine could not read the image."), "other_image"),
    "prompt_too_long": (_("The prompt was too long for the engine."), "shorten_prompt"),
    "too_long": (_("The engine cannot make a video of this length."), "shorten"),
    "size_refused": (_("The engine cannot make a video of this size."), "other_size"),
    "invalid_request": (_("The engine could not process this order."), "other_model"),
    "unsupported": (_("The engine could not process this order."), "other_model"),
    "timeout": (_("The engine took too long. The cause was not your prompt."), "shorten"),
    "queue_timeout": (
        _("The order waited too long for an engine. The cause was not your prompt."),
        "wait",
    ),
    "submit_lost": (
        _("The engine did not accept the order. The cause was not your prompt."),
        "wait",
    ),
    "upstream_lost_job": (
        _("The engine lost this video. The cause was not your prompt."),
        "wait",
    ),
    "unclear_outcome": (
        _("The engine ended this video without a file. The cause was not your prompt."),
        "other_model",
    ),
    "result_unavailable": (
        _("We could not download the finished file. The cause was not your prompt."),
        "wait",
    ),
    "result_unplayable": (
        _("The engine made a file that cannot be played. The cause was not your prompt."),
        "other_model",
    ),
    "engine_out_of_memory": (
        _("The engine ran out of memory while it made this video."),
        "shorten",
    ),
    "upstream_out_of_credit": (_("The engine is not available at the moment."), "wait"),
    "upstream_auth": (_("The engine is not available at the moment."), "wait"),
    "internal_error": (NOT_THE_PROMPT, "other_model"),
    "generation_failed": (NOT_THE_PROMPT, "other_model"),
    "stopped_by_staff": (_("Our staff stopped this video."), "wait"),
    "cancelled": (_("You cancelled this."), ""),
}
# Codes of engines, and ours for the same failure.
CODE_ALIASES = {
    "content_policy_violation": "moderation_blocked",
    "content_filter": "moderation_blocked",
    "sentinel_block": "moderation_blocked",
    "video_generation_failed": "generation_failed",
    "server_error": "internal_error",
    "500": "internal_error",
    "501": "generation_failed",
    "400": "invalid_request",
    "422": "invalid_request",
    "invalid_value": "invalid_request",
    "result_expired": "result_unavailable",
    "foreign_result": "result_unavailable",
    "refused": "generation_failed",
    "no_such_model": "unsupported",
    "invalid_asset": "image_unreadable",
    "upstream_cancelled": "generation_failed",
    "upstream_canceled": "generation_failed",
    "upstream_aborted": "queue_timeout",
    "upstream_budget_exceeded": "upstream_out_of_credit",
    "upstream_expired": "timeout",
    "request_timeout": "timeout",
    "generation_timeout": "timeout",
    "startup_timeout": "queue_timeout",
}
# Patterns in the engine's message that tell why it rejected an order; the first match wins.
MESSAGE_PATTERNS = [
    (re.compile(words, re.IGNORECASE), code)
    for words, code in (
        (r"must match the requested width|image (size|dimensions?|resolution)", "image_size"),
        (r"real (people|person)|public figure|likeness|\bfaces?\b", "people_refused"),
        (
            r"(image|picture|input_reference)\b.*\b(readable|decode|read|corrupt|format|type)",
            "image_unreadable",
        ),
        (r"prompt\b.*\b(too long|length|at most|exceed|maximum|characters)", "prompt_too_long"),
        (r"\b(seconds|duration|n_frames|too long)\b", "too_long"),
        (r"\b(size|resolution|aspect_ratio)\b", "size_refused"),
    )
]


def explain(video: Video) -> Explanation | None:
    """Why a video ended without a file, and a remedy; None for other videos."""
    if not video.is_lost:
        return None
    code = _code_of(video)
    cause, remedy = CAUSES[code]
    sentence = str(cause)
    rule = content_rules.in_message(video.failure_detail) if code == "moderation_blocked" else ""
    if rule:
        sentence = gettext("The content check stopped this prompt: %(why)s.") % {"why": rule}
    if cause is NOT_THE_PROMPT and video.progress >= 1:
        stopped = gettext("The engine stopped at %(n)d%%. The cause was not your prompt.")
        sentence = stopped % {"n": video.progress}
    return Explanation(code, sentence, _describe_refund(video), _remedy(video, remedy))


def _describe_refund(video: Video) -> str:
    """What was returned; "" for a video that cost nothing."""
    back = ngettext(
        "Your %(n)d credit was returned.", "Your %(n)d credits were returned.", video.credits
    )
    return back % {"n": video.credits} if video.credits else ""


def sentence(video: Video) -> str:
    """Why a video ended without a file; "" for other videos."""
    found = explain(video)
    return found.sentence if found else ""


def cause_of_code(code: str) -> str:
    """What a failure code of ours or of an engine says, in a sentence."""
    code = CODE_ALIASES.get(code, code)
    return str(CAUSES.get(code, CAUSES["generation_failed"])[0])


def is_blocked(video: Video) -> bool:
    """Whether moderation stopped the video, under any engine's code for that."""
    return _code_of(video) == "moderation_blocked"


def _code_of(video: Video) -> str:
    if video.status == Video.Status.CANCELLED:
        return "cancelled"
    if video.status != Video.Status.FAILED:
        return video.failure_code if video.failure_code == "queue_timeout" else "timeout"
    code = CODE_ALIASES.get(video.failure_code, video.failure_code)
    code = code if code in CAUSES else "generation_failed"
    if code == "invalid_request":
        signs = (sign for words, sign in MESSAGE_PATTERNS if words.search(video.failure_detail))
        return next(signs, code)
    return code


# ---- remedies ----


def _remedy(video: Video, code: str) -> Remedy | None:
    """The remedy of this code if it is possible for this order, else to wait."""
    find = REMEDIES.get(code)
    if find is None:
        return None
    return find(video) or _wait(video)


def _wait(video: Video) -> Remedy:
    return Remedy("wait", gettext("Try again in a few minutes."))


def _rephrase(video: Video) -> Remedy:
    return Remedy("rephrase", gettext("Describe the scene in other words."), "prompt")


def _shorten_prompt(video: Video) -> Remedy:
    return Remedy("shorten_prompt", gettext("Shorten the prompt."), "prompt")


def _fit_image(video: Video) -> Remedy:
    if video.operation == Video.Operation.REFERENCE:  # which are sent in their own sizes
        return _other_image(video)
    text = gettext("Fit the image to %(size)s.") % {"size": video.size}
    return Remedy("fit_image", text, "input_reference", video.size)


def _other_image(video: Video) -> Remedy:
    is_reference = video.operation == Video.Operation.REFERENCE
    field = "reference_images" if is_reference else "input_reference"
    return Remedy("other_image", gettext("Use another image."), field)


def _shorten(video: Video) -> Remedy | None:
    offer = offers.find_made(video.model)
    shorter = [n for n in offer.lengths if n < video.seconds] if offer else []
    if not shorter:
        return None
    text = gettext("Choose a shorter video: %(n)d seconds.") % {"n": shorter[-1]}
    return Remedy("shorten", text, "seconds", shorter[-1])


def _other_size(video: Video) -> Remedy | None:
    offer = offers.find_made(video.model)
    sizes = [size for size in offer.by_size if size != video.size] if offer else []
    if not sizes:
        return None
    text = gettext("Choose another size: %(size)s.") % {"size": sizes[0]}
    return Remedy("other_size", text, "size", sizes[0])


def _other_model(video: Video) -> Remedy | None:
    if video.is_remix:  # it needs the model of its source
        return None
    asked, choices = (video.operation, video.size, video.seconds), offers.choices_of(video)
    for offer in offers.offered():
        # A list shows many failures, so that paused models are not asked for: no query for each.
        try:
            offers.check_values(offer.id, video.size, video.seconds)
        except offers.NotOffered:
            continue
        if offer.id != video.model and offers.engines_for(offer.id, *asked, choices=choices):
            text = gettext("Try another model: %(model)s.") % {"model": offer.label}
            return Remedy("other_model", text, "model", offer.id)
    return None


REMEDIES: dict[str, Callable[[Video], Remedy | None]] = {
    "rephrase": _rephrase,
    "shorten_prompt": _shorten_prompt,
    "fit_image": _fit_image,
    "other_image": _other_image,
    "shorten": _shorten,
    "other_size": _other_size,
    "other_model": _other_model,
    "wait": _wait,
}
