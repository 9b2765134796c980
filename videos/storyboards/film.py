"""Make the film of a storyboard: join the picked takes in their order, as an edit."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from config.lib import clock, idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.editing import jobs
from videos.editing.recipes import Join, Recipe
from videos.jobs.state_machine import NotPossible
from videos.models import MediaJob, Storyboard
from videos.storyboards import state


@dataclass(frozen=True)
class FilmOrder:
    """How the takes are joined; `crossfade` is in seconds. What it costs at most, in credits."""

    crossfade: float = 0.0
    fit: str = "bars"
    max_credits: int | None = None
    api_key_id: UUID | None = None


def make(
    user: AbstractBaseUser,
    board: Storyboard,
    order: FilmOrder,
    request_key: RequestKey | None = None,
) -> MediaJob:
    """Order the film; shots without a finished take are left out.

    Raises NotPossible with fewer than two takes or while a film is made, or what
    videos.editing.jobs.submit raises; then nothing is written.
    """
    join = Recipe(join=Join(order.fit, order.crossfade))
    with feed.lock(board.user_id):
        idempotency.check(request_key)
        now = Storyboard.objects.select_related("film").filter(pk=board.pk).first()
        if now is None:
            raise NotPossible(_("This storyboard was deleted."))
        if now.film and now.film.is_active:
            raise NotPossible(_("The film of this storyboard is being made."))
        takes = [one.picked for one in state.read(board) if one.picked]
        if len(takes) < 2:
            raise NotPossible(_("A film needs two shots with a finished take."))
        job = jobs.submit(
            user,
            jobs.EditOrder(takes, join, api_key_id=order.api_key_id, max_credits=order.max_credits),
            request_key,
        )
        Storyboard.objects.filter(pk=board.pk).update(film=job, updated_at=clock.now())
    return job
