"""What a notification says, in the language of its user."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.models import Video
from videos.push.messages import Notification


@dataclass(frozen=True)
class NotificationText:
    """A notification as the service worker shows it; one with the same tag replaces another."""

    title: str
    body: str
    url: str
    tag: str
    lang: str


def compose(notification: Notification) -> NotificationText:
    """Return what to say about the ended videos of one browser."""
    videos = [message.video for message in notification.messages]
    language = notification.subscription.user.language or settings.LANGUAGE_CODE
    with translation.override(language):
        if len(videos) > 1:
            return NotificationText(
                settings.SITE_NAME, _sums(videos), reverse("library"), "library", language
            )
        (video,) = videos
        url = reverse("video", args=[video.pk])
        return NotificationText(_title(video), video.display_title, url, str(video.pk), language)


def _title(video: Video) -> str:
    if video.status == Video.Status.SUCCEEDED:
        return _("Your video is ready")
    if not video.credits:
        return _("Your video failed")
    text = ngettext(
        "Your video failed. %(n)d credit was returned.",
        "Your video failed. %(n)d credits were returned.",
        video.credits,
    )
    return text % {"n": video.credits}


def _sums(videos: list[Video]) -> str:
    ready = sum(video.status == Video.Status.SUCCEEDED for video in videos)
    failed = len(videos) - ready
    parts = []
    if ready:
        text = ngettext("%(n)d video is ready.", "%(n)d videos are ready.", ready)
        parts.append(text % {"n": ready})
    if failed:
        text = ngettext("%(n)d video failed.", "%(n)d videos failed.", failed)
        parts.append(text % {"n": failed})
    return " ".join(parts)
