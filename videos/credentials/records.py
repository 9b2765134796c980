"""Remember the origin of stored files, and find the video that a file is a copy of.

What is found is only whether there is one: whose it is and what was asked for stays here. A deleted
video is still recognised; when its owner's account is erased, its traces go too.
"""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from config.lib import clock
from videos.credentials import frame_hashes
from videos.credentials.origins import Origin
from videos.models import ContentCredential, FrameHash, PromptDisclosure, Video

BANDS = ("band_1", "band_2", "band_3", "band_4")
# So many films are compared, those first that have parts of the most frames in common: by chance a
# few hundred of a million have one in common.
MOST_CANDIDATES = 200


def record(video_id: UUID, sha256: str, origin: Origin) -> None:
    """Remember the origin of a stored file in place of what was remembered before."""
    rows = [
        _row(video_id, place, bits) for place, bits in enumerate(origin.frames) if bits is not None
    ]
    facts = {
        "sha256": sha256,
        "manifest": origin.manifest,
        "signer": origin.signer[:200],
        "error": origin.error,
        "made_at": clock.now(),
    }
    with transaction.atomic():
        ContentCredential.objects.update_or_create(video_id=video_id, defaults=facts)
        FrameHash.objects.filter(video_id=video_id).delete()
        FrameHash.objects.bulk_create(rows)


def forget(user: AbstractBaseUser) -> None:
    """Forget by what the videos of a user are recognised."""
    ContentCredential.objects.filter(video__user_id=user.pk).delete()
    FrameHash.objects.filter(video__user_id=user.pk).delete()
    PromptDisclosure.objects.filter(user_id=user.pk).delete()


def of_video(video: Video) -> ContentCredential | None:
    """What the file of a finished video says of its origin; None where nothing is known."""
    if video.status != Video.Status.SUCCEEDED:
        return None
    return ContentCredential.objects.filter(video_id=video.pk).first()


def is_known_file(sha256: str) -> bool:
    """Whether a file with exactly these bytes was stored here."""
    return ContentCredential.objects.filter(sha256=sha256).exists()


def is_known_film(frames: Sequence[int | None]) -> bool:
    """Whether a video was made here that looks the same, by `frame_hashes.hashes_of`."""
    wanted: dict[str, list[int]] = {band: [] for band in BANDS}
    for place, bits in enumerate(frames):
        if bits is not None:
            for band, value in _bands(place, bits).items():
                wanted[band].append(value)
    if not wanted[BANDS[0]]:
        return False
    shares = Q()
    for band, values in wanted.items():
        shares |= Q(**{f"{band}__in": values})
    alike = FrameHash.objects.filter(shares).values("video_id").annotate(frames=Count("pk"))
    ids = [row["video_id"] for row in alike.order_by("-frames")[:MOST_CANDIDATES]]
    films: dict[UUID, list[int | None]] = {}
    for row in FrameHash.objects.filter(video_id__in=ids):
        film = films.setdefault(row.video_id, [None] * len(frame_hashes.MOMENTS))
        film[row.place] = row.bits & (1 << 64) - 1
    return any(frame_hashes.is_same_film(film, frames) for film in films.values())


def failed() -> QuerySet[ContentCredential]:
    """Of the videos that should have content credentials and have none."""
    return ContentCredential.objects.exclude(error="").filter(video__deleted_at=None)


def last_error() -> str:
    """Why the last one of them has none; "" if there is none."""
    rows = failed().order_by("-made_at")
    return rows.values_list("error", flat=True).first() or ""


def discloses_prompts(user: AbstractBaseUser) -> bool:
    """Whether the prompts of this user's new videos are written into their files."""
    return PromptDisclosure.objects.filter(user_id=user.pk).exists()


def disclose_prompts(user: AbstractBaseUser, wanted: bool) -> None:
    """Write the prompts of a user's new videos into their files, or not. Safe to repeat."""
    if wanted:
        since = {"since": clock.now()}
        PromptDisclosure.objects.get_or_create(user_id=user.pk, defaults=since)
    else:
        PromptDisclosure.objects.filter(user_id=user.pk).delete()


def unsigned() -> Q:
    """Which videos `manage.py sign_videos` has to sign: stored here and without a manifest."""
    stored = Q(status=Video.Status.SUCCEEDED, deleted_at=None, file_stays_at_engine=False)
    return stored & ~Q(file="") & (Q(credential=None) | Q(credential__manifest=""))


def _row(video_id: UUID, place: int, bits: int) -> FrameHash:
    signed = bits - (1 << 64) if bits >> 63 else bits
    return FrameHash(video_id=video_id, place=place, bits=signed, **_bands(place, bits))


def _bands(place: int, bits: int) -> dict[str, int]:
    """The four parts of a frame's number, each with the frame's place before it."""
    return {band: place << 16 | bits >> 16 * number & 0xFFFF for number, band in enumerate(BANDS)}
