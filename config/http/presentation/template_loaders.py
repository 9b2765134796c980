"""Template loaders that leave out the indentation of HTML templates and insert their icons.

Templates are indented for their readers; a browser ignores the spaces, but they would make the
pages about a tenth larger. A page of the library has 150 icons: to include a template, and to ask
for the address of the file of icons, costs more than the icon. All that is done once, when a
template is compiled.
"""

import re
from functools import cache

from django.conf import settings
from django.template import Origin
from django.template.loaders import app_directories, filesystem
from django.templatetags.static import static
from django.utils.html import escape

# The spaces at the beginning of a line are text inside these elements.
PREFORMATTED = re.compile(r"(<pre\b.*?</pre>|<textarea\b.*?</textarea>)", re.DOTALL)
INDENTATION = re.compile(r"(?<=\n)[ \t]+")
# The line break before the tag stays, so words on both sides of it do not grow together.
OPENING_TAG_LINE = re.compile(r"(?<=\n)(\{% (?:if|for|with)\b(?:(?!%\})[^\n])*%\})\n")
ICONS = "img/icons.svg"
ICONS_TAG = "{% static '" + ICONS + "' %}"
ICON = re.compile(r'\{% include "parts/icon\.html" with n="([\w-]+)"( small=1)? %\}')


def inline_icons(source: str, icon: str) -> str:
    """Replace each inclusion of an icon by the template of icons, with its name and its size."""
    return ICON.sub(lambda found: _icon(icon, *found.groups()), source)


def _icon(template: str, name: str, small: str | None) -> str:
    size = "{% if small %} icon--small{% endif %}"
    return template.replace(size, " icon--small" if small else "").replace("{{ n }}", name)


@cache
def _icon_template() -> str:
    source = (settings.BASE_DIR / "templates/parts/icon.html").read_text()
    return strip_indentation(source).replace(ICONS_TAG, escape(static(ICONS)))


def strip_indentation(source: str) -> str:
    """Remove spaces at the beginning of lines, and the line breaks after if, for and with tags.

    Nothing changes inside <pre> and <textarea>.
    """
    pieces = PREFORMATTED.split(source)
    pieces[::2] = [OPENING_TAG_LINE.sub(r"\1", INDENTATION.sub("", p)) for p in pieces[::2]]
    return "".join(pieces)


class FilesystemLoader(filesystem.Loader):
    """Load templates from TEMPLATES["DIRS"]."""

    def get_contents(self, origin: Origin) -> str:
        return _contents(super().get_contents(origin), origin)


class AppDirectoriesLoader(app_directories.Loader):
    """Load templates from the installed apps."""

    def get_contents(self, origin: Origin) -> str:
        return _contents(super().get_contents(origin), origin)


def _contents(source: str, origin: Origin) -> str:
    # Django's error page of DEBUG shows lines by their numbers, so they stay as in the file.
    if settings.DEBUG or not origin.name.endswith(".html"):
        return source
    return inline_icons(strip_indentation(source), _icon_template())
