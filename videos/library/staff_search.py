"""Videos that staff name by their owner, by their id or by their id at an engine."""

from itertools import chain
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q

from config.lib import texts
from videos.models import EngineCircuit, Video

# No list shows more.
MOST_FOUND = 1000


def videos_named(name: str) -> list[UUID]:
    """Return the ids of up to MOST_FOUND videos with this id, or of users named like this."""
    owners = Q()
    for spelling in {name, texts.search_key(name)}:
        owners |= Q(username__icontains=spelling) | Q(email__icontains=spelling)
    users = get_user_model().objects.filter(owners).order_by().values_list("pk", flat=True)
    circuits = EngineCircuit.objects.values_list("name", flat=True)
    names = {*settings.ENGINES, *circuits}
    rows = Video.objects.order_by().values_list("pk", flat=True)
    of_users = rows.filter(user_id__in=list(users[:MOST_FOUND]))[:MOST_FOUND]
    jobs = rows.filter(engine__in=names, engine_job_id=name).exclude(engine_job_id="")
    return list(chain(of_users, jobs, rows.filter(pk__in=_ids_in(name))))


def _ids_in(text: str) -> list[UUID]:
    try:
        return [UUID(text.strip())]
    except ValueError:
        return []
