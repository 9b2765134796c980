"""The form of a webhook endpoint."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from videos.models import Video, WebhookEndpoint
from videos.webhooks import http_client


class EndpointForm(forms.Form):
    """Where an endpoint is, what it wants and in which format."""

    url = forms.CharField(
        label=_("Address"),
        max_length=http_client.URL_MAX,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/"}),
        help_text=_(
            "Leave it empty for a program without a public address: it fetches its webhooks."
        ),
    )
    events = forms.MultipleChoiceField(
        label=_("Send it when"),
        choices=WebhookEndpoint.Event.choices,
        initial=WebhookEndpoint.Event.values,
        widget=forms.CheckboxSelectMultiple,
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            (Video.WebhookFormat.OPENAI.value, _("Event of OpenAI’s Videos API")),
            (Video.WebhookFormat.TASK.value, _("Result of a task")),
        ],
        initial=Video.WebhookFormat.OPENAI.value,
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=200,
        required=False,
        help_text=_("What it is for, such as “production”."),
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> "EndpointForm":
        """Return the form with what an endpoint has."""
        names = cls.base_fields
        return cls(initial={name: getattr(endpoint, name) for name in names})

    def clean_url(self) -> Any:
        return self.cleaned_data["url"].strip()
