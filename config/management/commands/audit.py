"""`manage.py audit`: prove the books now."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from videos.reports import refund_audit


class Command(BaseCommand):
    help = "Prove the books, mend gaps, and exit with 1 when something needs a person."

    def handle(self, *args: Any, **options: Any) -> None:
        report = refund_audit.run_audit()
        proof = report.proof
        self.stdout.write(
            f"{proof.accounts} accounts, {proof.entries} entries, {proof.videos} videos, "
            f"{proof.payments} payments"
        )
        for line in proof.repaired:
            self.stdout.write(f"mended: {line}")
        for line in proof.problems:
            self.stdout.write(f"PROBLEM: {line}")
        self.stdout.write("The books are right." if not proof.problems else "A person must look.")
        sys.exit(1 if proof.problems else 0)
