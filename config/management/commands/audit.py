"""`manage.py audit`: run an audit of credits, payments and videos now."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from videos.reports import refund_audit


class Command(BaseCommand):
    help = "Audit credits, payments and videos, repair gaps, and exit with 1 if a problem remains."

    def handle(self, *args: Any, **options: Any) -> None:
        report = refund_audit.run_audit()
        run = report.audit_run
        self.stdout.write(
            f"{run.accounts} accounts, {run.entries} entries, {run.videos} videos, "
            f"{run.payments} payments"
        )
        for line in run.repaired:
            self.stdout.write(f"repaired: {line}")
        for line in run.problems:
            self.stdout.write(f"PROBLEM: {line}")
        self.stdout.write(
            "Staff must resolve the problems." if run.problems else "There are no problems."
        )
        sys.exit(1 if run.problems else 0)
