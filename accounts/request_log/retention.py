"""How long the log of API calls is kept: REQUEST_LOG_DAYS, and MOST_PER_USER rows of a user."""

from uuid import UUID

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from accounts.models import ApiRequest
from config.lib import batches

MOST_PER_USER = 10_000


def delete_old(most: int = MOST_PER_USER) -> None:
    """Delete the rows that are too old, and of each user those beyond the newest ones."""
    before = timezone.now() - settings.REQUEST_LOG
    batches.delete(ApiRequest.objects.filter(created_at__lte=before))
    counted = ApiRequest.objects.order_by().values("user_id").annotate(rows=Count("pk"))
    for user_id in counted.filter(rows__gt=most).values_list("user_id", flat=True):
        trim(user_id, most)


def trim(user_id: UUID, most: int = MOST_PER_USER) -> None:
    """Delete the oldest rows of a user beyond `most`."""
    rows = ApiRequest.objects.filter(user_id=user_id)
    newest_too_many = rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1]
    for pk in newest_too_many:
        rows.filter(pk__lte=pk).delete()
