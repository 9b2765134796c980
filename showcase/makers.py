"""Makers: users who agreed that the showcase names them, and their pages."""

import secrets

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import slugify

from accounts.models import User
from showcase.models import Clip, Maker

SLUG_CHARACTERS = 36


def public() -> QuerySet[Maker]:
    """Return the makers with a page: they have a display name, and staff published a clip."""
    clips = Clip.objects.public().order_by().filter(video__user=OuterRef("user"))
    shown = Maker.objects.filter(Exists(clips), is_public=True, user__is_active=True)
    return shown.exclude(user__display_name="").select_related("user")


def publish(user: User, about: str) -> Maker:
    """Name the user beside clips, and open the page; without a display name nobody sees it."""
    word = slugify(user.display_name)[:SLUG_CHARACTERS] or "maker"
    maker, _made = Maker.objects.get_or_create(
        user=user, defaults={"slug": f"{word}-{secrets.token_hex(3)}"}
    )
    maker.about, maker.is_public = about, True
    maker.save(update_fields=["about", "is_public"])
    return maker


def hide(user: User) -> None:
    """Close the page and name the user nowhere. Safe to repeat."""
    Maker.objects.filter(user=user).update(is_public=False)


def maker_of(clip: Clip) -> Maker | None:
    """Return the maker who may be named beside a clip, without a query."""
    user = clip.video.user
    maker: Maker | None = getattr(user, "maker", None)
    named = maker and maker.is_public and user.is_active and user.display_name
    return maker if named else None


def delete_erased() -> None:
    """Delete what erased users wrote about themselves. Safe to repeat."""
    Maker.objects.filter(user__erased_at__isnull=False).delete()
