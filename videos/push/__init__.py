"""Push messages: a browser is told that a video has ended, also while no page is open."""
