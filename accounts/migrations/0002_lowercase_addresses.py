"""Store the addresses of users in lower case, also those of before."""

import logging
from typing import Any

from django.db import IntegrityError, migrations, transaction

log = logging.getLogger(__name__)


def lower_addresses(apps: Any, schema_editor: Any) -> None:
    """Rewrite addresses with capitals.

    One that another account has in lower case stays: both accounts are kept, and the one with
    the capital signs in with its username.
    """
    users = apps.get_model("accounts", "User").objects
    rows = users.exclude(email="").values_list("pk", "email")
    for pk, address in [row for row in rows.iterator() if row[1] != row[1].lower()]:
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                users.filter(pk=pk).update(email=address.lower())
        except IntegrityError:
            log.warning("the address of user %s is that of another user too", pk)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(lower_addresses, migrations.RunPython.noop, elidable=True)]
