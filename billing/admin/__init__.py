"""Staff pages of billing; importing this package registers them."""

from billing.admin import (
    accounts,
    audit_runs,
    entries,
    log_entries,
    lots,
    package_overrides,
    payments,
    referrals,
    refunds,
    stripe_events,
)

__all__ = [
    "accounts",
    "audit_runs",
    "entries",
    "log_entries",
    "lots",
    "package_overrides",
    "payments",
    "referrals",
    "refunds",
    "stripe_events",
]
