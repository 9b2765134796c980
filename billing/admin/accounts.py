"""Staff page of balances, with the page on which staff adjust a user's credits."""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.ledger import adjustments, credits
from billing.models import Account, Entry, Lot
from config.lib import idempotency
from config.lib.admin import staff
from config.lib.admin.model_admin import ReadOnlyAdmin, ReadOnlyInline, log_action
from config.lib.admin.object_actions import ObjectAction, ObjectActions
from config.lib.idempotency import key_of_form
from config.lib.web.forms import WholeNumberField

# How many entries the page of an account shows.
LATEST_ENTRIES = 20
# How many credits staff may give or take at once.
MAX_ADJUSTMENT = 1_000_000


class AdjustmentForm(forms.Form):
    amount = WholeNumberField(
        label=gettext_lazy("Credits"),
        min_value=-MAX_ADJUSTMENT,
        max_value=MAX_ADJUSTMENT,
        help_text=gettext_lazy("A negative number removes unspent credits."),
    )
    days = WholeNumberField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=3650,
        initial=90,
        help_text=gettext_lazy("How long added credits are valid."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=150)
    # The idempotency key of this form.
    token = forms.UUIDField(widget=forms.HiddenInput)

    def clean_amount(self) -> int:
        if not (amount := int(self.cleaned_data["amount"])):
            raise forms.ValidationError(_("Nothing would change."))
        return amount


class EntryInline(ReadOnlyInline):
    model = Entry
    fields = ("created_at", "type", "amount", "balance_after", "description")
    readonly_fields = fields
    ordering = ("-sequence",)
    verbose_name_plural = gettext_lazy("latest entries")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        entries = super().get_queryset(request)
        newest = entries.filter(account=OuterRef("account")).order_by("-sequence")
        return entries.filter(pk__in=Subquery(newest.values("pk")[:LATEST_ENTRIES]))


class LotInline(ReadOnlyInline):
    model = Lot
    fields = ("kind", "remaining", "amount", "expires_at", "created_at")


@admin.register(Account)
class AccountAdmin(ObjectActions, ReadOnlyAdmin):
    list_display = ("user", "balance", "debt", "total_earned", "total_spent", "next_expiry_at")
    fields = (*list_display, "total_expired", "total_clawed_back")
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    inlines = (LotInline, EntryInline)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.adjust_view)
        name = "billing_account_adjust"
        return [path("<uuid:user_id>/adjust/", view, name=name), *super().get_urls()]

    def object_actions(self, request: HttpRequest, row: Account) -> list[ObjectAction]:
        if not self._may_adjust(request, row.user):
            return []
        url = reverse("admin:billing_account_adjust", args=[row.pk])
        return [ObjectAction(gettext_lazy("Adjust credits"), url)]

    def _may_adjust(self, request: HttpRequest, user: AbstractBaseUser) -> bool:
        allowed = request.user.has_perm("billing.change_account")
        return allowed and staff.may_act_on(request.user, user)

    def adjust_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Ask for an amount and a reason, show the balance after it, then adjust the credits."""
        if not request.user.has_perm("billing.change_account"):
            raise PermissionDenied
        user = get_object_or_404(get_user_model(), pk=user_id)
        if not self._may_adjust(request, user):
            raise PermissionDenied
        # A user who never had credits has no account yet; the ledger creates it.
        account = Account.objects.filter(pk=user_id).first() or Account(user=user)
        form = AdjustmentForm(request.POST or None, initial={"token": uuid4()})
        is_confirmed = "confirm" in request.POST
        if form.is_valid() and is_confirmed and self._adjust(request, account, form):
            return HttpResponseRedirect(reverse("admin:billing_account_change", args=[account.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Adjust credits"),
            "form": form,
            "account": account,
            "available": credits.available(account.user),
            "changes": self._changes(account, form),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/billing/adjust_credits.html", context)

    def _changes(self, account: Account, form: AdjustmentForm) -> list[tuple[str, str, str]]:
        """Return what the adjustment changes; nothing if it is not possible."""
        if not form.is_valid():
            return []
        try:
            after = adjustments.preview(account.user, form.cleaned_data["amount"])
        except credits.NotEnoughCredits as error:
            form.add_error("amount", str(error))
            return []
        now = credits.available(account.user)
        what = _("Credits of %(user)s") % {"user": account.user}
        return [(what, intcomma(now), intcomma(after))]

    def _adjust(self, request: HttpRequest, account: Account, form: AdjustmentForm) -> bool:
        """Adjust the credits; if that fails, add the error to the form and return False."""
        data = form.cleaned_data
        amount, token = data["amount"], data["token"]
        key = key_of_form(request.user, f"adjust {account.pk}", token, amount)
        adjust = partial(
            adjustments.adjust,
            account.user,
            amount,
            f"adj:{token}",
            expires_at=timezone.now() + timedelta(days=data["days"]),
            purpose=credits.Purpose("staff", str(request.user.pk), data["reason"]),
            request_key=key,
        )
        try:
            outcome = idempotency.run(key, adjust)
        except credits.NotEnoughCredits as error:
            form.add_error("amount", str(error))
            return False
        except (credits.KeyConflict, idempotency.IdempotencyMismatch):
            form.add_error(None, _("This form was already submitted. Open it again."))
            return False
        entry = outcome.result
        if not outcome.is_replay:
            log_action(request.user, account, f"{entry.amount:+} credits", data["reason"])
        text = ngettext("%(n)s credit was booked.", "%(n)s credits were booked.", abs(entry.amount))
        messages.success(request, text % {"n": f"{entry.amount:+}"})
        return True
