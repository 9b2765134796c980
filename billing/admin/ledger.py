"""Staff: packages, balances and grants; the ledger, the proofs and the audit log to read."""

from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing import money
from billing.ledger import adjustments, credits
from billing.models import Account, Allocation, AuditRun, Entry, Lot, PackageOverride
from billing.reports import dashboard
from config.lib import idempotency
from config.lib.admin import DashboardFilter, ReadOnlyAdmin, ReadOnlyInline, log_action
from config.lib.idempotency import key_of_form

# So many lines of the books stand on an account's page.
LINES = 20


class PackageForm(forms.ModelForm):
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"), choices=[(code, code) for code in money.MINOR_UNITS]
    )
    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The reason is kept in the audit log."),
    )

    class Meta:
        model = PackageOverride
        fields = ("key", "name", "credits", "price_minor", "currency", "is_active")


@admin.register(PackageOverride)
class PackageAdmin(admin.ModelAdmin):
    form = PackageForm
    list_display = ("key", "name", "credits", "price", "is_active")

    @admin.display(description=gettext_lazy("price"), ordering="price_minor")
    def price(self, row: PackageOverride) -> str:
        return money.with_code(row.price_minor, row.currency)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # retired, never deleted: the audit log goes on naming it

    def get_readonly_fields(
        self, request: HttpRequest, obj: PackageOverride | None = None
    ) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def construct_change_message(  # type: ignore[override]  # the log takes plain words too
        self, request: HttpRequest, form: forms.BaseForm, formsets: Any, add: bool = False
    ) -> str:
        changed = ", ".join(
            f"{name} {form.cleaned_data[name]}" for name in form.changed_data if name != "reason"
        )
        return f"{changed or 'nothing'}: {form.cleaned_data['reason']}"


# ---- balances ----


class GrantForm(forms.Form):
    amount = forms.IntegerField(
        label=gettext_lazy("Credits"),
        help_text=gettext_lazy("A negative number removes unspent credits."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=3650,
        initial=90,
        help_text=gettext_lazy("How long added credits are valid."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=150)
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
        newest = (
            super().get_queryset(request).filter(account=OuterRef("account")).order_by("-sequence")
        )
        return super().get_queryset(request).filter(pk__in=Subquery(newest.values("pk")[:LINES]))


class LotInline(ReadOnlyInline):
    model = Lot
    fields = ("kind", "remaining", "amount", "expires_at", "created_at")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "balance", "debt", "total_earned", "total_spent", "next_expiry_at")
    fields = (*list_display, "total_expired", "total_clawed_back")
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    inlines = (LotInline, EntryInline)
    change_form_template = "admin/billing/account.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.adjust_view)
        name = "billing_account_adjust"
        return [path("<uuid:user_id>/adjust/", view, name=name), *super().get_urls()]

    def adjust_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        if not request.user.has_perm("billing.change_account"):
            raise PermissionDenied
        user = get_object_or_404(get_user_model(), pk=user_id)
        # Who has never had a credit has no account yet; the ledger opens it.
        account = Account.objects.filter(pk=user_id).first() or Account(user=user)
        form = GrantForm(request.POST or None, initial={"token": uuid4()})
        sure = "confirm" in request.POST
        if form.is_valid() and sure and self._adjusted(request, account, form):
            return HttpResponseRedirect(reverse("admin:billing_account_change", args=[account.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Adjust credits"),
            "form": form,
            "account": account,
            "available": credits.available(account.user),
            "outlook": self._outlook(account, form),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/billing/adjust.html", context)

    def _outlook(self, account: Account, form: GrantForm) -> int | None:
        """The balance after it, of a form that can be booked."""
        if not form.is_valid():
            return None
        try:
            return adjustments.preview(account.user, form.cleaned_data["amount"])
        except credits.NotEnoughCredits as error:
            form.add_error("amount", str(error))
            return None

    def _adjusted(self, request: HttpRequest, account: Account, form: GrantForm) -> bool:
        asked = form.cleaned_data
        amount, token = asked["amount"], asked["token"]
        key = key_of_form(request.user, f"adjust {account.pk}", token, amount)
        adjust = partial(
            adjustments.adjust,
            account.user,
            amount,
            f"adj:{token}",
            expires_at=timezone.now() + timedelta(days=asked["days"]),
            purpose=credits.Purpose("staff", str(request.user.pk), asked["reason"]),
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
            log_action(request.user, account, f"{entry.amount:+} credits", asked["reason"])
        text = ngettext("%(n)s credit was booked.", "%(n)s credits were booked.", abs(entry.amount))
        messages.success(request, text % {"n": f"{entry.amount:+}"})
        return True


class LotFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {"expiring": gettext_lazy("Expiring soon")}
    selections = staticmethod(dashboard.lot_selections)


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    """What came together and expires together."""

    list_display = ("user", "kind", "remaining", "amount", "expires_at", "created_at")
    fields = readonly_fields = list_display
    list_filter = (LotFilter, "kind")
    search_fields = ("account__user__username",)
    list_select_related = ("account__user",)
    ordering = ("expires_at",)

    @admin.display(description=gettext_lazy("user"))
    def user(self, lot: Lot) -> str:
        return str(lot.account.user)


class AllocationInline(ReadOnlyInline):
    model = Allocation
    fields = ("lot", "amount")


class EntryFilter(DashboardFilter):
    labels: ClassVar[dict[str, Promise]] = {
        "spent": gettext_lazy("Spent today"),
        "returned": gettext_lazy("Credits returned today"),
    }
    selections = staticmethod(dashboard.entry_selections)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "user", "type", "amount", "balance_after", "description",
    )  # fmt: skip
    fields = readonly_fields = (
        *list_display, "balance_before", "expires_at", "reference_type", "reference_id", "key",
    )  # fmt: skip
    list_filter = (EntryFilter, "type")
    search_fields = ("account__user__username", "reference_id", "key")
    list_select_related = ("account__user",)
    ordering = ("-created_at",)
    inlines = (AllocationInline,)

    @admin.display(description=gettext_lazy("user"))
    def user(self, entry: Entry) -> str:
        return str(entry.account.user)


# ---- proofs, and who did what ----


@admin.register(AuditRun)
class ProofAdmin(ReadOnlyAdmin):
    list_display = (
        "run_at",
        "accounts",
        "entries",
        "videos",
        "payments",
        "found",
        "repaired_count",
    )
    fields = readonly_fields = list_display
    ordering = ("-run_at",)

    @admin.display(description=gettext_lazy("problems"))
    def found(self, proof: AuditRun) -> str:
        return "; ".join(map(str, proof.problems)) or "–"

    @admin.display(description=gettext_lazy("repaired"))
    def repaired_count(self, proof: AuditRun) -> str:
        return "; ".join(map(str, proof.repaired)) or "–"


@admin.register(LogEntry)
class AuditLogAdmin(ReadOnlyAdmin):
    """Everything staff did, to read."""

    list_display = ("action_time", "user", "content_type", "object_repr", "what")
    fields = readonly_fields = (*list_display, "object_id")
    list_filter = (
        "action_flag",
        ("content_type", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("user__username", "object_id", "object_repr", "change_message")
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    ordering = ("-action_time",)

    @admin.display(description=gettext_lazy("action"))
    def what(self, entry: LogEntry) -> str:
        return str(entry.get_change_message())
