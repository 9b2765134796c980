"""A dispute: a payer asks the bank to reverse a payment."""

from django.db import models

from billing.models.payment import Payment


class Dispute(models.Model):
    """A payer's complaint about a payment, as Stripe last reported it."""

    stripe_id = models.CharField(primary_key=True, max_length=255)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    amount_minor = models.PositiveIntegerField()
    status = models.CharField(max_length=40)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.status}"
