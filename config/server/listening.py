"""The port of the server, taken before anything else is done."""

import errno
import socket

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# Connections that wait until the server accepts them.
BACKLOG = 2048
REASONS = {
    errno.EADDRINUSE: "another program uses it. Stop that one, or set PORT={other}",
    errno.EACCES: "this user may not use ports below 1024. Set PORT=8000",
    errno.EADDRNOTAVAIL: "this machine has no such address. Change BIND",
}


def listen() -> socket.socket:
    """Return a socket that listens at BIND and PORT; connections wait until it is served.

    Raises ImproperlyConfigured for an address that cannot be used.
    """
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.BIND, settings.PORT))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror):
            error.errno = errno.EADDRNOTAVAIL
        why = REASONS.get(error.errno or 0, str(error)).format(other=settings.PORT + 1)
        text = f"Port {settings.PORT} of {settings.BIND} cannot be used: {why}."
        raise ImproperlyConfigured(text) from error
    return listener
