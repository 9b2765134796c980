"""How long the events of Stripe are kept."""

from django.conf import settings
from django.utils import timezone

from billing.models import StripeEvent
from config.lib import batches

State = StripeEvent.State
# Others are still to be processed, or to be looked at by staff.
FINISHED = (State.DONE, State.IGNORED, State.UNMATCHED)


def delete_old() -> int:
    """Delete finished events STRIPE_EVENT_DAYS after they came; return how many; 0 keeps all."""
    if not settings.STRIPE_EVENT_KEPT:
        return 0
    before = timezone.now() - settings.STRIPE_EVENT_KEPT
    return batches.delete(StripeEvent.objects.filter(state__in=FINISHED, received_at__lt=before))
