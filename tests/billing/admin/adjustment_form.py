"""The form on which staff adjust the credits of a user."""

from typing import Any

from django.test import Client

from accounts.models import User


def submit(
    staff_client: Client,
    user: User,
    amount: int | str,
    reason: str = "Sorry",
    token: int = 1,
    **more: str,
) -> Any:
    more = more or {"confirm": "1"}
    asked = {"amount": amount, "days": 90, "reason": reason, "token": f"{token:032x}", **more}
    return staff_client.post(f"/admin/billing/account/{user.pk}/adjust/", asked)
