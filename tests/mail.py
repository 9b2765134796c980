"""A mail backend that raises errors for chosen addresses."""

from collections.abc import Sequence
from typing import ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend


class Backend(EmailBackend):
    """Keep e-mails as locmem does; raise the error set for an address or for "*"."""

    errors: ClassVar[dict[str, Exception]] = {}

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for address in (to for message in messages for to in message.to):
            if error := self.errors.get(address) or self.errors.get("*"):
                raise error
        return super().send_messages(messages)
