"""The admin of accounts."""

from accounts.admin import alerts, emails, rate_counters, staff_groups, users

__all__ = ["alerts", "emails", "rate_counters", "staff_groups", "users"]
