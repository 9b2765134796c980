"""Tags: the words that users put on their videos. This is the only module that writes them.

Names are equal whatever their case, accents' composition and width; the first spelling stays.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from config.lib import texts
from videos import feed
from videos.models import Tag, Video
from videos.models.tag import MAX_TAG

# Tags of one video, and of one user.
MOST_ON_VIDEO = 20
MOST_OF_USER = 500
Tagging = Tag.videos.through
# The commas of Latin, Chinese and Japanese texts.
SEPARATORS = re.compile("[,，、\r\n]")


class BadTag(ValueError):
    """The text is no tag; nothing was written."""


class TooManyTags(BadTag):
    """The video or the user would have more tags than allowed; nothing was written."""


def name_of(text: str) -> str:
    """Return a text as the name of a tag: one line, without needless spaces.

    Raises BadTag for one that shows nothing, is too long or contains a comma.
    """
    name = " ".join(unicodedata.normalize("NFC", texts.without_controls(text)).split())
    if texts.is_blank(name):
        raise BadTag(_("A tag needs a letter, a digit or a symbol."))
    if max(len(name), len(texts.search_key(name))) > MAX_TAG:
        raise BadTag(_("A tag has at most %(n)d characters.") % {"n": MAX_TAG})
    if SEPARATORS.search(name):
        raise BadTag(_("A tag contains no comma."))
    return name


def split(text: str) -> list[str]:
    """Return the names of the tags in a text, between commas. Raises BadTag."""
    return [name_of(part) for part in SEPARATORS.split(text) if not texts.is_blank(part)]


def tags_of(user: AbstractBaseUser) -> QuerySet[Tag]:
    """Return a user's tags in their order, those that a kept video has."""
    kept = Video.objects.filter(tags=OuterRef("pk"), deleted_at=None)
    return Tag.objects.filter(Exists(kept), user_id=user.pk)


def add(videos: Sequence[Video], names: Iterable[str]) -> int:
    """Put these tags on videos of one user; return how many of the videos lacked one.

    Safe to repeat. Raises TooManyTags, then none of the videos is changed.
    """
    if not videos:
        return 0
    ids = [video.pk for video in videos]
    with feed.lock(videos[0].user_id):
        found = _find_or_create(videos[0].user_id, _by_key(names))
        rows = Tagging.objects.filter(video_id__in=ids).values_list("video_id", "tag_id")
        before = set(rows)
        new = [(pk, tag.pk) for pk in ids for tag in found if (pk, tag.pk) not in before]
        numbers = Counter(pk for pk, _tag in [*before, *new])
        _check_number(max(numbers.values(), default=0))
        Tagging.objects.bulk_create(Tagging(video_id=pk, tag_id=tag) for pk, tag in new)
    return len({pk for pk, _tag in new})


def replace(video: Video, names: Iterable[str]) -> None:
    """Give a video these tags and no others. Raises TooManyTags, then nothing is changed."""
    wanted = _by_key(names)
    _check_number(len(wanted))
    with feed.lock(video.user_id):
        video.tags.set(_find_or_create(video.user_id, wanted))
        _delete_unused(video.user_id)


def remove(video: Video, name: str) -> None:
    """Take a tag off a video; one that it does not have is ignored."""
    with feed.lock(video.user_id):
        video.tags.remove(*video.tags.filter(key=texts.search_key(name)))
        _delete_unused(video.user_id)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(texts.search_key(name), name)
    return found


def _find_or_create(user_id: UUID, wanted: dict[str, str]) -> list[Tag]:
    """Return the user's tags of these names; the feed must be locked. Raises TooManyTags."""
    own = Tag.objects.filter(user_id=user_id)
    known = {tag.key: tag for tag in own.filter(key__in=wanted)}
    new = [Tag(user_id=user_id, key=key, name=wanted[key]) for key in wanted if key not in known]
    if new and own.count() + len(new) > MOST_OF_USER:
        raise TooManyTags(_("You have %(n)d tags, which is the most.") % {"n": MOST_OF_USER})
    return [*known.values(), *Tag.objects.bulk_create(new)]


def _check_number(number: int) -> None:
    if number > MOST_ON_VIDEO:
        raise TooManyTags(_("A video has at most %(n)d tags.") % {"n": MOST_ON_VIDEO})


def _delete_unused(user_id: UUID) -> None:
    Tag.objects.filter(user_id=user_id, videos=None).delete()
