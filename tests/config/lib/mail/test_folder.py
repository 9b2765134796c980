"""Without a mail server, e-mails are files that a browser shows."""

import logging
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMultiAlternatives, get_connection

from config.lib.mail import folder

LINK = "http://127.0.0.1:8000/accounts/confirm-email/MQ:1a:xyz/"


def write(number: str, subject: str = "Confirm <your> address") -> None:
    headers = {"Message-ID": f"<{number}@example.com>"}
    mail = EmailMultiAlternatives(
        subject, f"Open {LINK}", "no@example.com", ["ann@example.com"], headers=headers
    )
    mail.attach_alternative(f'<p>Open <a href="{LINK}">this</a></p>', "text/html")
    get_connection("config.lib.mail.folder.FolderBackend").send_messages([mail])


@pytest.fixture
def written(tmp_path: Path, settings: LazySettings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "mail"


def test_e_mail_is_a_page_and_one_line_of_the_log(
    written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write("ab12")
    (file,) = written.iterdir()
    assert file.name.endswith("-ab12.html")
    assert caplog.messages == [
        f"e-mail to ann@example.com: Confirm <your> address  Open {file.as_uri()}"
    ]
    page = file.read_text()
    assert f'<a href="{LINK}"' in page
    assert "<title>Confirm &lt;your&gt; address</title>" in page
    assert "&quot;_top&quot;&gt;&lt;p&gt;Open &lt;a href=" in page
    assert written.stat().st_mode & 0o077 == 0


def test_files_are_in_the_order_of_time_and_only_the_newest_are_kept(written: Path) -> None:
    written.mkdir()
    older = [f"20260101-000000-{n:06}-aa.html" for n in range(folder.KEPT)]
    for name in older:
        (written / name).touch()
    write("f5")
    write("e4")
    *kept, first, second = sorted(file.name for file in written.iterdir())
    assert kept == older[2:]
    assert (first[-7:], second[-7:]) == ("f5.html", "e4.html")


def test_e_mail_that_is_sent_twice_is_one_file(written: Path) -> None:
    write("ab12")
    write("ab12", "Hello")
    (file,) = written.iterdir()
    assert "<title>Hello</title>" in file.read_text()
