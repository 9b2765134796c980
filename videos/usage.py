"""The page of what was used and what it cost, and the same as a file."""

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from videos import dialects, figures
from videos.models import Video
from videos.shell import UserRequest

PERIODS = (7, 30, 90)
USUAL = 30
COLUMNS = (
    *("ordered", "model", "kind", "seconds", "size", "status", "credits", "returned"),
    *("waited_seconds", "key", "id", "prompt"),
)


@login_required
@require_safe
def usage(request: UserRequest) -> HttpResponse:
    days = _period(request)
    use = figures.use_of(request.user, days)
    context = {
        "at": "usage",
        "periods": PERIODS,
        "period": days,
        "use": use,
        "worth": (use.kept * settings.CREDIT_VALUE_RMB).quantize(Decimal("0.01")),
    }
    return render(request, "videos/usage.html", context)


@login_required
@require_safe
def usage_csv(request: UserRequest) -> StreamingHttpResponse:
    days = _period(request)
    videos = figures.ordered_since(request.user, figures.first_day(days)).newest()
    videos = videos.select_related("api_key")
    return StreamingHttpResponse(
        _csv(videos.iterator()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="usage-{days}-days.csv"'},
    )


def _key(video: Video) -> str:
    name = video.api_key.name if video.api_key else ""
    return "'" + name if name[:1] in "=+-@\t\r" and name else name


def _period(request: UserRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else USUAL


class _Line:
    def write(self, line: str) -> str:
        return line


def _csv(videos: Iterable[Video]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for v in videos:
        ended = v.completed_at
        waited = round((ended - v.created_at).total_seconds()) if ended else ""
        # What was deleted is only counted; a leading sign would make a spreadsheet run the text.
        prompt = "" if v.deleted_at else v.prompt
        prompt = "'" + prompt if prompt[:1] in "=+-@\t\r" and prompt else prompt
        returned = v.credits if v.is_lost else 0
        status = dialects.LIBRARY_STATUS[Video.Status(v.status)]
        facts = [v.created_at.isoformat(), v.model, v.operation, v.seconds, v.size]
        yield writer.writerow([*facts, status, v.credits, returned, waited, _key(v), v.pk, prompt])
