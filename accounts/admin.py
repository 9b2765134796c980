"""Staff: people, whether they may come in, and whoever wants to come back."""

from datetime import UTC, datetime
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group
from django.db.models import Field, ManyToManyField, OuterRef, Q, QuerySet
from django.forms import CheckboxSelectMultiple, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.auth import second_factor, tokens
from accounts.models import User
from accounts.people import deletion, signup
from billing.ledger import credits
from billing.reports import dashboard
from config.lib.admin import ReadOnly, ReasonForm, ask, note
from config.lib.models import RateCounter

# So many lines of the books stand on a person's page.
LINES = 20

# What belongs to people shows on their page, and secrets on none.
for hidden in (
    EmailAddress,
    SocialAccount,
    SocialApp,
    SocialToken,
    Authenticator,
    UserSession,
    Group,
):
    admin.site.unregister(hidden)


# Long lists are ticked: found by a browser's own search, and read out as what they are.
TICKED: dict[type[Field], dict[str, Any]] = {ManyToManyField: {"widget": CheckboxSelectMultiple}}


class PasswordForm(AdminPasswordChangeForm):
    """A password that staff set, or take away, ends what the old one opened."""

    def save(self, commit: bool = True) -> User:
        user = cast("User", super().save(commit))
        tokens.sign_out_everywhere(user)
        return user


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = ("username", "email", "balance", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "left_at")
    filter_horizontal = ()
    readonly_fields = (
        "is_active", "last_login", "date_joined", "left_at", "forgotten_at", "balance", "books",
        "two_factor",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Credits"), {"fields": ("balance", "books")}),
        (gettext_lazy("Personal info"), {"fields": ("display_name", "email", "language")}),
        (
            gettext_lazy("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups")},
        ),
        (
            gettext_lazy("Standing"),
            {"fields": ("two_factor", "last_login", "date_joined", "left_at", "forgotten_at")},
        ),
    )
    change_password_form = PasswordForm
    actions = ("lock", "unlock", "take_back")
    formfield_overrides = TICKED
    change_form_template = "admin/accounts/user.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(credits=dashboard.available(OuterRef("pk")))

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = kwargs.get("obj")
        lines = credits.history(user)[:LINES] if user else ()
        return super().render_change_form(request, {**context, "lines": lines}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Whoever staff add is welcomed like everybody."""
        super().save_model(request, obj, form, change)
        if not change:
            signup.welcome(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: the books name every user. People leave, and are forgotten after 30 days."""
        return False

    @admin.display(description=gettext_lazy("credits to spend"), ordering="credits")
    def balance(self, user: User) -> int:
        return int(getattr(user, "credits", 0) or 0)

    @admin.display(description=gettext_lazy("books"))
    def books(self, user: User) -> SafeString:
        lines = reverse("admin:billing_entry_changelist")
        payments = reverse("admin:billing_payment_changelist")
        return format_html(
            '<a href="{}?account__exact={}">{}</a> · <a href="{}?user__exact={}">{}</a>',
            lines, user.pk, _("every line"), payments, user.pk, _("payments"),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("two-factor sign-in"), boolean=True)
    def two_factor(self, user: User) -> bool:
        return second_factor.is_on(user)

    @admin.action(description=gettext_lazy("Lock, and end all sign-ins and keys"))
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Asked once more, with a reason; then each is out at once."""
        form = ReasonForm(request.POST if "confirm" in request.POST else None)
        chosen = queryset.exclude(pk=cast("User", request.user).pk).filter(
            Q(is_active=True) | Q(left_at__isnull=False, forgotten_at=None)
        )
        if form.is_valid():
            for user in chosen:
                deletion.lock(user)
                note(request.user, user, "Locked", form.cleaned_data["reason"])
                self.message_user(request, _("%s is locked out.") % user.username)
            return None
        kept = [("action", "lock"), *((ACTION_CHECKBOX_NAME, str(user.pk)) for user in chosen)]
        return ask(
            self,
            request,
            form,
            title=_("Lock out"),
            says=[_("Every sign-in, API key and open page ends at once. Videos keep rendering.")],
            changes=[(user.username, _("may come in"), _("locked out")) for user in chosen],
            kept=kept,
            back=reverse("admin:accounts_user_changelist"),
            about=_("Users"),
        )

    @admin.action(description=gettext_lazy("Unlock"))
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                deletion.unlock(user)
            except deletion.NotPossible as error:
                self.message_user(request, f"{user.username}: {error}", messages.WARNING)
            else:
                self.log_change(request, user, "Unlocked")
                self.message_user(request, _("%s may come in again.") % user.username)

    @admin.action(description=gettext_lazy("Take back accounts that left"))
    def take_back(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                deletion.take_back(user)
            except deletion.NotPossible as error:
                self.message_user(request, f"{user.username}: {error}", messages.WARNING)
            else:
                self.log_change(request, user, "Taken back")
                self.message_user(request, _("%s is back.") % user.username)


@admin.register(RateCounter)
class CounterAdmin(ReadOnly):
    """Who has asked how often, where there is no Redis to count in."""

    list_display = ("key", "hits", "ends")
    fields = readonly_fields = list_display
    search_fields = ("key",)
    ordering = ("-hits",)

    @admin.display(description=gettext_lazy("window ends"), ordering="ends_ms")
    def ends(self, row: RateCounter) -> datetime:
        return datetime.fromtimestamp(row.ends_ms / 1000, tz=UTC)


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """What a group of staff may do, of what there is here to do."""

    filter_horizontal = ()
    formfield_overrides = TICKED

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field and field.queryset is not None:
            registered = filter(self.admin_site.is_registered, apps.get_models())
            shown = [model._meta.model_name for model in registered]
            field.queryset = field.queryset.filter(content_type__model__in=shown)
        return field
