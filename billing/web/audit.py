"""The public page about the last audit."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.models import AuditRun
from billing.switch import page_of_billing


@page_of_billing
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show what the last audit found: totals only, nothing about single users."""
    audit_run = AuditRun.objects.order_by("-run_at").first()
    return render(request, "billing/audit.html", {"run": audit_run})
