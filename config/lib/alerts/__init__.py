"""Alerts to staff: what is wrong now, said once when it begins.

    records   opens and clears alerts
    notices   the e-mails of an alert

What is wrong is found by config.monitoring.conditions, which sees all apps.
"""

from config.lib.alerts.records import Condition, clear_lost, count_all_open, count_open, record

__all__ = ["Condition", "clear_lost", "count_all_open", "count_open", "record"]
