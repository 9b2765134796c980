"""The forms of what people write to us."""

from django import forms
from django.utils.translation import gettext_lazy as _

from showcase.models import Report


class ReportForm(forms.Form):
    subject = forms.CharField(
        label=_("Which video?"), max_length=500, help_text=_("Its address, or its id.")
    )
    reason = forms.ChoiceField(label=_("What is wrong?"), choices=Report.Reason.choices)
    text = forms.CharField(
        label=_("Tell us more"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        required=False,
        max_length=254,
        help_text=_("For questions only. You may leave it out."),
    )


class FeedbackForm(forms.Form):
    text = forms.CharField(
        label=_("What should we know?"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6})
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        required=False,
        max_length=254,
        help_text=_("If you would like an answer."),
    )
