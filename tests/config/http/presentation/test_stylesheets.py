"""Stylesheets are written in many files and sent as one."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.contrib.staticfiles import finders
from django.test import Client

from config.http.presentation import stylesheets

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "static" / "css"
ENTRIES = sorted(FOLDER.glob("*.css"))


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            "/* Why */\n.a {\n  color: red;\n}\n\n.b {\n  margin: 0 1px;\n}\n",
            ".a{color: red}.b{margin: 0 1px}",
        ),
        (".a,\n.b :is(c, d) {\n  & :hover {\n    e: f;\n  }\n}", ".a,.b :is(c,d){& :hover{e: f}}"),
        (':a { content: "a  {  /* b */ ;"; }', ':a{content: "a  {  /* b */ ;"}'),
        ("a { width: calc(1px + 2px) /* c */; }", "a{width: calc(1px + 2px)}"),
    ],
)
def test_only_comments_and_meaningless_spaces_are_removed(written: str, sent: str) -> None:
    assert stylesheets.minify(written) == sent


def test_every_css_file_is_part_of_a_stylesheet() -> None:
    used = {source for entry in ENTRIES for source in stylesheets.sources(entry)}
    assert sorted(FOLDER.rglob("*.css")) == sorted(used)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: path.name)
def test_stylesheet_is_complete_and_its_urls_exist(entry: Path) -> None:
    text = stylesheets.build(entry)
    assert "@import" not in text
    assert text.count("{") == text.count("}")
    addresses = re.findall(r"url\(([^)]+)\)", text)
    assert [path for path in addresses if not (FOLDER / path).is_file()] == []


def test_server_sends_the_built_stylesheet(db: None) -> None:
    body = b"".join(Client().get("/static/css/app.css"))
    assert body.decode() == stylesheets.build(FOLDER / "app.css")


def test_changed_file_is_sent_at_the_next_request(settings: LazySettings, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.DATA_DIR = tmp_path / "data"
    entry, part = tmp_path / "static/css/site.css", tmp_path / "static/css/site/part.css"
    part.parent.mkdir(parents=True)
    entry.write_text('@layer a;\n@import url("site/part.css") layer(a);\n')
    part.write_text(".b { src: url(../../c.png); }")
    finder = finders.get_finder("config.http.presentation.stylesheets.StylesheetFinder").__class__()
    found = Path(str(finder.find("css/site.css")))
    assert found.read_text() == "@layer a;@layer a{.b{src: url(../c.png)}}"
    part.write_text(".b { color: red; }")
    assert Path(str(finder.find("css/site.css"))).read_text() == "@layer a;@layer a{.b{color: red}}"
    assert [path for path, _ in finder.list(None)] == ["css/site.css"]


def classes(folder: str) -> set[str]:
    """Return the classes in the stylesheets of a folder."""
    found: set[str] = set()
    for path in (FOLDER / folder).glob("*.css"):
        text = re.sub(r'/\*.*?\*/|url\([^)]*\)|"[^"\n]*"', "", path.read_text(), flags=re.DOTALL)
        found |= set(re.findall(r"\.([a-zA-Z][\w-]*)", text))
    return found


def words() -> set[str]:
    """Return every word in our templates, scripts and Python modules."""
    written = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]
    for app in ("accounts", "billing", "config", "showcase", "videos"):
        written += (ROOT / app).rglob("*.py")
    return set(re.findall(r"[\w-]+", "\n".join(path.read_text() for path in written)))


@pytest.mark.parametrize("folder", ["app", "landing", "pages", "sandbox"])
def test_every_css_class_is_used(folder: str) -> None:
    found = words()
    # Templates compose some class names: badge--{{ kind }}, {{ quality }}-only.
    built = re.compile("(state--|badge--).+|.+-only")
    unused = sorted(n for n in classes(folder) - found if not built.fullmatch(n))
    assert unused == []


def test_every_admin_column_with_a_style_exists() -> None:
    columns = {
        name.split("-", 1)[1] for name in classes("admin") if name.startswith(("field-", "column-"))
    }
    assert sorted(columns - words()) == []
