"""The audit checks the ledger, the payments and the videos, and repairs what it can."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from billing.ledger import clawbacks, credits, invariants
from billing.models import Account, AuditRun, Lot, Payment
from billing.payments import state
from tests.billing import payment_events
from tests.statements import before, names, reads
from videos.jobs import orders, state_machine
from videos.jobs.money import charges
from videos.models import Video
from videos.reports import refund_audit


@pytest.fixture
def video(alice: User) -> Video:
    return orders.submit(alice, orders.VideoOrder(prompt="A paper boat", seconds=4))


def set_status(video: Video, status: str) -> None:
    """Set the status of a video without its state machine."""
    Video.objects.filter(pk=video.pk).update(status=status)


def run_audit() -> list[tuple[str, str]]:
    return [(one.problem, one.repair) for one in refund_audit.run_audit().findings]


def test_audit_counts_rows_and_finds_nothing_when_all_is_right(video: Video, bob: User) -> None:
    payment_events.create_paid_payment(bob)
    report = refund_audit.run_audit()
    assert report.findings == []
    audit_run = AuditRun.objects.get()
    assert audit_run == report.audit_run
    counts = (audit_run.accounts, audit_run.entries, audit_run.videos, audit_run.payments)
    assert counts == (2, 4, 1, 1)
    assert (audit_run.problems, audit_run.repaired) == ([], [])


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled"])
def test_audit_refunds_a_video_once_when_it_failed_without_a_refund(
    video: Video, alice: User, status: str
) -> None:
    set_status(video, status)
    assert run_audit() == [(f"video {video.pk} was {status} without a refund", f"+{video.credits}")]
    assert credits.available(alice) == 100
    assert run_audit() == []
    assert credits.summary(alice).total_spent == 0
    latest = AuditRun.objects.latest()
    assert (latest.problems, latest.repaired) == ([], [])


def test_audit_reports_a_video_when_it_succeeded_and_was_refunded(
    video: Video, alice: User
) -> None:
    credits.refund(charges.spend_key(video), charges.refund_key(video), grace=True)
    Video.objects.filter(pk=video.pk).update(status="succeeded", file="x.mp4")
    problem = f"video {video.pk} is succeeded and was refunded"
    assert run_audit() == [(problem, "")]
    assert AuditRun.objects.get().problems == [problem]
    assert run_audit() == [(problem, "")]


def test_audit_accepts_the_refund_of_a_video_whose_file_was_fetched_again(
    video: Video, alice: User
) -> None:
    rescued = {"status": "succeeded", "file": "x.mp4", "rescued_at": timezone.now(), "credits": 0}
    Video.objects.filter(pk=video.pk).update(**rescued)
    # It must not cost anything.
    assert run_audit() == [(f"video {video.pk} was succeeded without a refund", "+20")]
    assert (run_audit(), credits.available(alice)) == ([], 100)


def test_audit_reports_a_video_when_nobody_paid_for_it(video: Video) -> None:
    with_no_spend = Video.objects.get(pk=video.pk)
    with_no_spend.pk = uuid4()
    with_no_spend.save(force_insert=True)
    assert run_audit() == [(f"video {with_no_spend.pk} was never paid for", "")]


def test_audit_reports_a_video_when_it_is_active_long_after_its_deadline(video: Video) -> None:
    Video.objects.update(deadline_at=timezone.now() - refund_audit.STUCK_AFTER)
    assert run_audit() == [(f"video {video.pk} is queued long after its deadline", "")]


def test_audit_finds_nothing_when_a_video_is_cancelled_during_the_run(video: Video) -> None:
    spent = names(video.pk)
    with before(
        lambda sql, p: reads("billing_entry")(sql, p) and spent(sql, p),
        lambda: state_machine.cancel(Video.objects.get(pk=video.pk)),
    ):
        assert run_audit() == []
    assert Video.objects.get().status == "cancelled"


def test_audit_grants_credits_once_when_a_paid_payment_has_none(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    Payment.objects.update(is_paid=True, paid_at=timezone.now())
    assert run_audit() == [
        (f"payment {payment.pk} was paid but its credits were not granted", "granted")
    ]
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "succeeded", 0, 100, 0, 0, 1
    )
    assert run_audit() == []


def test_audit_reports_a_payment_when_it_is_under_review(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    Payment.objects.update(review_reason="Look at this")
    assert run_audit() == [(f"payment {payment.pk} is under review: Look at this", "")]


def test_audit_reports_a_payment_when_it_granted_another_number(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    Payment.objects.update(credits=90)
    assert run_audit() == [(f"payment {payment.pk} granted 100 of 90 credits", "")]


@pytest.mark.parametrize("refunded_minor", [330, 0])
def test_audit_corrects_clawbacks_when_they_differ_from_the_refunds(
    carol: User, refunded_minor: int
) -> None:
    payment = payment_events.create_paid_payment(carol)
    right = payment_events.payment_state(payment)
    if refunded_minor:
        payment_events.deliver(payment_events.refund_event(payment, refunded_minor))
        right = payment_events.payment_state(payment)
        clawbacks.claw_back_to(state.grant_key(payment), 0)
    else:
        clawbacks.claw_back_to(state.grant_key(payment), 34)
    was, due = (0, 33) if refunded_minor else (34, 0)
    problem = f"payment {payment.pk} has {was} credits clawed back instead of {due}"
    assert run_audit() == [(problem, f"now {due}")]
    assert payment_events.payment_state(payment) == right
    assert run_audit() == []


def test_audit_reports_a_lot_when_its_clawbacks_do_not_add_up(carol: User) -> None:
    payment_events.create_paid_payment(carol)
    Lot.objects.update(clawed_back_owed=1)
    lot = Lot.objects.get()
    problem = f"{carol.pk}: lot {lot.pk} of 100 credits has 0 clawed back"
    assert invariants.problems() == [problem]


def test_audit_reports_the_ledger_when_an_invariant_is_broken(carol: User) -> None:
    payment_events.create_paid_payment(carol)
    Lot.objects.update(remaining=99)
    problems = invariants.problems()
    assert problems != []
    assert run_audit() == [(problem, "") for problem in problems]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Any:
    def run() -> tuple[object, list[str]]:
        with pytest.raises(SystemExit) as end:
            call_command("audit")
        return end.value.code, capsys.readouterr().out.splitlines()

    return run


def test_audit_command_exits_with_0_when_nothing_is_wrong(command: Any, video: Video) -> None:
    assert command() == (
        0,
        ["1 accounts, 2 entries, 1 videos, 0 payments", "There are no problems."],
    )


def test_audit_command_exits_with_0_when_all_was_repaired(command: Any, video: Video) -> None:
    set_status(video, "failed")
    code, said = command()
    assert (code, said[1:]) == (
        0,
        [
            f"repaired: video {video.pk} was failed without a refund: +{video.credits}",
            "There are no problems.",
        ],
    )


def test_audit_command_exits_with_1_when_a_problem_remains(command: Any, carol: User) -> None:
    Account.objects.bulk_create([Account(user=carol, debt=0)])
    payment_events.create_paid_payment(carol)
    Payment.objects.update(credits=90)
    code, said = command()
    assert (code, said[-1]) == (1, "Staff must resolve the problems.")
    assert said[1].startswith("PROBLEM: payment ")
