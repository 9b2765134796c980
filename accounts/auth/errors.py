"""Errors of signing in."""

from accounts.models import ApiKey


class BadCredentials(Exception):
    """The name, the address, the password, the token or the key is wrong or no longer valid."""


class NoPassword(Exception):
    """The account has no password that could be asked for or changed."""


class NameTaken(Exception):
    """Another account has this username or address."""


class AddressNotAllowed(Exception):
    """The API key is valid, but may not be used from the client's address."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        super().__init__("This API key may not be used from your IP address.")
