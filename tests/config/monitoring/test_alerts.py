"""Staff are told once of what is wrong, by e-mail and webhook, and again after it was over."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import User
from config.celery import PERIODIC_TASKS
from config.environment.monitoring import read_balances
from config.lib import alerts, clock
from config.lib.alert_kinds import Advice, AlertKind
from config.lib.alerts import Condition, records
from config.lib.models import Alert, OutgoingEmail
from config.monitoring import alert_webhook, conditions, tasks
from showcase.models import AbuseReport
from tests.billing import payment_events
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.engine_servers.json_server import JSONServer
from tests.engine_servers.loopback import serving
from tests.videos.conftest import order
from tests.videos.receiver import Receiver
from videos.models import EngineCircuit, Video


class Account(JSONServer):
    """An engine that says what is left, in the words of Runway and of kie."""

    code, balance = 200, 400

    def answer_to(self, method: str, path: str, headers: object, body: object) -> tuple[int, Any]:
        if path == "/api/v1/chat/credit":
            return self.code, {"code": self.code, "msg": "", "data": self.balance}
        return self.code, {"creditBalance": self.balance}


@pytest.fixture
def hook(settings: LazySettings) -> Iterator[Receiver]:
    """A receiver of alerts on this machine, which the operator has allowed."""
    made = Receiver()
    settings.WEBHOOK_PORTS = [made.port]
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.ALERT_WEBHOOK_URL = made.url
    yield made
    made.close()


def open_alerts() -> list[tuple[str, str, str]]:
    rows = Alert.objects.filter(cleared_at=None).order_by("kind", "subject")
    return list(rows.values_list("kind", "subject", "detail"))


def let_five_minutes_pass() -> None:
    rows = Alert.objects.filter(cleared_at=None)
    rows.update(seen_at=F("seen_at") - records.CLEAR_AFTER)


def make_late_order(user: User) -> Callable[[], object]:
    video = order(user)
    now = clock.now()
    Video.objects.filter(pk=video.pk).update(created_at=now - timedelta(minutes=45))
    return Video.objects.filter(pk=video.pk).delete


def leave_step(user: User) -> Callable[[], object]:
    video = order(user)
    late = clock.now() - timedelta(minutes=5)
    rows = Video.objects.filter(pk=video.pk)
    rows.update(status="running", next_step_at=late)
    return lambda: rows.update(next_step_at=None)


def open_circuit(user: User) -> Callable[[], object]:
    at = timezone.now().replace(2026, 1, 2, 3, 4)
    row = EngineCircuit(name="sandbox", opened_at=at, retry_at=at, error_code="auth_failed")
    row.save()
    return row.delete


def put_under_review(user: User) -> Callable[[], object]:
    payment = payment_events.create_payment(user)
    payment.review_reason = "amount"
    payment.save()
    return payment.delete


def report_abuse(user: User) -> Callable[[], object]:
    report = AbuseReport.objects.create(text="Look at this", subject="A clip", user=user)
    return report.delete


def stop_mail(user: User) -> Callable[[], object]:
    late = clock.now() - timedelta(hours=1)
    row = OutgoingEmail.objects.create(
        kind="test", recipient="a@example.com", created_at=late, round_started_at=late,
        next_try_at=late,
    )  # fmt: skip
    return row.delete


def find_problem(user: User) -> Callable[[], object]:
    from billing.models import AuditRun
    from videos.reports import refund_audit

    at = timezone.now()
    counts = dict.fromkeys(("accounts", "entries", "videos", "payments"), 1)
    AuditRun.objects.create(run_at=at, problems=["account 1: wrong"], **counts)
    return refund_audit.run_audit


HAPPENINGS = {
    "orders": (make_late_order, ("queue", "orders", "1 wait, the oldest for 45 minutes.")),
    "steps": (leave_step, ("queue", "steps", "1 are due, the oldest since 5 minutes.")),
    "circuit": (
        open_circuit,
        ("circuit", "sandbox", "Since 2026-01-02 03:04 UTC; the last error was auth_failed."),
    ),
    "payment": (put_under_review, ("review", "payments", "1 payment(s) are under review.")),
    "abuse": (report_abuse, ("review", "abuse reports", "1 abuse report(s) are open.")),
    "mail": (stop_mail, ("mail", "", "1 e-mail(s) wait for the mail server.")),
}


@pytest.mark.parametrize("name", HAPPENINGS)
def test_alert_opens_once_clears_and_opens_again(
    alice: User, settings: LazySettings, name: str
) -> None:
    settings.ALERT_EMAILS = ["ops@example.com"]
    happen, alert = HAPPENINGS[name]
    conditions.check_all()
    assert open_alerts() == []
    end = happen(alice)
    conditions.check_all()
    conditions.check_all()
    assert open_alerts() == [alert]
    [sent] = mail.outbox
    about = f" ({alert[1]})" if alert[1] else ""
    assert (sent.to, sent.subject) == (
        ["ops@example.com"],
        f"{settings.SITE_NAME}: {AlertKind(alert[0]).label}{about}",
    )
    assert alert[2] in sent.body
    assert str(Advice.TEXTS[alert[0]]) in sent.body
    end()
    conditions.check_all()
    assert open_alerts() == [alert]
    let_five_minutes_pass()
    conditions.check_all()
    assert open_alerts() == []
    happen(alice)
    conditions.check_all()
    assert (len(open_alerts()), len(mail.outbox), Alert.objects.count()) == (1, 2, 2)


def test_what_comes_and_goes_is_one_alert(alice: User, settings: LazySettings) -> None:
    settings.ALERT_EMAILS = ["ops@example.com"]
    for _ in range(3):
        close = open_circuit(alice)
        conditions.check_all()
        close()
        conditions.check_all()
    assert (len(mail.outbox), Alert.objects.count()) == (1, 1)


def test_finding_of_the_audit_is_an_alert_until_an_audit_finds_nothing(alice: User) -> None:
    audit_again = find_problem(alice)
    conditions.check_all()
    [(kind, subject, detail)] = open_alerts()
    assert (kind, subject, detail.partition(" UTC ")[2]) == ("audit", "", "left 1 problem(s).")
    audit_again()
    let_five_minutes_pass()
    conditions.check_all()
    assert open_alerts() == []


def test_disk_is_judged_by_its_own_machine_only(db: None, settings: LazySettings) -> None:
    elsewhere = Condition("other-machine:/data", "3 MB are free.")
    alerts.record(AlertKind.DISK, [elsewhere])
    settings.DISK_FREE_MIN_BYTES = 2**62
    conditions.check_all()
    own = [subject for _, subject, _ in open_alerts() if subject.endswith(str(settings.DATA_DIR))]
    assert (len(own), ("disk", *vars(elsewhere).values()) in open_alerts()) == (1, True)
    settings.DISK_FREE_MIN_BYTES = 0
    let_five_minutes_pass()
    conditions.check_all()
    assert open_alerts() == [("disk", "other-machine:/data", "3 MB are free.")]
    Alert.objects.update(seen_at=clock.now() - records.LOST_AFTER - timedelta(seconds=1))
    conditions.check_all()
    assert open_alerts() == []


def test_low_balance_of_an_engine_is_an_alert_and_no_answer_changes_nothing(
    db: None, settings: LazySettings
) -> None:
    with serving(Account()) as account:
        config = {
            **dict.fromkeys(("models", "upload_url", "callback_secret", "result_hosts"), ""),
            "base_url": account.url,
            "api_key": "k",
            "input": "{}",
            "seconds": "5",
        }
        settings.ENGINES = {name: {"adapter": name, **config} for name in ("kie", "runway")}
        settings.ALERT_ENGINE_BALANCE = {"kie": 500, "runway": 500, "elsewhere": 1}
        conditions.check_all()
        low = [
            ("balance", name, "The balance is 400, less than 500.") for name in ("kie", "runway")
        ]
        assert open_alerts() == low
        account.code = 503
        conditions.check_all()
        assert open_alerts() == low
        account.code, account.balance = 200, 600
        let_five_minutes_pass()
        conditions.check_all()
        assert open_alerts() == []


@pytest.mark.parametrize("text", ["runway=nan", "runway=inf", "runway=", "=5", "runway=x"])
def test_balance_that_is_no_number_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="expected an engine and an amount"):
        read_balances(text)


def test_superusers_get_the_e_mail_unless_addresses_are_set(
    staff: User, settings: LazySettings
) -> None:
    create_user("helper", is_staff=True)
    alerts.record(AlertKind.MAIL, [Condition("", "")])
    settings.ALERT_EMAILS = ["off"]
    alerts.record(AlertKind.AUDIT, [Condition("", "")])
    assert [sent.to for sent in mail.outbox] == [["staff@example.com"]]


def test_two_processes_open_an_alert_once(transactional_db: None, settings: LazySettings) -> None:
    settings.ALERT_EMAILS = ["ops@example.com"]
    found = [Condition("sandbox", "It is broken.")]
    results = run_concurrently([lambda: alerts.record(AlertKind.CIRCUIT, found)] * 4)
    assert results == [None] * 4
    assert (Alert.objects.count(), len(mail.outbox)) == (1, 1)


def test_check_runs_once_a_minute_whoever_asks(alice: User) -> None:
    assert PERIODIC_TASKS["config.monitoring.tasks.check_alerts"] == 60
    tasks.check_alerts()
    open_circuit(alice)
    tasks.check_alerts()
    assert open_alerts() == []


def test_webhook_says_that_an_alert_opens_and_that_it_is_over(
    db: None, settings: LazySettings, hook: Receiver
) -> None:
    hook.code = 500
    alerts.record(AlertKind.CIRCUIT, [Condition("sandbox", "It is broken.")])
    alert_webhook.send_due()
    assert Alert.objects.get().webhook_due_at is not None
    hook.code = 200
    Alert.objects.update(webhook_due_at=clock.now())
    alert_webhook.send_due()
    alert_webhook.send_due()
    assert Alert.objects.get().webhook_due_at is None
    let_five_minutes_pass()
    alerts.record(AlertKind.CIRCUIT, [])
    alert_webhook.send_due()
    row = Alert.objects.get()
    bodies = [json.loads(body) for _, body in hook.requests]
    assert [body["status"] for body in bodies] == ["open", "open", "over"]
    ids = [headers["webhook-id"] for headers, _ in hook.requests]
    assert ids == [f"alert_{row.pk.hex}_{word}" for word in ("open", "open", "over")]
    assert (bodies[0]["kind"], bodies[0]["subject"], bodies[0]["detail"]) == (
        *("circuit", "sandbox"),
        "It is broken.",
    )
    name = settings.SITE_NAME
    assert bodies[2]["text"] == f"{name}: An engine gets no orders (sandbox): over."


def test_webhook_never_goes_to_a_private_network_that_is_not_allowed(
    db: None, settings: LazySettings, hook: Receiver
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    alerts.record(AlertKind.CIRCUIT, [Condition("sandbox", "It is broken.")])
    alert_webhook.send_due()
    assert (hook.requests, Alert.objects.get().webhook_attempts) == ([], 1)


def test_staff_see_open_alerts_and_what_to_do(
    staff_client: Client, page: Client, alice: User
) -> None:
    alerts.record(AlertKind.MAIL, [Condition("", "3 wait.")])
    let_five_minutes_pass()
    alerts.record(AlertKind.MAIL, [])
    alerts.record(AlertKind.CIRCUIT, [Condition("sandbox", "It is broken.")])
    url = "/admin/lib/alert/"
    listed = staff_client.get(f"{url}?show=open").content.decode()
    assert ("It is broken." in listed, "3 wait." in listed) == (True, False)
    row = Alert.objects.get(kind=AlertKind.CIRCUIT)
    shown = staff_client.get(f"{url}{row.pk}/change/").content.decode()
    assert str(Advice.TEXTS[AlertKind.CIRCUIT]) in shown
    assert page.get(url).status_code in {302, 403, 404}
    assert Client().get(url).status_code == 302
    first = staff_client.get("/admin/").content.decode()
    assert "/admin/lib/alert/?show=open" in first
