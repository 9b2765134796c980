"""Staff: users; lock, unlock and restore them."""

from typing import Any, cast
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client, Token
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import notes
from accounts.admin.fields import CHECKBOXES
from accounts.auth import sessions, tokens
from accounts.models import User
from accounts.people import deletion, signup, viewing
from billing.ledger import credits
from billing.reports import dashboard
from config.lib.admin import staff, worded_filters
from config.lib.admin.long_lists import LongList
from config.lib.admin.model_admin import ReasonForm, confirm_action, log_action

# Ledger entries and acts of staff on a user's page; payments.
LINES, FEW = 20, 5

# Shown on the page of the user, or secret; or apps of users, whose consent nobody may skip.
for hidden in (
    EmailAddress,
    SocialAccount,
    SocialApp,
    SocialToken,
    Authenticator,
    UserSession,
    Client,
    Token,
):
    admin.site.unregister(hidden)


# In the place of Django's own sentences.
HELP = {
    "username": gettext_lazy("At most 150 letters, digits and the characters @ . + - _"),
    "is_staff": gettext_lazy("May open this staff site, with the permissions of the groups."),
    "is_superuser": gettext_lazy("May do everything, without groups."),
    "groups": gettext_lazy("Staff have the permissions of all their groups."),
}


class PasswordForm(AdminPasswordChangeForm):
    """End every session when staff set or remove a password."""

    def save(self, commit: bool = True) -> User:
        user = cast("User", super().save(commit))
        tokens.sign_out_everywhere(user)
        return user


class AddUserForm(AdminUserCreationForm):
    """Leave the password to `save_model`: hashing takes too long for the admin's transaction."""

    def set_password_and_save(self, user: User, commit: bool = True, **kwargs: Any) -> User:
        user.set_unusable_password()
        if commit:
            user.save()
        return user


def _is_superuser(request: HttpRequest) -> bool:
    return bool(cast("User", request.user).is_superuser)


def _without(fieldsets: Any, names: tuple[str, ...]) -> list[tuple[Any, dict[str, Any]]]:
    """Return the fieldsets without some fields."""
    return [
        (title, {**options, "fields": [f for f in options["fields"] if f not in names]})
        for title, options in fieldsets
    ]


@admin.register(User)
class FirstlightUserAdmin(LongList, UserAdmin):
    list_display = ("username", "email", "balance", "state", "kind", "date_joined")
    list_filter = (
        ("is_active", worded_filters.boolean(gettext_lazy("active"), gettext_lazy("locked"))),
        ("is_staff", worded_filters.boolean(gettext_lazy("staff"), gettext_lazy("not staff"))),
        (
            "is_superuser",
            worded_filters.boolean(gettext_lazy("superuser"), gettext_lazy("no superuser")),
        ),
        ("deletion_requested_at", admin.DateFieldListFilter),
    )
    filter_horizontal = ()
    readonly_fields = (
        "state", "last_login", "date_joined", "deletion_requested_at", "erased_at",
        "two_factor",
    )  # fmt: skip
    fieldsets = (
        (
            gettext_lazy("Personal info"),
            {"fields": ("username", "display_name", "email", "language")},
        ),
        (
            gettext_lazy("Permissions"),
            {"fields": ("state", "is_staff", "is_superuser", "groups")},
        ),
        (
            gettext_lazy("Account"),
            {
                "fields": (
                    "two_factor",
                    "last_login",
                    "date_joined",
                    "deletion_requested_at",
                    "erased_at",
                )
            },
        ),
    )
    superuser_fields = ("is_staff", "is_superuser", "groups")
    add_form = AddUserForm
    change_password_form = PasswordForm
    actions = ("lock", "unlock", "restore")
    formfield_overrides = CHECKBOXES
    change_form_template = "admin/accounts/user.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(credits=dashboard.available(OuterRef("pk")))

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show what support asks about first: credits, payments, sign-ins, earlier acts."""
        user = kwargs.get("obj")
        shown = {**context, **self._about(request, user)} if user else context
        return super().render_change_form(request, shown, *args, **kwargs)

    def _about(self, request: HttpRequest, user: User) -> dict[str, Any]:
        browsers = [
            (row, sessions.describe_browser(row.user_agent)) for row in sessions.list_browsers(user)
        ]
        return {
            "entries": credits.history(user)[:LINES],
            "payments": list(user.payments.order_by("-created_at")[:FEW]),
            "browsers": browsers,
            "programs": list(sessions.list_programs(user)),
            "acts": notes.acts_on(user)[:LINES],
            "may_view_as": viewing.may_view(request.user, user),
            "may_act": self.has_change_permission(request, user),
        }

    def get_urls(self) -> list[URLPattern]:
        note = self.admin_site.admin_view(self.note_view)
        view_as = self.admin_site.admin_view(self.view_as_view)
        return [
            path("<uuid:user_id>/note/", note, name="accounts_user_note"),
            path("<uuid:user_id>/view-as/", view_as, name="accounts_user_view_as"),
            *super().get_urls(),
        ]

    def note_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Ask for a note about a user, and keep it in the audit log."""
        user = get_object_or_404(User, pk=user_id)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        back = reverse("admin:accounts_user_change", args=[user.pk])
        form = notes.NoteForm(request.POST or None)
        if form.is_valid():
            log_action(request.user, user, "Note", form.cleaned_data["text"])
            self.message_user(request, _("The note is kept with the account."))
            return HttpResponseRedirect(f"{back}#notes")
        return confirm_action(
            self,
            request,
            form,
            title=_("Write a note"),
            says=[_("Other staff see it on the page of this user. The user does not.")],
            back=back,
            about=user,
        )

    def view_as_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Ask for a reason, then show pages as the user sees them."""
        user = get_object_or_404(User, pk=user_id)
        if not viewing.may_view(request.user, user):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if not form.is_valid():
            return confirm_action(
                self,
                request,
                form,
                title=_("View as this user"),
                says=[
                    _("You see studio, library, videos and credits as the user sees them."),
                    _("Nothing can be changed. It ends after 30 minutes, or when you stop it."),
                ],
                back=reverse("admin:accounts_user_change", args=[user.pk]),
                about=user,
            )
        viewing.begin(request.session, request.user, user, form.cleaned_data["reason"])
        response = HttpResponseRedirect(reverse("library"))
        response.set_cookie(
            viewing.COOKIE, "1", httponly=True, samesite="Lax", secure=settings.PRODUCTION
        )
        return response

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Hash the new user's password before Django begins the transaction."""
        if request.method == "POST":
            hashed = make_password(request.POST.get("password1"))
            request.password_hash = hashed  # type: ignore[attr-defined]
        answer: HttpResponse = super().add_view(request, *args, **kwargs)
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Store the password of a user whom staff add, and grant the welcome credits."""
        if not change and form.cleaned_data["set_usable_password"]:
            obj.password = request.password_hash  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)
        if not change:
            signup.grant_welcome_credits(obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show only superusers what gives power; others would make themselves superusers."""
        shown = super().get_fieldsets(request, obj)
        return shown if _is_superuser(request) else _without(shown, self.superuser_fields)

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(request, obj, **{"change": change, "help_texts": HELP, **kwargs})

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return shown if _is_superuser(request) else [f for f in shown if f != "kind"]

    def get_list_filter(self, request: HttpRequest) -> Any:
        hidden = () if _is_superuser(request) else self.superuser_fields
        return [each for each in self.list_filter if each[0] not in hidden]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse to filter by what is hidden: the list would tell who has it."""
        name = lookup.partition("__")[0]
        hidden = (*self.superuser_fields, "user_permissions", "must_change_password")
        if name in hidden and not _is_superuser(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let only superusers change staff, whose passwords would give their power."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or staff.may_act_on(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: the ledger names every user. Erase the user instead."""
        return False

    @admin.display(description=gettext_lazy("credits to spend"), ordering="credits")
    def balance(self, user: User) -> int:
        return int(getattr(user, "credits", 0) or 0)

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def state(self, user: User) -> str:
        return _("active") if user.is_active else _("locked")

    @admin.display(description=gettext_lazy("staff"), ordering="is_staff")
    def kind(self, user: User) -> str:
        return _("superuser") if user.is_superuser else _("staff") if user.is_staff else "–"

    @admin.display(description=gettext_lazy("two-factor sign-in"))
    def two_factor(self, user: User) -> str:
        return _("on") if staff.has_second_factor(user) else _("off")

    def _without_colleagues(self, request: HttpRequest, chosen: QuerySet[User]) -> list[User]:
        """Return the users on whom this member of staff may act; name the others in a message."""
        permitted = []
        for user in chosen:
            if staff.may_act_on(request.user, user):
                permitted.append(user)
            else:
                text = _("%(name)s is staff. Only a superuser can do this.")
                self.message_user(request, text % {"name": user.username}, messages.ERROR)
        return permitted

    @admin.action(
        description=gettext_lazy("Lock and end all sign-ins and API keys"), permissions=["change"]
    )
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Ask for a reason, then lock each user."""
        form = ReasonForm(request.POST if "confirm" in request.POST else None)
        others = queryset.exclude(pk=cast("User", request.user).pk).filter(
            Q(is_active=True) | Q(deletion_requested_at__isnull=False, erased_at=None)
        )
        chosen = self._without_colleagues(request, others)
        if not chosen:
            return None
        if form.is_valid():
            for user in chosen:
                deletion.lock(user)
                log_action(request.user, user, "Locked", form.cleaned_data["reason"])
                self.message_user(request, _("You locked %s.") % user.username)
            return None
        kept = [("action", "lock"), *((ACTION_CHECKBOX_NAME, str(user.pk)) for user in chosen)]
        return confirm_action(
            self,
            request,
            form,
            title=_("Lock"),
            says=[_("Every sign-in, API key and open page ends at once. Videos keep rendering.")],
            changes=[(user.username, _("active"), _("locked")) for user in chosen],
            kept=kept,
            back=reverse("admin:accounts_user_changelist"),
            about=_("Users"),
        )

    @admin.action(description=gettext_lazy("Unlock"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._without_colleagues(request, queryset):
            try:
                deletion.unlock(user)
            except deletion.NotPossible as error:
                self.message_user(request, f"{user.username}: {error}", messages.WARNING)
            else:
                self.log_change(request, user, "Unlocked")
                self.message_user(request, _("You unlocked %s.") % user.username)

    @admin.action(
        description=gettext_lazy("Restore accounts whose deletion was requested"),
        permissions=["change"],
    )
    def restore(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._without_colleagues(request, queryset):
            try:
                deletion.restore(user)
            except deletion.NotPossible as error:
                self.message_user(request, f"{user.username}: {error}", messages.WARNING)
            else:
                self.log_change(request, user, "Restored")
                self.message_user(request, _("You restored %s.") % user.username)
