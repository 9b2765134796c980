"""The forms of abuse reports and feedback."""

from django import forms
from django.utils.translation import gettext_lazy as _

from config.lib.web.forms import MultilineField
from showcase.models import AbuseReport


class AbuseReportForm(forms.Form):
    subject = forms.CharField(
        label=_("Which video?"), max_length=500, help_text=_("The URL of its page, or its id.")
    )
    reason = forms.ChoiceField(label=_("What is wrong?"), choices=AbuseReport.Reason.choices)
    text = MultilineField(
        label=_("Details"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        required=False,
        max_length=254,
        help_text=_("Optional. We use it only to ask you about this report."),
    )


class FeedbackForm(forms.Form):
    text = MultilineField(
        label=_("Your feedback"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6})
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        required=False,
        max_length=254,
        help_text=_("Optional. Enter it if you would like an answer."),
    )
