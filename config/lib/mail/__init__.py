"""E-mails: every one is a row of a queue, and a worker sends it.

    messages   what our e-mails say, and the type of all e-mails of the product
    queue      Django's e-mail backend of the product, and the states of a queued e-mail
    sender     the worker, which hands due e-mails to the mail server
    folder     without a mail server: HTML files in DATA_DIR/mail

See docs/adr/0011-e-mails-are-queued.md.
"""

from config.lib.mail.messages import (
    Email,
    EmailContent,
    Kind,
    allow_again,
    send,
    send_once,
    send_to,
)

__all__ = ["Email", "EmailContent", "Kind", "allow_again", "send", "send_once", "send_to"]
