"""What a process counts for Prometheus; nothing is counted, nor imported, while metrics are off.

    counting   the calls by which all apps count
    counters   the counters of this process

Facts that stand in the database are read when somebody asks, by config.monitoring.figures. See
docs/monitoring.md.
"""
