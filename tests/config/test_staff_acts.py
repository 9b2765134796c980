"""Every act of staff: who may do it, and the line it leaves in the audit log.

The table is in docs/operations.md. Each act is tried by staff without its permission, by staff with
nothing but its permission, and by the same without the second factor that the site asks for.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import LazySettings
from django.conf import settings as configured
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from billing.models import PackageOverride, Payment, ReferralProgram, StripeEvent
from config.lib.models import OutgoingEmail
from showcase import gallery
from showcase.models import AbuseReport, Feedback
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import (  # noqa: F401 - fixtures
    _checked_stripe_calls,
    stripe_server,
)
from tests.conftest import ServerThread, create_user, signed_in
from tests.videos.conftest import completed, failed, failed_delivery, order, running, unfetched
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.account import deletion
from videos.models import PausedModel, Price, RejectedPrompt, Video

PAGE = (configured.BASE_DIR / "docs" / "operations.md").read_text()
PASSWORD = "another-long-passphrase"
REASON = {"reason": "Why"}
CONFIRMED = {**REASON, "confirm": "1"}


class Row(NamedTuple):
    """A row of the table."""

    act: str
    where: str
    permission: str
    second_factor: str
    audit_line: str


def rows() -> list[Row]:
    section = PAGE.split("## What staff may do", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [
        Row(*(cell.strip().strip("`") for cell in line.strip("|").split("|"))) for line in lines
    ]


ROWS = {row.act: row for row in rows()}
BY_COMMAND = "shell access"
SUPERUSER = "superuser"


class Staff(NamedTuple):
    """A member of staff, in a browser and with the API."""

    user: User
    page: Client
    api: APIClient

    def choose(self, action: str, row: Model, **more: str) -> Any:
        """Send an action of a list."""
        options = row._meta
        url = f"/admin/{options.app_label}/{options.model_name}/"
        return self.page.post(url, {"action": action, "_selected_action": [row.pk], **more})

    def save(self, row: Model | str, **fields: object) -> Any:
        """Send the form of a row, or of a new row of a model."""
        if isinstance(row, str):
            return self.page.post(f"/admin/{row}/add/", fields)
        options = row._meta
        return self.page.post(
            f"/admin/{options.app_label}/{options.model_name}/{row.pk}/change/", fields
        )


Act = Callable[[Staff], Any]
Prepare = Callable[[User, bytes], Act]


def refund_on_the_page(alice: User, _mp4: bytes) -> Act:
    payment = stripe_sandbox.create_paid_payment(alice)
    form = {**CONFIRMED, "amount": "9.90", "token": "t"}
    return lambda staff: staff.page.post(f"/admin/billing/payment/{payment.pk}/refund/", form)


def refund_by_api(alice: User, _mp4: bytes) -> Act:
    payment = stripe_sandbox.create_paid_payment(alice)
    body = {"payment_id": str(payment.pk), **REASON}
    return lambda staff: staff.api.post("/api/payments/stripe/refund", body, format="json")


def payment_under_review(alice: User) -> Payment:
    payment = payment_events.create_payment(alice)
    payment_events.deliver(payment_events.checkout_completed(payment, amount_total=980))
    return payment_events.reload(payment)


def decide(decision: str) -> Prepare:
    def prepare(alice: User, _mp4: bytes) -> Act:
        payment = payment_under_review(alice)
        form = {**CONFIRMED, f"question:{payment.pk}": payment.review_reason}
        return lambda staff: staff.choose(decision, payment, **form)

    return prepare


def process_event(alice: User, _mp4: bytes) -> Act:
    payment_under_review(alice)
    event = StripeEvent.objects.get()
    return lambda staff: staff.choose("process_again", event)


def adjust_credits(alice: User, _mp4: bytes) -> Act:
    form = {**CONFIRMED, "amount": "5", "days": "9", "token": "1" * 32}
    return lambda staff: staff.page.post(f"/admin/billing/account/{alice.pk}/adjust/", form)


PACKAGE = {
    "name": "Mega", "credits": "9", "price_minor": "100", "currency": "CNY", "is_active": "on",
    **REASON,
}  # fmt: skip


def add_package(_alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.save("billing/packageoverride", key="mega", **PACKAGE)


def change_package(_alice: User, _mp4: bytes) -> Act:
    row = PackageOverride.objects.create(key="mega", name="Mega", credits=8, price_minor=100)
    return lambda staff: staff.save(row, **PACKAGE)


def switch_referrals(_alice: User, _mp4: bytes) -> Act:
    row, _is_new = ReferralProgram.objects.get_or_create(pk=1)
    return lambda staff: staff.save(row, **REASON)


def set_price(_alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.save("videos/price", kind="text", model="sora-2", credits="21")


def change_price(_alice: User, _mp4: bytes) -> Act:
    row = Price.objects.create(kind="text", model="sora-2", credits=21)
    return lambda staff: staff.save(row, kind="text", model="sora-2", credits="22")


def pause_model(_alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.save("videos/pausedmodel", model="sora-2", sentence="Back at nine.")


def change_pause(_alice: User, _mp4: bytes) -> Act:
    row = PausedModel.objects.create(model="sora-2", sentence="Back soon.")
    return lambda staff: staff.save(row, model="sora-2", sentence="Back at nine.")


def act_on_video(name: str) -> Prepare:
    def prepare(alice: User, _mp4: bytes) -> Act:
        states: dict[str, Callable[[Video], Video]] = {"retry": failed, "fetch_again": unfetched}
        video = states.get(name, running)(order(alice))
        url = f"/admin/videos/video/{video.pk}/actions/{name}/"
        return lambda staff: staff.page.post(url, {**REASON, "token": "1" * 32})

    return prepare


def ask_engine(_alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.page.post("/admin/videos/enginecircuit/sandbox/ask/")


def send_webhook_again(alice: User, _mp4: bytes) -> Act:
    row = failed_delivery(alice)
    return lambda staff: staff.choose("send_again", row)


def send_email_again(alice: User, _mp4: bytes) -> Act:
    now = timezone.now()
    row = OutgoingEmail.objects.create(
        user=alice, kind="receipt", recipient=alice.email, state="given_up", created_at=now,
        round_started_at=now,
    )  # fmt: skip
    return lambda staff: staff.choose("send_again", row)


def overrule(alice: User, _mp4: bytes) -> Act:
    row = RejectedPrompt.objects.create(user=alice, prompt="A duel", categories=["violence"])
    return lambda staff: staff.page.post(f"/admin/videos/rejectedprompt/{row.pk}/overrule/", REASON)


def decide_report(way: str) -> Prepare:
    def prepare(alice: User, mp4: bytes) -> Act:
        clip = gallery.offer(completed(order(alice), mp4))
        report = AbuseReport.objects.create(subject=str(clip.video_id), reason="other")
        url = f"/admin/showcase/abusereport/{report.pk}/decide/{way}/"
        return lambda staff: staff.page.post(url, REASON)

    return prepare


def close_feedback(_alice: User, _mp4: bytes) -> Act:
    row = Feedback.objects.create(text="Folders, please")
    return lambda staff: staff.choose("close", row)


def act_on_clip(name: str) -> Prepare:
    def prepare(alice: User, mp4: bytes) -> Act:
        first, second = [gallery.offer(completed(order(alice), mp4)) for _n in range(2)]
        if name == "hide":
            gallery.publish(type(first).objects.all())
        if name == "move":
            return lambda staff: staff.page.post(f"/admin/showcase/clip/{second.pk}/move/up/")
        return lambda staff: staff.choose(name, first)

    return prepare


def act_on_user(action: str) -> Prepare:
    def prepare(alice: User, _mp4: bytes) -> Act:
        if action == "unlock":
            User.objects.filter(pk=alice.pk).update(is_active=False)
        if action == "restore":
            deletion.request_deletion(alice)
        return lambda staff: staff.choose(action, alice, **CONFIRMED)

    return prepare


def add_user(_alice: User, _mp4: bytes) -> Act:
    form = {"username": "vera", "password1": PASSWORD, "password2": PASSWORD}
    return lambda staff: staff.save("accounts/user", usable_password="true", **form)


def change_user(alice: User, _mp4: bytes) -> Act:
    form = {"username": "alice", "email": "new@example.com", "language": "en"}
    return lambda staff: staff.save(alice, **form)


def set_password(alice: User, _mp4: bytes) -> Act:
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    return lambda staff: staff.page.post(f"/admin/accounts/user/{alice.pk}/password/", form)


def write_note(alice: User, _mp4: bytes) -> Act:
    form = {"text": "Asked for a receipt"}
    return lambda staff: staff.page.post(f"/admin/accounts/user/{alice.pk}/note/", form)


def view_as(alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.page.post(f"/admin/accounts/user/{alice.pk}/view-as/", REASON)


def make_staff(alice: User, _mp4: bytes) -> Act:
    form = {"username": "alice", "email": alice.email, "language": "en", "is_staff": "on"}
    return lambda staff: staff.save(alice, **form)


def add_group(_alice: User, _mp4: bytes) -> Act:
    return lambda staff: staff.save("auth/group", name="Support")


ACTS: dict[str, Prepare] = {
    "refund a payment": refund_on_the_page,
    "refund a payment by API": refund_by_api,
    "accept a payment under review": decide("accept"),
    "dismiss the review of a payment": decide("dismiss"),
    "process a Stripe event again": process_event,
    "give or take credits": adjust_credits,
    "add a package of credits": add_package,
    "change or withdraw a package": change_package,
    "switch referrals off or on": switch_referrals,
    "set the price of a model": set_price,
    "change a price": change_price,
    "pause a model": pause_model,
    "change what users are told of a paused model": change_pause,
    "poll the engine for a video now": act_on_video("fetch"),
    "fail a video and refund its credits": act_on_video("fail"),
    "fetch the file of a failed video again": act_on_video("fetch_again"),
    "order a failed video again": act_on_video("retry"),
    "ask an engine whether it can be used": ask_engine,
    "send a webhook again": send_webhook_again,
    "send an e-mail again": send_email_again,
    "overrule a rejected prompt": overrule,
    "hide a reported video": decide_report("hide"),
    "close a report without hiding": decide_report("keep"),
    "close feedback": close_feedback,
    "publish a clip": act_on_clip("publish"),
    "hide a clip": act_on_clip("hide"),
    "move a clip": act_on_clip("move"),
    "lock a user": act_on_user("lock"),
    "unlock a user": act_on_user("unlock"),
    "restore an account": act_on_user("restore"),
    "add a user": add_user,
    "change a user": change_user,
    "write a note about a user": write_note,
    "see pages as a user sees them": view_as,
    "set a user's password": set_password,
    "make a user staff": make_staff,
    "add or change a group": add_group,
}


def staff_with(name: str, permissions: list[Permission], *, superuser: bool = False) -> Staff:
    user = create_user(name, is_staff=True, is_superuser=superuser)
    user.user_permissions.set(permissions)
    page = Client()
    page.force_login(user)
    return Staff(user, page, signed_in(user))


def viewing() -> list[Permission]:
    """Every permission to look at something."""
    return list(Permission.objects.filter(codename__startswith="view_"))


def everything() -> list[Permission]:
    return list(Permission.objects.select_related("content_type"))


def name_of(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


@pytest.fixture
def act(
    request: pytest.FixtureRequest,
    stripe_server: ServerThread,  # noqa: F811
    alice: User,
    mp4: bytes,
) -> Act:
    credits.grant(alice, 500, credits.Kind.BONUS, "for many orders", expires_at=None)
    return ACTS[request.param](alice, mp4)


def audit_lines() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.all()]


@pytest.mark.parametrize(("act", "name"), [(name, name) for name in ACTS], indirect=["act"])
def test_act_is_refused_when_staff_lack_its_permission(act: Act, name: str) -> None:
    lacking = ROWS[name].permission.split("`")[0]
    act(staff_with("helper", [p for p in everything() if name_of(p) != lacking]))
    assert [line for line in audit_lines() if line != "No fields changed."] == []


@pytest.mark.parametrize(("act", "name"), [(name, name) for name in ACTS], indirect=["act"])
def test_act_leaves_its_audit_line_when_staff_have_its_permission(act: Act, name: str) -> None:
    row = ROWS[name]
    names = set(re.split("` and `", row.permission))
    own = [p for p in everything() if name_of(p) in names]
    is_superuser = row.permission == SUPERUSER
    assert bool(own) is not is_superuser
    act(staff_with("helper", viewing() + own, superuser=is_superuser))
    pattern = re.sub(r"<[\w ]+>", ".+", re.escape(row.audit_line).replace(r"\ ", " "))
    assert [line for line in audit_lines() if not re.fullmatch(pattern, line)] == []
    assert len(audit_lines()) == 1


@pytest.mark.parametrize(("act", "name"), [(name, name) for name in ACTS], indirect=["act"])
def test_act_is_refused_when_the_second_factor_is_missing(
    act: Act, name: str, settings: LazySettings
) -> None:
    settings.STAFF_TWO_FACTOR = True
    staff = staff_with("helper", everything(), superuser=True)
    act(staff)
    assert audit_lines() == []
    TOTP.activate(staff.user, "JBSWY3DPEHPK3PXP")
    act(staff)
    assert len(audit_lines()) == 1
    assert ROWS[name].second_factor == "yes"


def test_table_names_every_act_and_every_command_that_changes_data() -> None:
    commands = [row.where for row in ROWS.values() if row.permission == BY_COMMAND]
    assert [row.act for row in rows() if row.permission != BY_COMMAND] == list(ACTS)
    assert [where.split()[1] for where in commands] == [
        "createsuperuser", "import_users", "audit", "backup", "restore", "move_media",
    ]  # fmt: skip


def test_every_action_of_a_list_asks_for_a_permission() -> None:
    """Django runs an action without permissions for whoever may look at the list."""
    actions: list[tuple[str, Any]] = [
        (f"{model.__name__} {name}", getattr(model_admin, str(name)))
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.actions or ()
    ]
    permissions = {name: getattr(act, "allowed_permissions", ["view"]) for name, act in actions}
    open_to_all = [name for name, needed in permissions.items() if set(needed) <= {"view"}]
    assert len(actions) > 8
    assert open_to_all == []


# ---- power over staff ----


@pytest.mark.parametrize("target", ["is_staff", "is_superuser"])
@pytest.mark.parametrize(
    "name", ["lock a user", "change a user", "set a user's password", "give or take credits"]
)
def test_accounts_of_staff_are_changed_by_superusers_only(
    alice: User, name: str, target: str
) -> None:
    User.objects.filter(pk=alice.pk).update(**{target: True})
    act = ACTS[name](alice, b"")
    act(staff_with("helper", everything()))
    assert audit_lines() == []
    act(staff_with("chief", [], superuser=True))
    assert len(audit_lines()) == 1


def test_staff_cannot_make_themselves_superusers(db: None) -> None:
    helper = staff_with("helper", everything())
    form = {"username": "helper", "email": "h@example.com", "language": "en"}
    power = {"is_staff": "on", "is_superuser": "on", "groups": []}
    assert helper.save(helper.user, **form, **power).status_code == 403
    helper.user.refresh_from_db()
    assert helper.user.is_superuser is False


@pytest.mark.parametrize("superuser", [False, True])
def test_only_superusers_see_who_may_do_what(alice: User, superuser: bool) -> None:
    staff = staff_with("helper", everything(), superuser=superuser)
    shown = staff.page.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    fields = re.findall(r'name="(is_staff|is_superuser|groups)"', shown)
    listed = staff.page.get("/admin/accounts/user/").content.decode()
    assert (set(fields), "is_superuser__exact" in listed) == (
        ({"is_staff", "is_superuser"}, True) if superuser else (set(), False)
    )
    assert staff.page.get("/admin/auth/group/").status_code == (200 if superuser else 403)


def test_api_says_what_staff_lack(
    stripe_server: ServerThread,  # noqa: F811
    alice: User,
    settings: LazySettings,
) -> None:
    act = refund_by_api(alice, b"")
    change = Permission.objects.get(codename="change_payment")
    answers = [act(staff_with("no", [])).json(), signed_in_refund(act, alice)]
    settings.STAFF_TWO_FACTOR = True
    answers.append(act(staff_with("plain", [change])).json())
    assert [answer["detail"] for answer in answers] == [
        "Your staff account lacks the permission billing.change_payment.",
        "Only administrators can issue refunds",
        "Staff need two-factor sign-in. Turn it on first.",
    ]
    assert Payment.objects.get().refunded_minor == 0


def signed_in_refund(act: Act, user: User) -> Any:
    return act(Staff(user, Client(), signed_in(user))).json()
