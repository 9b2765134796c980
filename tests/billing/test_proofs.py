"""The auditor proves the books, the payments and the videos, and mends what it can."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from billing.ledger import clawbacks, credits
from billing.ledger import invariants as books
from billing.models import Account, AuditRun, Lot, Payment
from billing.payments import state
from tests.billing import told
from tests.statements import before, names, reads
from videos.jobs import charges, orders, state_machine
from videos.models import Video
from videos.reports import refund_audit


@pytest.fixture
def video(alice: User) -> Video:
    return orders.submit(alice, orders.VideoOrder(prompt="A paper boat", seconds=4))


def put(video: Video, status: str) -> None:
    """A status written past the life of a video."""
    Video.objects.filter(pk=video.pk).update(status=status)


def found() -> list[tuple[str, str]]:
    return [(one.problem, one.repair) for one in refund_audit.run_audit().findings]


def test_proof_of_a_clean_system(video: Video, bob: User) -> None:
    told.bought(bob)
    report = refund_audit.run_audit()
    assert report.findings == []
    audit_run = AuditRun.objects.get()
    assert audit_run == report.audit_run
    counts = (audit_run.accounts, audit_run.entries, audit_run.videos, audit_run.payments)
    assert counts == (2, 4, 1, 1)
    assert (audit_run.problems, audit_run.repaired) == ([], [])


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled"])
def test_proof_mends_a_lost_video_once(video: Video, alice: User, status: str) -> None:
    put(video, status)
    assert found() == [(f"video {video.pk} was {status} without a refund", f"+{video.credits}")]
    assert credits.available(alice) == 100
    assert found() == []
    assert credits.summary(alice).total_spent == 0
    latest = AuditRun.objects.latest()
    assert (latest.problems, latest.repaired) == ([], [])


def test_proof_tells_of_a_video_that_was_returned_and_made(video: Video, alice: User) -> None:
    credits.refund(charges.spend_key(video), charges.refund_key(video), grace=True)
    Video.objects.filter(pk=video.pk).update(status="succeeded", file="x.mp4")
    problem = f"video {video.pk} is succeeded and was refunded"
    assert found() == [(problem, "")]
    assert AuditRun.objects.get().problems == [problem]
    assert found() == [(problem, "")]


def test_proof_tells_of_a_video_nobody_paid_for(video: Video) -> None:
    with_no_spend = Video.objects.get(pk=video.pk)
    with_no_spend.pk = uuid4()
    with_no_spend.save(force_insert=True)
    assert found() == [(f"video {with_no_spend.pk} was never paid for", "")]


def test_proof_tells_of_a_video_long_after_its_deadline(video: Video) -> None:
    Video.objects.update(deadline_at=timezone.now() - refund_audit.STUCK_AFTER)
    assert found() == [(f"video {video.pk} is queued long after its deadline", "")]


def test_proof_when_a_video_fails_while_it_runs(video: Video) -> None:
    spent = names(video.pk)
    with before(
        lambda sql, p: reads("billing_entry")(sql, p) and spent(sql, p),
        lambda: state_machine.cancel(Video.objects.get(pk=video.pk)),
    ):
        assert found() == []
    assert Video.objects.get().status == "cancelled"


def test_proof_mends_a_paid_payment_once(carol: User) -> None:
    payment = told.order(carol)
    Payment.objects.update(is_paid=True, paid_at=timezone.now())
    assert found() == [
        (f"payment {payment.pk} was paid but its credits were not granted", "granted")
    ]
    assert told.standing(payment) == told.Standing("succeeded", 0, 100, 0, 0, 1)
    assert found() == []


def test_proof_tells_of_a_payment_that_needs_a_person(carol: User) -> None:
    payment = told.bought(carol)
    Payment.objects.update(review_reason="Look at this")
    assert found() == [(f"payment {payment.pk} is under review: Look at this", "")]


def test_proof_tells_of_a_payment_that_granted_another_amount(carol: User) -> None:
    payment = told.bought(carol)
    Payment.objects.update(credits=90)
    assert found() == [(f"payment {payment.pk} granted 100 of 90 credits", "")]


@pytest.mark.parametrize("told_of", [330, 0])
def test_proof_mends_credits_that_do_not_follow_the_money(carol: User, told_of: int) -> None:
    payment = told.bought(carol)
    right = told.standing(payment)
    if told_of:
        told.tell(told.refunded(payment, told_of))
        right = told.standing(payment)
        clawbacks.claw_back_to(state.grant_key(payment), 0)
    else:
        clawbacks.claw_back_to(state.grant_key(payment), 34)
    was, due = (0, 33) if told_of else (34, 0)
    problem = f"payment {payment.pk} has {was} credits clawed back instead of {due}"
    assert found() == [(problem, f"now {due}")]
    assert told.standing(payment) == right
    assert found() == []


def test_proof_tells_of_more_cancelled_than_there_was(carol: User) -> None:
    told.bought(carol)
    Lot.objects.update(clawed_back_owed=1)
    lot = Lot.objects.get()
    problem = f"{carol.pk}: lot {lot.pk} of 100 credits has 0 clawed back"
    assert books.problems() == [problem]


def test_proof_tells_of_broken_books(carol: User) -> None:
    told.bought(carol)
    Lot.objects.update(remaining=99)
    problems = books.problems()
    assert problems != []
    assert found() == [(problem, "") for problem in problems]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Any:
    def run() -> tuple[object, list[str]]:
        with pytest.raises(SystemExit) as end:
            call_command("audit")
        return end.value.code, capsys.readouterr().out.splitlines()

    return run


def test_audit_command_when_all_is_right(command: Any, video: Video) -> None:
    assert command() == (
        0,
        ["1 accounts, 2 entries, 1 videos, 0 payments", "The books are right."],
    )


def test_audit_command_when_it_mends(command: Any, video: Video) -> None:
    put(video, "failed")
    code, said = command()
    assert (code, said[1:]) == (
        0,
        [
            f"mended: video {video.pk} was failed without a refund: +{video.credits}",
            "The books are right.",
        ],
    )


def test_audit_command_when_a_person_must_look(command: Any, carol: User) -> None:
    Account.objects.bulk_create([Account(user=carol, debt=0)])
    told.bought(carol)
    Payment.objects.update(credits=90)
    code, said = command()
    assert (code, said[-1]) == (1, "A person must look.")
    assert said[1].startswith("PROBLEM: payment ")
