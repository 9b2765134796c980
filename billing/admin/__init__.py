"""The staff pages of billing."""

from billing.admin import ledger, payments

__all__ = ["ledger", "payments"]
