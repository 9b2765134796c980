"""Exports: files of finished videos in other formats, made by the same queue as edits."""
