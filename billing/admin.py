"""Staff: packages, payments and refunds, balances and grants; the ledger and the proofs to read."""

from datetime import timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

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


class ReadOnly(admin.ModelAdmin):
    """To look at; nothing here is changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(PackageRow)
class PackageAdmin(admin.ModelAdmin):
    list_display = ("key", "name", "credits", "price_minor", "currency", "is_active")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is not None  # bringing the documented package back


# ---- balances ----


class GrantForm(forms.Form):
    amount = forms.IntegerField(help_text="Credits; below zero takes what is unspent.")
    days = forms.IntegerField(
        min_value=1, max_value=3650, initial=90, help_text="Until they expire, for credits given."
    )
    reason = forms.CharField(max_length=150)
    token = forms.UUIDField(widget=forms.HiddenInput)


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

    @admin.display(description="Adjust")
    def adjust(self, account: Account) -> SafeString:
        url = reverse("admin:billing_account_adjust", args=[account.pk])
        return format_html('<a href="{}">Give or take credits</a>', url)

    def adjust_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        if not request.user.has_perm("billing.change_account"):
            raise PermissionDenied
        account = get_object_or_404(Account.objects.select_related("user"), pk=user_id)
        form = GrantForm(request.POST or None, initial={"token": uuid4()})
        if form.is_valid() and self._adjusted(request, account, form):
            return HttpResponseRedirect(reverse("admin:billing_account_change", args=[account.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Give or take credits",
            "form": form,
            "account": account,
            "available": ledger.available(account.user),
        }
        return TemplateResponse(request, "admin/billing/adjust.html", context)

    def _adjusted(self, request: HttpRequest, account: Account, form: GrantForm) -> bool:
        asked = form.cleaned_data
        try:
            entry = reversals.adjust(
                account.user,
                asked["amount"],
                f"adj:{asked['token']}",
                expires_at=timezone.now() + timedelta(days=asked["days"]),
                purpose=ledger.Purpose("staff", str(request.user.pk), asked["reason"]),
            )
        except ledger.NotEnoughCredits as error:
            form.add_error("amount", str(error))
            return False
        note(request, account, f"{entry.amount:+} credits: {asked['reason']}")
        messages.success(request, f"{entry.amount:+} credits booked.")
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
    amount = forms.DecimalField(min_value=Decimal("0.01"), max_digits=12, decimal_places=2)
    reason = forms.CharField(max_length=500)


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("created_at", "amount_minor", "status", "source", "reason", "actor", "stripe_id")


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    list_display = ("created_at", "user", "name", "money", "status", "review", "refund_link")
    list_filter = ("status", "package")
    search_fields = ("user__username", "user__email", "session_id", "payment_intent")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    readonly_fields = ("refund_link",)
    inlines = (RefundInline,)

    @admin.display(description="Amount")
    def money(self, payment: Payment) -> str:
        return f"{amount(payment.amount_minor, payment.currency)} {payment.currency}"

    @admin.display(description="Refund")
    def refund_link(self, payment: Payment) -> SafeString | str:
        if not payments.refundable_minor(payment):
            return "–"
        url = reverse("admin:billing_payment_refund", args=[payment.pk])
        return format_html('<a href="{}">Refund</a>', url)

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
        left = amount(payments.refundable_minor(payment), payment.currency)
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
                form.add_error("amount", f"At most {left} {payment.currency} can be refunded.")
        context = {
            **self.admin_site.each_context(request),
            "title": "Refund a payment",
            "form": form,
            "payment": payment,
            "left": left,
            "outlook": outlook,
        }
        return TemplateResponse(request, "admin/billing/refund.html", context)

    def _refund(
        self, request: HttpRequest, payment: Payment, minor: int, reason: str, key: UUID
    ) -> HttpResponse:
        staff = cast("AbstractBaseUser", request.user)
        again = payment.refunds.filter(pk=key).exists()
        try:
            row = payments.refund(
                payment,
                minor,
                source=Refund.Source.ADMIN,
                reason=reason,
                actor=staff,
                pk=key,
            )
        except payments.NotRefundable as error:
            messages.error(request, str(error))
        else:
            if not again:
                note(request, payment, f"refund of {amount(minor, payment.currency)}: {reason}")
            messages.success(request, f"The refund is {row.get_status_display().lower()}.")
        return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment.pk]))


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnly):
    list_display = ("received_at", "type", "state", "payment_intent", "note")
    list_filter = ("state", "type")
    ordering = ("-received_at",)
    actions = ("handle_again",)

    @admin.action(description="Act on these events again", permissions=["view"])
    def handle_again(self, request: HttpRequest, rows: QuerySet[StripeEvent]) -> None:
        if not request.user.has_perm("billing.change_payment"):
            raise PermissionDenied
        for event in rows:
            inbox.handle(event)


@admin.register(Proof)
class ProofAdmin(ReadOnly):
    list_display = ("at", "accounts", "entries", "videos", "payments", "problems", "repaired")


def amount(minor: int, currency: str) -> Decimal:
    return Decimal(minor) / packages.MINOR_UNITS[currency]


def note(request: HttpRequest, target: Model, text: str) -> None:
    """The audit log: who did what to which row, and why."""
    actor = str(request.user.pk)
    LogEntry.objects.log_actions(actor, [target], CHANGE, text, single_object=True)
