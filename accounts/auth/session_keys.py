"""What we keep in page sessions under names that more than one module reads."""

# Whom staff view pages as, and until when; accounts.people.viewing writes it.
VIEWING = "viewing"
