"""Staff pages of referrals: who invited whom, and the switch of the programme."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from billing.models import Referral, ReferralProgram
from config.lib.admin import worded_filters
from config.lib.admin.model_admin import ReadOnlyAdmin


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "inviter", "friend", "is_confirmed", "payment", "settled_at",
        "inviter_credits", "friend_credits",
    )  # fmt: skip
    fields = readonly_fields = list_display
    list_filter = (
        (
            "is_confirmed",
            worded_filters.boolean(gettext_lazy("confirmed"), gettext_lazy("not confirmed")),
        ),
        ("settled_at", worded_filters.filled(gettext_lazy("settled"), gettext_lazy("not yet"))),
    )
    search_fields = ("inviter__username", "friend__username")
    list_select_related = ("inviter", "friend", "payment")
    ordering = ("-created_at",)


class ProgramForm(forms.ModelForm):
    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The reason is kept in the audit log."),
    )

    class Meta:
        model = ReferralProgram
        fields = ("is_active",)
        help_texts: ClassVar = {
            "is_active": gettext_lazy(
                "Switched off, links earn nothing and their page is hidden. Earned credits stay."
            )
        }


@admin.register(ReferralProgram)
class ReferralProgramAdmin(admin.ModelAdmin):
    form = ProgramForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: there is one row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: there is one row."""
        return False

    def construct_change_message(  # type: ignore[override]  # Django shows a plain text too
        self, request: HttpRequest, form: forms.BaseForm, formsets: Any, add: bool = False
    ) -> str:
        """Return the text for the audit log: the switch and the reason."""
        state = "on" if form.cleaned_data["is_active"] else "off"
        return f"referrals switched {state}: {form.cleaned_data['reason']}"
