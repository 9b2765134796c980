"""The ledger (accounts, lots, entries, allocations) and the payments that buy credits.

Only billing.ledger writes the ledger's tables; only billing.payments writes the tables of payments.
These models refer to users only as AUTH_USER_MODEL.
"""

from billing.models.account import Account
from billing.models.allocation import Allocation
from billing.models.audit_run import AuditRun
from billing.models.dispute import Dispute
from billing.models.entry import Entry
from billing.models.imported_entry import ImportedEntry
from billing.models.lot import Lot
from billing.models.package_override import PackageOverride
from billing.models.payment import Payment
from billing.models.referral import (
    AccountAddress,
    FormerAddress,
    Referral,
    ReferralLink,
    ReferralProgram,
)
from billing.models.refund import Refund
from billing.models.stripe_event import StripeEvent

__all__ = [
    "Account",
    "AccountAddress",
    "Allocation",
    "AuditRun",
    "Dispute",
    "Entry",
    "FormerAddress",
    "ImportedEntry",
    "Lot",
    "PackageOverride",
    "Payment",
    "Referral",
    "ReferralLink",
    "ReferralProgram",
    "Refund",
    "StripeEvent",
]
