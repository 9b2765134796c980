"""Local servers with the APIs of engines, which keep jobs in memory and fail on request."""
