"""A first look: a staff user, a demo user with credits, and a few clips made the ordinary way."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.people import signup
from billing.ledger import credits
from config.ops.checks import FIRST_ACCOUNTS
from showcase import gallery
from videos.catalog import offers
from videos.engines.base import is_sandbox
from videos.jobs import orders
from videos.models import Video

USERNAME, PASSWORD = "demo", FIRST_ACCOUNTS["demo"]
CREDITS = 900
LANDSCAPE, PORTRAIT = "1280x720", "720x1280"
PROMPTS = (
    (
        _("Storm over the ridges"),
        "Lightning behind dark mountain ridges at night, rain in the valley, wide and still",
        LANDSCAPE,
    ),
    (
        _("A tent under the lights"),
        "Northern lights above a frozen lake, a tent on the shore, stars overhead",
        LANDSCAPE,
    ),
    (
        _("Ink"),
        "Abstract ink unfolds in clear water, violet and gold, seen from very close",
        PORTRAIT,
    ),
    (
        _("Noon at the beach"),
        "Waves roll onto a quiet beach at noon, low camera, glitter on the water",
        LANDSCAPE,
    ),
)


class Command(BaseCommand):
    help = "Create the demo people and order their clips; never in production."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Not in production.")
        people()
        clips()
        self.stdout.write(f"Sign in as {USERNAME} / {PASSWORD}.")


def exists() -> bool:
    return not settings.PRODUCTION and User.objects.filter(username=USERNAME).exists()


def has_clips() -> bool:
    """Return whether the demo user has any videos."""
    return Video.objects.filter(user__username=USERNAME).exists()


def people() -> None:
    """Create admin (password admin, from this machine only) and the demo user; safe to repeat."""
    if not User.objects.filter(username="admin").exists():
        admin = signup.open_account(
            "admin",
            "",
            FIRST_ACCOUNTS["admin"],
            is_staff=True,
            is_superuser=True,
            by_operator=True,
        )
        User.objects.filter(pk=admin.pk).update(must_change_password=True)
    if not User.objects.filter(username=USERNAME).exists():
        user = signup.open_account(
            USERNAME,
            "demo@example.com",
            PASSWORD,
            display_name="Demo",
            by_operator=True,
            is_verified=True,
        )
        credits.grant(
            user,
            CREDITS,
            credits.Kind.EARNED,
            f"demo:{user.pk}",
            expires_at=timezone.now() + timedelta(days=365),
            purpose=credits.Purpose("demo", "", "Demo credits"),
        )


def clips() -> None:
    """Order the demo user's clips at the sandbox engine, unless there are any.

    They are rendered like all others, and the showcase shows each as soon as it is finished. From
    a real engine they would cost the operator money.
    """
    user, model = User.objects.get(username=USERNAME), offers.default_model()
    makers = offers.engines_for(model.id)
    is_free = all(map(is_sandbox, makers))
    if not makers or not is_free or Video.objects.filter(user=user).exists():
        return
    for title, prompt, size in PROMPTS:
        order = orders.VideoOrder(prompt, model.id, model.size_like(size), model.default_seconds)
        video = orders.submit(user, order)
        gallery.publish_when_finished(video, title)
