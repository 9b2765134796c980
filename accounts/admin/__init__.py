"""The admin of accounts."""

from accounts.admin import emails, rate_counters, staff_groups, users

__all__ = ["emails", "rate_counters", "staff_groups", "users"]
