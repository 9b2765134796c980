"""What allauth's OAuth provider asks us: who issues tokens, for what, and what scopes mean."""

from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from accounts.auth import oauth

SEE, SEE_ALL = (
    gettext_lazy("See your videos"),
    gettext_lazy("See your videos and how many credits you have"),
)
ORDER, ORDER_AND_PAY = (
    gettext_lazy("Order, cancel and delete videos"),
    gettext_lazy("Order videos with your credits, and cancel or delete videos"),
)


class AgentAdapter(DefaultOIDCAdapter):  # type: ignore[misc]
    @property
    def scope_display(self) -> dict[str, Any]:
        """What the page that asks for consent says of each scope."""
        read, generate = oauth.SCOPES
        if settings.BILLING:
            return {read: SEE_ALL, generate: ORDER_AND_PAY}
        return {read: SEE, generate: ORDER}

    def get_issuer(self) -> str:
        return str(settings.BASE_URL)

    def validate_resource_uris(self, *, uris: list[str], **kwargs: Any) -> None:
        """Refuse tokens for anything but /mcp. Raises ValidationError."""
        if any(uri.rstrip("/") != oauth.resource() for uri in uris):
            raise ValidationError(f"The only resource here is {oauth.resource()}.")
