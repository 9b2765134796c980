"""How the forms of this package show their fields."""

from typing import Any

from django.db.models import Field, ManyToManyField
from django.forms import CheckboxSelectMultiple

# Long lists as checkboxes: a browser's search finds them, and screen readers read them well.
CHECKBOXES: dict[type[Field], dict[str, Any]] = {
    ManyToManyField: {"widget": CheckboxSelectMultiple}
}
