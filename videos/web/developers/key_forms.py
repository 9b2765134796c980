"""Forms of API keys: a new one, and changes to one; both name the limits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.auth import key_limits
from accounts.models import ApiKey
from videos.catalog import offers
from videos.catalog.reading import catalog

LIFETIMES = [
    ("30", _("in 30 days")),
    ("90", _("in 90 days")),
    ("365", _("in a year")),
    ("", _("never")),
]
KEEP = "keep"


def _scope_choices() -> list[tuple[str, Promise]]:
    read = (ApiKey.Scope.READ.value, _("read videos, uploads and deliveries"))
    if not settings.BILLING:
        return [read, (ApiKey.Scope.GENERATE.value, _("order videos"))]
    return [
        read,
        (ApiKey.Scope.GENERATE.value, _("order videos, which spends credits")),
        (ApiKey.Scope.BILLING.value, _("read the balance and buy credits")),
    ]


def _model_choices() -> list[tuple[str, str]]:
    """The aliases and the models that are offered; the value is what an order names."""
    found = catalog()
    aliases = [(word, word) for word in found.aliases if offers.is_available(word)]
    return aliases + [(model.id, f"{model.label} ({model.id})") for model in offers.offered()]


class LimitsForm(forms.Form):
    """The name and the limits of a key. What is empty is no limit."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where you use it, such as “newsletter bot”.")
    )
    credits_per_day = forms.IntegerField(
        label=_("Credits per day"),
        min_value=1,
        max_value=key_limits.MAX_CREDITS_PER_DAY,
        required=False,
        help_text=_(
            "The most this key may spend from 00:00 to 24:00 UTC. Empty: no limit. Credits of"
            " failed videos do not count."
        ),
    )
    allowed_models = forms.MultipleChoiceField(
        label=_("Models it may order"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every model."),
    )
    ip_ranges = forms.CharField(
        label=_("IP addresses it may be used from"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(
            {"rows": 3, "placeholder": "203.0.113.7\n2001:db8::/32", "spellcheck": "false"}
        ),
        help_text=_("One address or network per line. Empty: every address."),
    )

    def __init__(self, *args: Any, kept_models: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = _model_choices()
        # Models that the catalog has no longer can still be unchosen.
        known = {word for word, _label in choices}
        choices += [(word, word) for word in kept_models or [] if word not in known]
        self._field("allowed_models").choices = choices
        if not settings.BILLING:
            del self.fields["credits_per_day"]

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean_ip_ranges(self) -> list[str]:
        lines = self.cleaned_data["ip_ranges"].replace(",", "\n").split()
        if len(lines) > key_limits.MAX_RANGES:
            text = _now("Up to %(n)d addresses or networks.")
            raise forms.ValidationError(text % {"n": key_limits.MAX_RANGES})
        return list(dict.fromkeys(_parsed(lines)))

    def limits(self) -> dict[str, Any]:
        """Return the limits that the form asks for, by the names of ApiKey."""
        names = filter(self.fields.__contains__, key_limits.NAMES)
        return {name: self.cleaned_data[name] for name in names}


def _parsed(lines: list[str]) -> Iterator[str]:
    for line in lines:
        try:
            yield key_limits.parse_range(line)
        except key_limits.BadRange as error:
            raise forms.ValidationError(str(error)) from error


def _moment(days: str) -> datetime | None:
    return timezone.now() + timedelta(days=int(days)) if days else None


class NewKeyForm(LimitsForm):
    """A new API key: its name, its scopes, its lifetime and its limits."""

    scopes = forms.MultipleChoiceField(
        label=_("This key may"),
        choices=_scope_choices,
        initial=[ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.ChoiceField(label=_("Expires"), choices=LIFETIMES, initial="90", required=False)

    def expires_at(self) -> datetime | None:
        return _moment(self.cleaned_data["days"])


class ChangeKeyForm(LimitsForm):
    """The name, the expiry and the limits of a key that exists."""

    days = forms.ChoiceField(
        label=_("Expires"),
        choices=[(KEEP, _("as it is")), *LIFETIMES],
        initial=KEEP,
        required=False,
    )

    def __init__(self, key: ApiKey, *args: Any, **kwargs: Any) -> None:
        initial = {
            "name": key.name,
            "credits_per_day": key.credits_per_day,
            "allowed_models": key.allowed_models,
            "ip_ranges": "\n".join(key.ip_ranges),
        }
        super().__init__(*args, initial=initial, kept_models=key.allowed_models, **kwargs)

    def changes(self) -> dict[str, Any]:
        """Return the new values of the key's columns."""
        days = self.cleaned_data["days"]
        expiry = {} if days == KEEP else {"expires_at": _moment(days)}
        return {"name": self.cleaned_data["name"], **self.limits(), **expiry}
