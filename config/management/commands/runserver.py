"""Django's development server on daphne, which serves WebSockets too.

daphne is not in INSTALLED_APPS, where every process would import it and Twisted. `config` stands
before django.contrib.staticfiles there, so that this command is the one that runs.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
