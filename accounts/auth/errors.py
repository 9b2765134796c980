"""Errors of signing in."""


class BadCredentials(Exception):
    """The name, the address, the password, the token or the key is wrong or no longer valid."""


class NoPassword(Exception):
    """The account has no password that could be asked for or changed."""


class NameTaken(Exception):
    """Another account has this username or address."""
