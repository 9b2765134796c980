"""Referrals: links, sign-ups, rewards."""
