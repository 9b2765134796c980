"""`manage.py audit`: prove the books now."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from videos.reports import refund_audit


class Command(BaseCommand):
    help = "Prove the books, mend gaps, and exit with 1 when something needs a person."

    def handle(self, *args: Any, **options: Any) -> None:
        report = refund_audit.run_audit()
        run = report.audit_run
        self.stdout.write(
            f"{run.accounts} accounts, {run.entries} entries, {run.videos} videos, "
            f"{run.payments} payments"
        )
        for line in run.repaired:
            self.stdout.write(f"mended: {line}")
        for line in run.problems:
            self.stdout.write(f"PROBLEM: {line}")
        self.stdout.write("The books are right." if not run.problems else "A person must look.")
        sys.exit(1 if run.problems else 0)
