#!/usr/bin/env python
"""Firstlight's command line."""

import gc
import os
import sys

from django.core.management import execute_from_command_line

from config.environment.startup import refusals_in_one_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What a start imports never becomes garbage; to look for it takes a tenth of the CPU time.
    gc.set_threshold(50_000, 20, 100)
    with refusals_in_one_line():
        execute_from_command_line(sys.argv)
