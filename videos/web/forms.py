"""Forms of the video pages beside the composer."""

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config.lib.web.forms import MultilineField
from videos.models import Preset
from videos.models.video_names import MAX_TITLE
from videos.web import composer, order_fields


class RemixForm(forms.Form):
    prompt = order_fields.prompt_field()


class PromptForm(forms.Form):
    prompt = order_fields.prompt_field()


class TitleForm(forms.Form):
    title = MultilineField(max_length=MAX_TITLE, required=False)


class CollectionForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")}
    )


class PresetForm(forms.Form):
    """Save the composer's options under a name; an existing preset of that name is replaced."""

    preset_name = forms.CharField(
        max_length=60, error_messages={"required": _("Enter a name for the preset.")}
    )
    preset_ending = forms.CharField(max_length=400, required=False)
    model = forms.ChoiceField(choices=composer.model_choices)
    size = forms.ChoiceField(choices=composer.size_choices)
    seconds = forms.TypedChoiceField(choices=composer.length_choices, coerce=int)
    takes = order_fields.takes_field()
    audio = order_fields.audio_field()
    negative_prompt = order_fields.negative_prompt_field()
    seed = order_fields.seed_field()

    def save(self, user: AbstractBaseUser) -> Preset:
        """Create or replace the preset."""
        names = ("model", "size", "seconds", "takes", "negative_prompt", "seed")
        options = {name: self.cleaned_data[name] for name in names}
        options["audio"] = False if self.cleaned_data["audio"] == order_fields.SILENT else None
        preset, _created = Preset.objects.update_or_create(
            user_id=user.pk,
            name=self.cleaned_data["preset_name"],
            defaults={**options, "ending": self.cleaned_data["preset_ending"]},
        )
        return preset


class WelcomeForm(forms.Form):
    """Language and e-mail choices of a new user."""

    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices)
    mails = forms.BooleanField(
        label=_("E-mail me when my videos are ready or have failed"), required=False
    )
