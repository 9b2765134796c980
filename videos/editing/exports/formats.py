"""The formats that a video can be exported to, and which of them this machine can make."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.editing.film import encodings

DESTINATION, FILM, PICTURES, SOUND = "destination", "film", "pictures", "sound"
GROUPS: dict[str, Promise] = {
    DESTINATION: _("Destinations"),
    FILM: _("Video"),
    PICTURES: _("Pictures"),
    SOUND: _("Sound"),
}


@dataclass(frozen=True)
class Format:
    """`encoding` is one of `encodings.ALL`; the picture has at most `most_size`, or its own.

    A format with an `aspect` brings the picture to that shape.
    """

    name: str
    group: str
    label: Promise
    about: Promise
    encoding: str
    media_type: str
    suffix: str
    aspect: str = ""
    most_size: tuple[int, int] = (8192, 8192)
    most_bits: int = 0

    @property
    def encoders(self) -> tuple[str, ...]:
        return encodings.ALL[self.encoding].encoders

    @property
    def container(self) -> str:
        return encodings.ALL[self.encoding].container

    @property
    def is_animation(self) -> bool:
        return self.encoding in encodings.ANIMATIONS


def _h264(name: str, group: str, label: Promise, about: Promise, **most: Any) -> Format:
    return Format(name, group, label, about, "h264", "video/mp4", "mp4", **most)


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        _h264(
            "youtube", DESTINATION, _("YouTube, 16:9"),
            _("MP4 for pages and televisions: wide, up to 1920×1080."),
            aspect="16:9", most_size=(1920, 1080), most_bits=12_000_000,
        ),
        _h264(
            "vertical", DESTINATION, _("Shorts, Reels and TikTok, 9:16"),
            _("MP4 for phones held upright, up to 1080×1920."),
            aspect="9:16", most_size=(1080, 1920), most_bits=10_000_000,
        ),
        _h264(
            "square", DESTINATION, _("Feeds, 1:1"),
            _("A square MP4 for posts, up to 1080×1080."),
            aspect="1:1", most_size=(1080, 1080), most_bits=8_000_000,
        ),
        _h264(
            "mp4", FILM, _("MP4 (H.264)"), _("Plays everywhere and starts before it is loaded."),
        ),
        Format(
            "hevc", FILM, _("MP4 (HEVC)"),
            _("About half the size of H.264, for newer phones, Macs and televisions."),
            encoding="hevc", media_type="video/mp4", suffix="mp4",
        ),
        Format(
            "av1", FILM, _("MP4 (AV1)"),
            _("The smallest file, for current browsers and players."),
            encoding="av1", media_type="video/mp4", suffix="mp4",
        ),
        Format(
            "webm", FILM, _("WebM (VP9)"), _("For web pages, without licensed formats."),
            encoding="vp9", media_type="video/webm", suffix="webm",
        ),
        Format(
            "gif", PICTURES, _("GIF"), _("Moves in chats and mails; small, few colours, no sound."),
            encoding="gif", media_type="image/gif", suffix="gif",
        ),
        Format(
            "webp", PICTURES, _("Animated WebP"),
            _("As a GIF, with all colours, for web pages."),
            encoding="webp", media_type="image/webp", suffix="webp",
        ),
        Format(
            "png", PICTURES, _("All frames (PNG in a ZIP)"),
            _("Every frame without loss, for video and image programs."),
            encoding="png", media_type="application/zip", suffix="zip",
        ),
        Format(
            "sheet", PICTURES, _("Contact sheet (JPEG)"),
            _("Twenty frames with their times on one picture."),
            encoding="jpeg", media_type="image/jpeg", suffix="jpg",
        ),
        Format(
            "m4a", SOUND, _("Sound (M4A)"), _("The sound alone as AAC."),
            encoding="m4a", media_type="audio/mp4", suffix="m4a",
        ),
        Format(
            "mp3", SOUND, _("Sound (MP3)"), _("The sound alone, for any player."),
            encoding="mp3", media_type="audio/mpeg", suffix="mp3",
        ),
        Format(
            "wav", SOUND, _("Sound (WAV)"), _("The sound alone, for sound programs."),
            encoding="wav", media_type="audio/wav", suffix="wav",
        ),
    )
}  # fmt: skip


def offered(can: Callable[[Format], bool] | None = None) -> list[Format]:
    """The formats that this machine can make and the operator has not switched off."""
    can = can or can_be_made
    off = set(settings.EXPORT_FORMATS_OFF)
    return [each for each in FORMATS.values() if each.name not in off and can(each)]


def find(name: str) -> Format | None:
    """The offered format with this name."""
    return next((each for each in offered() if each.name == name), None)


@cache
def can_be_made(form: Format) -> bool:
    """Whether this machine's FFmpeg has what the format needs; asked once per process."""
    import av  # noqa: PLC0415 - 17 MB, which a process without exports never needs

    return lacks_nothing(form, _encoders_of(av), av.formats_available)


def lacks_nothing(
    form: Format, has_encoder: Callable[[str], bool], containers: Iterable[str]
) -> bool:
    """Whether a machine with these encoders and containers can make the format."""
    is_written = not form.container or form.container in set(containers)
    return is_written and all(has_encoder(name) for name in form.encoders)


def _encoders_of(av: Any) -> Callable[[str], bool]:
    def has(name: str) -> bool:
        try:
            return bool(av.Codec(name, "w").is_encoder)
        except av.codec.codec.UnknownCodecError:
            return False

    return has
