"""Sign webhooks as Standard Webhooks describes, and keep each user's secret."""

import base64
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook

from videos.models import WebhookSecret

FORMER_LIFETIME = timedelta(days=1)


def secret_of(user: AbstractBaseUser) -> WebhookSecret:
    """The secret that signs a user's webhooks; created on first use."""
    secret, _ = WebhookSecret.objects.get_or_create(
        user_id=user.pk, defaults={"secret": _new_secret()}
    )
    return secret


def change_secret(user: AbstractBaseUser) -> WebhookSecret:
    """Create a new secret; for FORMER_LIFETIME webhooks are also signed with the former one."""
    secret_of(user)
    WebhookSecret.objects.filter(user_id=user.pk).update(
        former=F("secret"), former_until=timezone.now() + FORMER_LIFETIME, secret=_new_secret()
    )
    return WebhookSecret.objects.get(user_id=user.pk)


def signed_headers(message_id: str, body: bytes, secret: WebhookSecret) -> dict[str, str]:
    """The headers of a webhook, with one signature for each valid secret."""
    now = timezone.now()
    keys = [secret.secret]
    if secret.former_until and secret.former_until > now:
        keys.append(secret.former)
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Firstlight/{settings.VERSION}",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(key).sign(message_id, now, body.decode()) for key in keys
        ),
    }


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
