"""The admin site: access, the dashboard, users and translatable labels."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.auth import api_keys, errors
from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User
from billing.ledger import credits
from billing.models import AuditRun, Payment, Refund, StripeEvent
from config.lib import alerts
from config.lib.alert_kinds import AlertKind
from config.lib.alerts import Condition
from config.lib.models import Alert, OutgoingEmail
from showcase import gallery
from showcase.models import AbuseReport, Feedback
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, failed, order, running
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.credentials import records
from videos.credentials.origins import Origin
from videos.jobs import removal
from videos.models import RejectedPrompt, Video, WebhookDelivery
from videos.reports.dashboard import DAYS

# ---- access ----


def test_admin_redirects_to_the_sign_in_page(db: None) -> None:
    answer = Client().get("/admin/", follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/login/"
    form = {"username": "staff", "password": "staff-password"}
    assert Client().post("/admin/login/", form)["Location"].startswith("/accounts/login/")


def test_admin_is_refused_when_the_user_is_not_staff(page: Client) -> None:
    assert page.get("/admin/", follow=True).status_code == 403


def test_staff_need_a_second_factor_when_the_setting_requires_it(
    staff_client: Client, staff: User, settings: LazySettings
) -> None:
    assert staff_client.get("/admin/").status_code == 200
    settings.STAFF_TWO_FACTOR = True
    answer = staff_client.get("/admin/billing/payment/", follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/2fa/"
    assert b"Staff need two-factor sign-in." in answer.content
    TOTP.activate(staff, "JBSWY3DPEHPK3PXP")
    assert staff_client.get("/admin/billing/payment/").status_code == 200


# ---- the dashboard ----


def dashboard(staff_client: Client) -> dict[str, Any]:
    return cast("dict[str, Any]", staff_client.get("/admin/").context)


def test_dashboard_shows_zeros_when_there_is_no_data(staff_client: Client) -> None:
    context = dashboard(staff_client)
    assert (
        context["videos"].succeeded,
        context["videos"].success_rate,
        context["videos"].median_wait,
    ) == (
        0,
        None,
        None,
    )
    assert (context["money"].revenue, context["money"].audit_run) == ({}, None)
    assert context["videos"].oldest_waiting is None


def test_dashboard_shows_the_age_of_the_queue_and_earlier_days(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    now = timezone.now()
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    for n in range(DAYS - 1):
        done = completed(order(alice, f"done {n}"), mp4)
        Video.objects.filter(pk=done.pk).update(completed_at=now - timedelta(days=1))
    ages = {"waits": 7, "waits for longer": 65, "paused": 90}
    for prompt, minutes in ages.items():
        made = Video.objects.filter(pk=order(alice, prompt).pk)
        made.update(created_at=now - timedelta(minutes=minutes, seconds=5))
    Video.objects.filter(prompt="paused").update(paused_at=now)
    answer = staff_client.get("/admin/")
    figures = answer.context["videos"]
    assert figures.oldest_waiting == now - timedelta(minutes=65, seconds=5)
    assert (figures.succeeded, figures.succeeded_yesterday) == (0, DAYS - 1)
    assert figures.succeeded_usually == 1
    text = flat(answer)
    assert "The oldest order in the queue waits for 1 hour, 5 minutes." in text
    assert "yesterday 13, on average 1 a day" in text


def test_deleted_video_is_not_called_done(staff_client: Client, alice: User, mp4: bytes) -> None:
    videos = [completed(order(alice, prompt), mp4) for prompt in ("kept", "gone")]
    removal.delete(videos[1])
    text = flat(staff_client.get("/admin/videos/video/"))
    assert re.findall(r'<td class="field-state"><span class="badge[^>]*>(\w+)<', text) == [
        "Deleted",
        "Done",
    ]
    assert re.findall("<h1>(.*?)</h1>", text) == ["Videos"]


def test_dashboard_counts_videos_and_payments(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    completed(order(alice), mp4)
    failed(order(alice))
    late, waiting = running(order(alice)), order(alice)
    past = timezone.now() - timedelta(minutes=3)
    # An order that waits for its turn needs nobody.
    Video.objects.filter(pk__in=[late.pk, waiting.pk]).update(next_step_at=past)
    now = timezone.now()
    Payment.objects.create(
        user=alice, package="trial", name="Trial", credits=100, amount_minor=990, currency="CNY",
        status="succeeded", is_paid=True, paid_at=now, created_at=now, session_expires_at=now,
        review_reason="odd",
    )  # fmt: skip
    audit_run = AuditRun.objects.create(run_at=now, accounts=1, entries=1, videos=1, payments=1)
    RejectedPrompt.objects.create(user=alice, prompt="x", categories=["hate"])
    AbuseReport.objects.create(subject="x", reason="other")
    Feedback.objects.create(text="x")
    videos, money = dashboard(staff_client)["videos"], dashboard(staff_client)["money"]
    assert (
        videos.succeeded,
        videos.failed,
        videos.success_rate,
        videos.stuck,
        videos.rejected_prompts,
    ) == (
        1,
        1,
        50,
        1,
        1,
    )
    assert videos.states == {
        "queued": 1, "submitting": 0, "submit_unknown": 0, "running": 1, "downloading": 0,
    }  # fmt: skip
    assert (videos.days[-1].succeeded, videos.days[-1].failed) == (1, 1)
    assert (videos.days[-1].succeeded_bar.height, videos.days[-1].failed_bar.top) == (50, 0)
    assert (
        money.revenue,
        money.spent,
        money.returned,
        money.payments_to_review,
        money.audit_run,
    ) == (
        {"CNY": 990},
        80,
        20,
        1,
        audit_run,
    )


def test_dashboard_numbers_link_to_exactly_the_counted_rows(
    staff_client: Client, alice: User, mp4: bytes, time_machine: Any
) -> None:
    now = timezone.now()
    for moment in (
        now - timedelta(days=1),
        now,
    ):  # lists of today must not contain yesterday's rows
        time_machine.move_to(moment)
        done = completed(order(alice), mp4)
        gallery.offer(done)
        records.record(done.pk, "0" * 64, Origin(error="no key"))
        failed(order(alice))
        running(order(alice))
        late = running(order(alice))
        credits.grant(alice, 100, credits.Kind.BONUS, f"x{moment}", expires_at=now + timedelta(3))
        payment = Payment.objects.create(
            user=alice, package="trial", name="Trial", credits=100, amount_minor=990,
            currency="CNY", status="succeeded", is_paid=True, paid_at=moment, created_at=moment,
            session_expires_at=moment, review_reason="odd",
        )  # fmt: skip
        Refund.objects.create(
            payment=payment, amount_minor=1, status="succeeded", source="admin", created_at=moment
        )
        StripeEvent.objects.create(
            id=f"evt{moment}", type="x", created_at=moment, received_at=moment, live=False,
            object={}, state="error",
        )  # fmt: skip
        for state in ("waiting", "sent", "refused", "given_up"):
            OutgoingEmail.objects.create(
                kind="receipt",
                state=state,
                created_at=moment,
                round_started_at=moment,
                ended_at=moment,
            )
        for state in ("failed", "blocked", "delivered"):
            WebhookDelivery.objects.create(
                user=alice, video=order(alice), url="https://a.b/", state=state,
                created_at=moment, round_started_at=moment,
            )  # fmt: skip
        RejectedPrompt.objects.create(user=alice, prompt="x", categories=["hate"])
        AbuseReport.objects.create(subject="x", reason="other")
        Feedback.objects.create(text="x")
    Video.objects.update(next_step_at=now + timedelta(hours=1))
    Video.objects.filter(pk=late.pk).update(
        status="running", next_step_at=now - timedelta(minutes=3)
    )
    RejectedPrompt.objects.create(user=alice, prompt="x", categories=["hate"], overruled=True)
    AbuseReport.objects.create(subject="x", reason="other", state="closed")
    alerts.record(AlertKind.DISK, [Condition("a disk", "")])
    alerts.record(AlertKind.MAIL, [Condition("", "")])
    Alert.objects.filter(kind=AlertKind.MAIL).update(seen_at=now - timedelta(hours=1))
    alerts.record(AlertKind.MAIL, [])
    context = dashboard(staff_client)
    rows = {row.label: (row.number, row.url) for row in (*context["waiting"], *context["work"])}
    money, lists = context["money"], context["lists"]
    rows |= {
        "made": (context["videos"].succeeded, lists["succeeded"]),
        "paid": (money.payments, lists["paid"]),
        "refunds": (money.refunds, lists["refunds"]),
        "spent": (money.spends, lists["spent"]),
        "returned": (money.returns, lists["returned"]),
        "expiring": (money.expiring_lots, lists["expiring"]),
    }
    counted = {words: n for words, (n, _url) in rows.items()}
    assert counted == {
        "Open alerts": 1, "Stuck videos": 1, "Failed today": 1,
        "Stored without content credentials": 2, "Payments to review": 2,
        "Failed payment events": 2, "Webhooks that failed today": 2, "E-mails that failed today": 2,
        "Rejected prompts today": 1,
        "Open reports": 2, "Open feedback": 2, "Clips offered": 2, "Queued": 6, "Submitting": 0,
        "Submission unconfirmed": 0, "Rendering": 4, "Saving": 0, "made": 1, "paid": 1,
        "refunds": 1, "spent": 7, "returned": 1, "expiring": 1,
    }  # fmt: skip
    found = {
        words: staff_client.get(url).context["cl"].result_count for words, (_n, url) in rows.items()
    }
    assert found == counted


def test_dashboard_needs_as_many_queries_for_many_rows(
    staff_client: Client, alice: User, mp4: bytes, django_assert_max_num_queries: Any
) -> None:
    for n in range(4):
        failed(order(create_user(f"p{n}")))
    with django_assert_max_num_queries(28):
        staff_client.get("/admin/")


# ---- users ----


def test_user_page_links_to_the_users_ledger_entries(staff_client: Client, alice: User) -> None:
    text = staff_client.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert f"/admin/billing/entry/?account__exact={alice.pk}" in text
    lines = staff_client.get(f"/admin/billing/entry/?account__exact={alice.pk}")
    assert [entry.account_id for entry in lines.context["cl"].result_list] == [alice.pk]


def test_user_is_locked_when_staff_confirm(
    staff_client: Client, staff: User, alice: User, page: Client
) -> None:
    tokens = auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    key, _text = api_keys.issue(alice, "bot", ["read"])
    form = {"action": "lock", "_selected_action": [str(alice.pk), str(staff.pk)]}
    asked = staff_client.post("/admin/accounts/user/", form)
    alice.refresh_from_db()
    assert alice.is_active is True
    assert b"Every sign-in, API key" in asked.content
    staff_client.post("/admin/accounts/user/", {**form, "confirm": "1", "reason": "Fraud"})
    alice.refresh_from_db()
    staff.refresh_from_db()
    key.refresh_from_db()
    assert (alice.is_active, staff.is_active) == (False, True)
    assert key.revoked_at is not None
    assert page.get("/studio/").status_code == 302
    with pytest.raises(errors.BadCredentials):
        auth_tokens.session_of(tokens.access)
    assert LogEntry.objects.get().change_message == "Locked: Fraud"
    staff_client.post("/admin/accounts/user/", {**form, "action": "unlock"})
    alice.refresh_from_db()
    assert alice.is_active


def test_admin_does_not_list_tables_of_secrets(staff_client: Client) -> None:
    text = staff_client.get("/admin/").content.decode()
    assert [word for word in ("/admin/mfa/", "/admin/socialaccount/") if word in text] == []


# ---- labels ----


def is_untranslatable(words: object) -> bool:
    """Return whether a text is plain English that no catalogue translates."""
    return bool(words) and not isinstance(words, Promise)


def untranslatable_texts(model_admin: admin.options.BaseModelAdmin) -> Iterator[str]:
    """Return the untranslatable labels of the fields, columns and actions of an admin page."""
    request = HttpRequest()
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    model = model_admin.model
    dashboard = {
        *flatten_fieldsets(model_admin.get_fieldsets(request)),
        *getattr(model_admin, "list_display", ()),
    }
    for name in sorted(dashboard - {"__str__"}):
        field = next((f for f in model._meta.fields if f.name == name), None)
        if field is not None:
            choices = [label for _value, label in field.choices or ()]
            words = [field.verbose_name, field.help_text, *choices]
        else:
            words = [getattr(getattr(model_admin, name, None), "short_description", None)]
        yield from (f"{model.__name__}.{name}: {each}" for each in words if is_untranslatable(each))
    for name in getattr(model_admin, "actions", ()) or ():
        words = getattr(getattr(model_admin, name), "short_description", name)
        yield from [f"{type(model_admin).__name__}.{name}"] if is_untranslatable(words) else []
    for title in (model._meta.verbose_name, model._meta.verbose_name_plural):
        yield from [f"{model.__name__}: {title}"] if is_untranslatable(title) else []


def test_every_admin_label_is_translatable() -> None:
    lists = list(admin.site._registry.values())
    model_admins: list[admin.options.BaseModelAdmin] = [*lists]
    model_admins += [
        inline(model_admin.model, admin.site)
        for model_admin in lists
        for inline in model_admin.inlines
    ]
    assert (
        sorted(
            {words for model_admin in model_admins for words in untranslatable_texts(model_admin)}
        )
        == []
    )
    ours = [apps.get_app_config(name) for name in ("accounts", "billing", "videos", "showcase")]
    assert [app.name for app in ours if is_untranslatable(app.verbose_name)] == []


def test_dashboard_shows_money_to_those_who_may_see_payments(db: None) -> None:
    helper = create_user("helper", is_staff=True)
    client = Client()
    client.force_login(helper)
    shown = []
    for name in ("view_video", "view_payment", "view_entry"):
        helper.user_permissions.add(Permission.objects.get(codename=name))
        text = client.get("/admin/").content.decode()
        shown.append([words in text for words in ("Revenue today", "Credits today")])
    assert shown == [[False, False], [True, False], [True, True]]


def test_filters_say_in_words_what_holds(staff_client: Client) -> None:
    shown = {}
    for model in admin.site._registry:
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        answer = staff_client.get(path)
        if answer.status_code == 200:
            changes = answer.context["cl"]
            for each in changes.filter_specs:
                words = {str(one["display"]) for one in each.choices(changes)}
                shown[model.__name__, str(each.title)] = words
    said = {"Yes", "No", "Empty", "Not empty"}
    assert {name: words & said for name, words in shown.items() if words & said} == {}
    assert shown["User", "active"] == {"All", "active", "locked"}
    assert shown["Referral", "settled"] == {"All", "settled", "not yet"}
