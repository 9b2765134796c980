"""Content credentials (C2PA): what a file says of its origin, and whether a file was made here."""
