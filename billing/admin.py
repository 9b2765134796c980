"""Staff: packages, payments and refunds, balances and grants; the ledger and the proofs to read."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing import inbox, ledger, packages, payments, reversals
from billing.models import (
    Account,
    Allocation,
    Entry,
    Lot,
    PackageRow,
    Payment,
    Proof,
    Refund,
    StripeEvent,
)
from billing.staff import ReadOnly, ReadOnlyInline, note


class PackageForm(forms.ModelForm):
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"), choices=[(code, code) for code in packages.MINOR_UNITS]
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For the audit log.")
    )

    class Meta:
        model = PackageRow
        fields = ("key", "name", "credits", "price_minor", "currency", "is_active")


@admin.register(PackageRow)
class PackageAdmin(admin.ModelAdmin):
    form = PackageForm
    list_display = ("key", "name", "credits", "price_minor", "currency", "is_active")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # retired, never deleted: the audit log goes on naming it

    def get_readonly_fields(
        self, request: HttpRequest, obj: PackageRow | None = None
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
        label=gettext_lazy("Amount"),
        help_text=gettext_lazy("Credits; below zero takes what is unspent."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=3650,
        initial=90,
        help_text=gettext_lazy("Until they expire, for credits given."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=150)
    token = forms.UUIDField(widget=forms.HiddenInput)

    def clean_amount(self) -> int:
        if not (amount := int(self.cleaned_data["amount"])):
            raise forms.ValidationError(_("Nothing would change."))
        return amount


class LotInline(ReadOnlyInline):
    model = Lot
    fields = ("kind", "remaining", "amount", "expires_at", "created_at")


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("user", "balance", "debt", "total_earned", "total_spent", "next_expiry_at")
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    readonly_fields = ("adjust",)
    inlines = (LotInline,)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.adjust_view)
        name = "billing_account_adjust"
        return [path("<uuid:user_id>/adjust/", view, name=name), *super().get_urls()]

    @admin.display(description=gettext_lazy("Adjust"))
    def adjust(self, account: Account) -> SafeString:
        url = reverse("admin:billing_account_adjust", args=[account.pk])
        return format_html('<a href="{}">{}</a>', url, _("Give or take credits"))

    def adjust_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        if not request.user.has_perm("billing.change_account"):
            raise PermissionDenied
        account = get_object_or_404(Account.objects.select_related("user"), pk=user_id)
        form = GrantForm(request.POST or None, initial={"token": uuid4()})
        if form.is_valid() and self._adjusted(request, account, form):
            return HttpResponseRedirect(reverse("admin:billing_account_change", args=[account.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Give or take credits"),
            "form": form,
            "account": account,
            "available": ledger.available(account.user),
        }
        return TemplateResponse(request, "admin/billing/adjust.html", context)

    def _adjusted(self, request: HttpRequest, account: Account, form: GrantForm) -> bool:
        asked = form.cleaned_data
        key = f"adj:{asked['token']}"
        again = ledger.entry_for(key) is not None
        try:
            entry = reversals.adjust(
                account.user,
                asked["amount"],
                key,
                expires_at=timezone.now() + timedelta(days=asked["days"]),
                purpose=ledger.Purpose("staff", str(request.user.pk), asked["reason"]),
            )
        except ledger.NotEnoughCredits as error:
            form.add_error("amount", str(error))
            return False
        except ledger.KeyConflict:
            form.add_error(None, _("This form was sent before. Open it anew."))
            return False
        if not again:
            note(_staff(request), account, f"{entry.amount:+} credits: {asked['reason']}")
        text = ngettext("%(n)s credit booked.", "%(n)s credits booked.", entry.amount)
        messages.success(request, text % {"n": f"{entry.amount:+}"})
        return True


class AllocationInline(ReadOnlyInline):
    model = Allocation
    fields = ("lot", "amount")


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    list_display = (
        "created_at", "account", "type", "amount", "balance_after", "description", "reference_id",
    )  # fmt: skip
    list_filter = ("type",)
    search_fields = ("account__user__username", "reference_id", "key")
    list_select_related = ("account__user",)
    ordering = ("-created_at",)
    inlines = (AllocationInline,)


# ---- payments ----


class RefundForm(forms.Form):
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), min_value=Decimal("0.01"), max_digits=12, decimal_places=2
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


class DecisionForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


# What staff do about a payment under review: the room's function, and its words on the page.
DECISIONS: dict[str, tuple[Callable[[Payment, str], Payment], Promise]] = {
    "accept": (payments.accept, gettext_lazy("Accept as paid")),
    "dismiss": (payments.dismiss, gettext_lazy("Dismiss")),
}


REFUND_WORDS = {
    Refund.Status.REQUESTED: gettext_lazy("The refund is asked for; Stripe has not answered yet."),
    Refund.Status.PENDING: gettext_lazy("The refund is on its way."),
    Refund.Status.SUCCEEDED: gettext_lazy("The refund was made."),
    Refund.Status.FAILED: gettext_lazy("Stripe refused the refund; the credits were given back."),
    Refund.Status.CANCELED: gettext_lazy("The refund was cancelled; the credits were given back."),
}


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("created_at", "amount_minor", "status", "source", "reason", "actor", "stripe_id")


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    list_display = ("created_at", "user", "name", "money", "status", "review", "refund_link")
    list_filter = ("status", ("review", admin.EmptyFieldListFilter), "package")
    search_fields = ("user__username", "user__email", "session_id", "payment_intent")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    readonly_fields = ("refund_link",)
    inlines = (RefundInline,)
    actions = ("accept", "dismiss")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.change_payment"))

    @admin.action(description=gettext_lazy("Accept as paid (under review)"), permissions=["decide"])
    def accept(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse | None:
        return self._decide(request, rows, "accept")

    @admin.action(description=gettext_lazy("Dismiss the review"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[Payment]) -> HttpResponse | None:
        return self._decide(request, rows, "dismiss")

    def _decide(
        self, request: HttpRequest, rows: QuerySet[Payment], name: str
    ) -> HttpResponse | None:
        """A page with what does not match and a reason to give; then the decision."""
        waiting = list(rows.exclude(review="").select_related("user"))
        if not waiting:
            messages.error(request, _("None of these payments is under review."))
            return None
        form = DecisionForm(request.POST if "confirm" in request.POST else None)
        if form.is_valid():
            for payment in waiting:
                self._decided(request, payment, name, form.cleaned_data["reason"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": DECISIONS[name][1],
            "action": name,
            "form": form,
            "payments": waiting,
        }
        return TemplateResponse(request, "admin/billing/decide.html", context)

    def _decided(self, request: HttpRequest, payment: Payment, name: str, reason: str) -> None:
        # What the page showed, not what stands there by now.
        question = request.POST.get(f"question:{payment.pk}", "")
        room, words = DECISIONS[name]
        try:
            row = room(payment, question)
        except payments.AlreadyDecided as error:
            messages.error(request, f"{payment}: {error}")
            return
        with translation.override(settings.LANGUAGE_CODE):  # the log is everybody's
            note(_staff(request), row, f"{words} ({question}): {reason}")
        done = {"decision": words, "status": row.get_status_display()}
        text = _("%(decision)s: the payment stands at %(status)s.")
        messages.success(request, text % done)

    @admin.display(description=gettext_lazy("Amount"))
    def money(self, payment: Payment) -> str:
        return f"{packages.major(payment.amount_minor, payment.currency)} {payment.currency}"

    @admin.display(description=gettext_lazy("Refund"))
    def refund_link(self, payment: Payment) -> SafeString | str:
        if not payments.refundable_minor(payment):
            return "–"
        url = reverse("admin:billing_payment_refund", args=[payment.pk])
        return format_html('<a href="{}">{}</a>', url, _("Refund"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refund_view)
        return [
            path("<uuid:payment_id>/refund/", view, name="billing_payment_refund"),
            *super().get_urls(),
        ]

    def refund_view(self, request: HttpRequest, payment_id: UUID) -> HttpResponse:
        """Amount and reason, then a preview of the credits it takes, then the refund.

        The preview names the refund in the session, so that a form sent twice refunds once.
        """
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        payment = get_object_or_404(Payment.objects.select_related("user"), pk=payment_id)
        left = packages.major(payments.refundable_minor(payment), payment.currency)
        form = RefundForm(request.POST or None, initial={"amount": left})
        outlook = None
        if form.is_valid():
            minor = int(form.cleaned_data["amount"] * packages.MINOR_UNITS[payment.currency])
            name = f"refund:{payment.pk}"
            if "confirm" in request.POST and name in request.session:
                key = UUID(request.session[name])
                return self._refund(request, payment, minor, form.cleaned_data["reason"], key)
            try:
                outlook = payments.outlook(payment, minor)
                request.session[name] = str(uuid4())
            except payments.NotRefundable:
                most = {"sum": f"{left} {payment.currency}"}
                form.add_error("amount", _("At most %(sum)s can be refunded.") % most)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Refund a payment"),
            "form": form,
            "payment": payment,
            "left": left,
            "outlook": outlook,
        }
        return TemplateResponse(request, "admin/billing/refund.html", context)

    def _refund(
        self, request: HttpRequest, payment: Payment, minor: int, reason: str, key: UUID
    ) -> HttpResponse:
        again = payment.refunds.filter(pk=key).exists()
        try:
            row = payments.refund(
                payment,
                minor,
                source=Refund.Source.ADMIN,
                reason=reason,
                actor=_staff(request),
                pk=key,
            )
        except payments.NotRefundable as error:
            messages.error(request, str(error))
        else:
            if not again:
                note(
                    _staff(request),
                    payment,
                    f"refund of {packages.major(minor, payment.currency)}: {reason}",
                )
            messages.success(request, REFUND_WORDS[Refund.Status(row.status)])
        return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment.pk]))


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnly):
    list_display = ("received_at", "type", "state", "payment_intent", "note")
    list_filter = ("state", "type")
    ordering = ("-received_at",)
    actions = ("handle_again",)

    @admin.action(description=gettext_lazy("Act on these events again"), permissions=["view"])
    def handle_again(self, request: HttpRequest, rows: QuerySet[StripeEvent]) -> None:
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        for event in rows:
            inbox.handle(event)
            note(_staff(request), event, f"acted on again by hand: {event.state}")


@admin.register(Proof)
class ProofAdmin(ReadOnly):
    list_display = ("at", "accounts", "entries", "videos", "payments", "problems", "repaired")


def _staff(request: HttpRequest) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)


@admin.register(LogEntry)
class AuditLogAdmin(ReadOnly):
    """Everything staff did, to read."""

    list_display = ("action_time", "user", "content_type", "object_repr", "change_message")
    list_filter = ("content_type", "action_flag")
    search_fields = ("user__username", "object_id", "object_repr", "change_message")
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    ordering = ("-action_time",)
