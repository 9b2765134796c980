"""Connections that the sandbox closes on purpose."""

import socket

from django.test import RequestFactory

from config.lib.sandbox import connections
from tests.backing import free_port


def connect(server: socket.socket, client_port: int) -> tuple[socket.socket, socket.socket]:
    """Connect from a given port; return the ends of the client and of the server."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    client.bind(("127.0.0.1", client_port))
    client.connect(server.getsockname())
    return client, server.accept()[0]


def test_only_the_connection_of_the_request_is_closed_when_one_port_has_several() -> None:
    servers = [socket.create_server(("127.0.0.1", 0)) for _n in range(2)]
    port = free_port()
    ends = [connect(server, port) for server in servers]
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", REMOTE_PORT=port)
    request.META["SERVER_PORT"] = str(servers[1].getsockname()[1])
    connections.close(request)
    ends[0][1].sendall(b"still open")
    assert [ends[0][0].recv(20), ends[1][0].recv(20)] == [b"still open", b""]
    for each in (*servers, *ends[0], *ends[1]):
        each.close()
