"""The log of API calls that users see."""

from django.db import models

from accounts.models.api_key import ApiKey
from accounts.models.user import User


class ApiRequest(models.Model):
    """One call of the API, made with a token or an API key; see accounts.request_log.

    Rows are written some time after the call. The user or the key may be gone by then, and the
    others of a batch must be kept, so the database does not check these two references.
    """

    user = models.ForeignKey(
        User, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    # None when a token of a sign-in was used.
    api_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    took_ms = models.PositiveIntegerField()
    # What the orders of this call cost.
    credits = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="api_request_newest")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"
