"""Bring videos in: a data export with its files from another Firstlight, or a folder of MP4s."""
