"""/verify/: what a file says of its origin, for anybody; and whether prompts stand in files."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.lib.rate_limits import TooManyAttempts
from config.lib.web.responses import UserRequest
from videos.credentials import records, verification
from videos.web.presenters import manifest_actions


@require_http_methods(["GET", "HEAD", "POST"])
def verify_page(request: HttpRequest) -> HttpResponse:
    """Ask for a file, or tell what was found in it; the file is not kept."""
    context: dict[str, object] = {"at": "verify", "most": verification.most_megabytes()}
    status = 200
    if request.method == "POST":
        try:
            verification.count(request)
            if (file := request.FILES.get("file")) is None:
                raise verification.NotReadable(_("Choose a file first."))
            finding = verification.verify(file)
        except TooManyAttempts as error:
            status, context["error"] = 429, str(error)
        except verification.TooLarge as error:
            status, context["error"] = 413, str(error)
        except verification.NotReadable as error:
            status, context["error"] = 422, str(error)
        else:
            context |= {
                "finding": finding,
                "actions": manifest_actions.describe(finding.manifest),
                "made_at": manifest_actions.time_of(finding.manifest),
                "name": file.name,
            }
    return render(request, "pages/verify.html", context, status=status)


@login_required
@require_POST
def disclose_prompts(request: UserRequest) -> HttpResponse:
    """Write the prompts of new videos into their files, or not."""
    records.disclose_prompts(request.user, "on" in request.POST)
    messages.success(request, _("Your choice was saved."))
    return redirect("data")
