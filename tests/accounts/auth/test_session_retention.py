"""Retention of ended sign-ins: what counts stays."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session as PageSession
from django.utils import timezone

from accounts.auth import session_retention, tokens
from accounts.models import Session, User
from tests.accounts.web.test_settings import browser_sign_in

LONG_AGO = timedelta(days=91)


def test_ended_sign_ins_go_and_those_that_count_stay(alice: User) -> None:
    now = timezone.now()
    gone, here = browser_sign_in(alice, "gone"), browser_sign_in(alice, "here")
    PageSession.objects.filter(session_key=gone.cookies["sessionid"].value).update(
        expire_date=now - timedelta(seconds=1)
    )
    UserSession.objects.filter(user_agent="gone").update(created_at=now - LONG_AGO)
    UserSession.objects.filter(user_agent="here").update(created_at=now - LONG_AGO)
    expired, revoked, lately, active = (
        Session.objects.get(pk=tokens.session_of(tokens.sign_in(alice, grant).access).pk)
        for grant in [Session.Grant.PASSWORD] * 4
    )
    Session.objects.filter(pk=expired.pk).update(expires_at=now - LONG_AGO)
    Session.objects.filter(pk=revoked.pk).update(revoked_at=now - LONG_AGO)
    Session.objects.filter(pk=lately.pk).update(revoked_at=now - timedelta(days=89))
    assert session_retention.delete_old() == 4
    assert set(Session.objects.all()) == {lately, active}
    assert list(UserSession.objects.values_list("user_agent", flat=True)) == ["here"]
    assert here.get("/settings/").status_code == 200
