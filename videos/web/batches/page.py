"""The page that orders a batch: a list is checked, each line shows its price or its faults."""

from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.texts import use_plain_line_breaks
from config.lib.web.responses import UserRequest, see_other
from videos.catalog import offers
from videos.catalog.frames import frame_of
from videos.jobs import batches, moderation
from videos.jobs.batches import CheckedBatch, CheckedLine, FaultyLines, Line
from videos.models import Video
from videos.web import composer
from videos.web.batches import lines, prompt_list
from videos.web.batches.prompt_list import UnreadableList

DEFAULTS = ("model", "size", "seconds")


class BatchForm(forms.Form):
    """A list, pasted or as a file, and what lines have that say nothing else."""

    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True)
    model = forms.ChoiceField(choices=composer.model_choices, required=False)
    size = forms.ChoiceField(choices=composer.size_choices, required=False)
    seconds = forms.ChoiceField(choices=composer.length_choices, required=False)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shown_text = str(self.data.get("text", ""))

    @property
    def sizes(self) -> list[dict[str, Any]]:
        """Every size with its shape."""
        chosen = self["size"].value()
        return [
            {"name": size, "shape": frame_of(size).aspect, "chosen": size == chosen}
            for size, _label in composer.size_choices()
        ]


class ShownLine(NamedTuple):
    """A line of the table, with the model, size and length that it gets."""

    line: CheckedLine
    model: str
    size: str
    seconds: int


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batch(request: UserRequest) -> HttpResponse:
    """Show the form, check the list that it sends, or order what was checked."""
    if request.method != "POST":
        return _render(request, BatchForm())
    form = BatchForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, form, status=422)
    try:
        rows = _read(form)
    except UnreadableList as error:
        form.add_error("text", str(error))
        return _render(request, form, status=422)
    defaults = {name: form.cleaned_data[name] for name in DEFAULTS}
    asked = lines.lines_of(rows, defaults)
    checked = batches.check(request.user, asked)
    version = idempotency.fingerprint([form.shown_text, defaults, checked.total])
    if "order" not in request.POST:
        return _render(request, form, checked, version)
    if version != request.POST.get("checked"):
        form.add_error(
            None, _("The list or its prices have changed. Check them, then order again.")
        )
        return _render(request, form, checked, version, 422)
    return _order(request, form, asked, checked, version)


def _read(form: BatchForm) -> list[prompt_list.Row]:
    """Return the rows of the file, whose text then stands in the form, or of the text.

    Raises UnreadableList.
    """
    file: UploadedFile | None = form.cleaned_data["file"]
    is_table = False
    if file:
        is_table = str(file.name).lower().endswith(".csv")
        form.shown_text = prompt_list.decode(file.read())
    # As the next form will send it, whatever line breaks it has there.
    form.shown_text = use_plain_line_breaks(form.shown_text).strip("\n")
    rows = prompt_list.read(form.shown_text, is_table=is_table)
    if not rows:
        raise UnreadableList(_("Enter at least one prompt."))
    try:
        batches.check_length(len(rows))
    except batches.TooManyLines as error:
        text = _("A batch has at most %(most)s videos. This list has %(n)s.")
        raise UnreadableList(text % {"most": error.most, "n": error.count}) from error
    return rows


def _order(
    request: UserRequest,
    form: BatchForm,
    asked: list[Line],
    checked: CheckedBatch,
    version: str,
) -> HttpResponse:
    """Order all lines, or show the list again with what is wrong."""
    token = request.POST.get("token", "")[:64]
    key = idempotency.key_of_form(request.user, request.path, token, version)

    def order() -> Video:
        batches.refuse_impossible(checked)
        rate_limits.use("batch", request.user, len(checked.lines))
        return batches.order(request.user, checked, request_key=key)

    status = 422
    try:
        idempotency.run(key, order)
    except FaultyLines as error:
        checked = error.batch
    except credits.NotEnoughCredits:
        status = 402
        checked = batches.check(request.user, asked)
    except moderation.NotAllowed as error:
        form.add_error(None, str(error))
    except rate_limits.TooManyAttempts as error:
        form.add_error(None, str(error))
        status = 429
    else:
        n = len(checked.lines)
        text = ngettext("%(n)d video was ordered.", "%(n)d videos were ordered.", n) % {"n": n}
        messages.success(request, text)
        return see_other("queue")
    return _render(request, form, checked, version, status)


def _render(
    request: UserRequest,
    form: BatchForm,
    checked: CheckedBatch | None = None,
    version: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "at": "studio",
        "form": form,
        "batch": checked,
        "lines": [_shown(line) for line in checked.lines] if checked else [],
        "checked": version,
        "token": uuid4(),
        "most": settings.BATCH_LINES,
        "models": offers.offered(),
        "lengths": [n for n, _label in composer.length_choices()],
        "columns": ", ".join(prompt_list.COLUMNS),
    }
    return render(request, "videos/batch.html", context, status=status)


def _shown(line: CheckedLine) -> ShownLine:
    """What the line gets; what it names, where that is not offered."""
    order = line.order
    model, size, seconds = order.model, order.size, order.seconds
    try:
        model, size, seconds = offers.complete(model, size, seconds)
        model = offers.find(model).label
    except offers.NotOffered:
        pass
    return ShownLine(line, model, size, seconds)
