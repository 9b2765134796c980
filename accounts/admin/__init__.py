"""The admin of accounts."""

from accounts.admin import rate_counters, staff_groups, users

__all__ = ["rate_counters", "staff_groups", "users"]
