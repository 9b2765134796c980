"""Webhooks are posted to URLs of users, but not to internal addresses."""

import socket
import time
from typing import Any

import pytest
from django.conf import LazySettings

from tests.videos.receiver import Receiver
from videos.webhooks import http_client

HOSTILE = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://localhost./",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://100.64.0.1/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://user:pw@93.184.215.14/",
    "http://93.184.215.14@127.0.0.1/",
    "http://93.184.215.14:22/",
    "http://93.184.215.14:6379/",
    "file:///etc/passwd",
    "ftp://93.184.215.14/",
    "gopher://93.184.215.14/_x",
    "http://",
    "http:///x",
    "http://[::1",
    "//93.184.215.14/",
    "javascript:alert(1)",
    "http://exa mple.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com/" + "a" * 2048,
]  # fmt: skip


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a socket connected to."""
    made: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        made.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


@pytest.mark.parametrize("url", HOSTILE)
def test_post_is_refused_when_the_address_is_internal(url: str, connections: list[Any]) -> None:
    with pytest.raises((http_client.Blocked, http_client.Unreachable)):
        http_client.post(url, b"{}", {})
    assert connections == []


def set_dns_answers(*answers: str) -> Any:
    """Have DNS give these answers in turn, and then repeat the last one."""
    waiting = list(answers)

    def getaddrinfo(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        family = socket.AF_INET6 if ":" in found else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (found, port))]

    return getaddrinfo


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1"])
def test_post_is_refused_when_the_name_resolves_to_an_internal_address(
    address: str, monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", set_dns_answers(address))
    with pytest.raises(http_client.Blocked):
        http_client.post("http://hooks.example.com/", b"{}", {})
    assert connections == []


def test_post_is_refused_when_one_of_two_resolved_addresses_is_internal(
    monkeypatch: pytest.MonkeyPatch, connections: list[Any]
) -> None:
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: both)
    with pytest.raises(http_client.Blocked):
        http_client.post("http://hooks.example.com/", b"{}", {})
    assert connections == []


def test_connection_uses_the_checked_address_when_dns_changes_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        reached.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", set_dns_answers("93.184.215.14", "127.0.0.1"))
    with pytest.raises(http_client.Unreachable):
        http_client.post("http://hooks.example.com/", b"{}", {})
    assert set(reached) == {"93.184.215.14"}


def test_post_is_refused_when_https_is_required_and_missing(settings: LazySettings) -> None:
    settings.WEBHOOK_SCHEMES = ["https"]
    with pytest.raises(http_client.Blocked):
        http_client.check("http://example.com/hook")
    http_client.check("https://example.com/hook")


def test_post_is_sent_with_headers_and_body(receiver: Receiver) -> None:
    receiver.code = 201
    answer = http_client.post(receiver.url, b'{"a": 1}', {"X-Mine": "yes"})
    ((headers, body),) = receiver.requests
    assert (answer.code, body, headers["x-mine"], headers[":path"], headers["host"]) == (
        201, b'{"a": 1}', "yes", "/hook?from=firstlight", f"127.0.0.1:{receiver.port}",
    )  # fmt: skip


def test_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.code, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    assert http_client.post(receiver.url, b"{}", {}).code == 302
    assert len(receiver.requests) == 1


def test_post_times_out_when_the_answer_does_not_end(
    receiver: Receiver,
    settings: LazySettings,
) -> None:
    settings.WEBHOOK_TIMEOUT, receiver.answers_slowly = 0.3, True
    with pytest.raises(http_client.Unreachable):
        http_client.post(receiver.url, b"{}", {})


def test_post_times_out_when_the_name_servers_took_all_the_time(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings, receiver: Receiver
) -> None:
    def getaddrinfo(*args: Any, **more: Any) -> list[Any]:
        time.sleep(0.06)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]

    settings.WEBHOOK_TIMEOUT = 0.05
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(http_client.Unreachable, match="timed out"):
        http_client.post(receiver.url, b"{}", {})
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Hooks.Example.com:8443/a?b=c", "hooks.example.com"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://[::1", ""),
        ("nothing", ""),
    ],
)
def test_host_is_that_of_the_url(url: str, host: str) -> None:
    assert http_client.host_of(url) == host


def test_post_fails_when_nothing_listens_on_the_port(
    receiver: Receiver,
) -> None:
    receiver.close()
    with pytest.raises(http_client.Unreachable):
        http_client.post(receiver.url, b"{}", {})
