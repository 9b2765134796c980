"""Staff change packages and give a reason."""

from django.test import Client

from billing.payments import packages
from tests.billing.admin import audit_log


def test_package_is_changed_when_staff_give_a_reason(staff_client: Client) -> None:
    fields = {"key": "mega", "name": "Mega", "credits": 9, "price_minor": 100, "currency": "CNY"}
    url = "/admin/billing/packageoverride/"
    assert staff_client.post(f"{url}add/", {**fields, "is_active": "on"}).status_code == 200
    unknown = {**fields, "currency": "GBP", "is_active": "on", "reason": "Spring"}
    assert staff_client.post(f"{url}add/", unknown).status_code == 200
    assert "mega" not in packages.on_sale()
    staff_client.post(f"{url}add/", {**fields, "is_active": "on", "reason": "Spring"})
    assert packages.get("mega").credits == 9
    staff_client.post(f"{url}mega/change/", {**fields, "credits": 10, "reason": "Kinder"})
    assert "mega" not in packages.on_sale()
    assert audit_log.log_messages()[1:] == ["credits 10, is_active False: Kinder"]
    assert audit_log.log_messages()[0].endswith(": Spring")


def test_package_is_not_deleted_when_staff_try(staff_client: Client) -> None:
    assert staff_client.post("/admin/billing/packageoverride/mega/delete/").status_code in {
        302,
        403,
    }
