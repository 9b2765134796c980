"""What the sandbox engine and the sandbox Stripe share; nothing else may import it."""
