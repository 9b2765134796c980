"""/api/users/credits: the balance of credits, and the history of its changes."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.ledger import credits as ledger_credits
from billing.models import Entry
from config.lib.api.openapi import errors
from config.lib.api.pagination import ListView, PageNumberPagination, PageQuerySerializer
from config.lib.api.serializers import PageSerializer
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of

# The API shows clawbacks as `refunded`, the type that is documented, so that filter finds them too.
TYPES_SHOWN_AS = {Entry.Type.REFUNDED.value: (Entry.Type.REFUNDED, Entry.Type.CLAWED_BACK)}


class CreditsSerializer(serializers.Serializer):
    user_id = serializers.UUIDField()
    credits = serializers.IntegerField()
    total_earned = serializers.IntegerField()
    total_spent = serializers.IntegerField()
    total_expired = serializers.IntegerField()
    total_reversed = serializers.IntegerField()
    credits_owed = serializers.IntegerField()
    next_expiry_at = serializers.DateTimeField(allow_null=True)


class CreditsView(APIView):
    """C31: the user's balance and totals."""

    @extend_schema(
        operation_id="credits",
        summary="Get your credits and their totals",
        responses={200: CreditsSerializer},
    )
    def get(self, request: Request) -> Response:
        user = user_of(request)
        summary = ledger_credits.summary(user)
        return Response(
            {
                "user_id": str(user.pk),
                "credits": summary.available,
                "total_earned": summary.total_earned,
                "total_spent": summary.total_spent,
                "total_expired": summary.total_expired,
                "total_reversed": summary.total_clawed_back,
                "credits_owed": summary.owed,
                "next_expiry_at": summary.next_expiry_at,
            }
        )


class TransactionQuerySerializer(PageQuerySerializer):
    transaction_type = TextField(max_length=40, required=False)


class TransactionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    transaction_type = serializers.CharField()
    amount = serializers.IntegerField()
    balance_before = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    reference_type = serializers.CharField(allow_null=True)
    reference_id = serializers.CharField(allow_null=True)
    description = serializers.CharField()
    task_id = serializers.CharField(allow_null=True)
    payment_order_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    is_expired = serializers.BooleanField()


class TransactionsSerializer(PageSerializer):
    transactions = TransactionSerializer(many=True)


@extend_schema_view(
    get=extend_schema(
        operation_id="transactions",
        summary="List your credit transactions, newest first",
        parameters=[TransactionQuerySerializer],
        responses={200: TransactionsSerializer, **errors(400)},
    )
)
class TransactionListView(ListView):
    """C32: the user's history, newest first."""

    queryset = Entry.objects.none()
    query_serializer_class = TransactionQuerySerializer
    pagination_class = PageNumberPagination
    results_field = "transactions"
    ignores_blank_parameters = False

    def get_queryset(self) -> QuerySet[Entry]:
        shown_as = self.query.get("transaction_type")
        types = TYPES_SHOWN_AS.get(shown_as, (shown_as,)) if shown_as else ()
        return ledger_credits.history(user_of(self.request), *types)

    def count(self, rows: QuerySet[Entry]) -> int:
        chosen = self.query.get("transaction_type")
        return rows.count() if chosen else ledger_credits.number_of_entries(user_of(self.request))

    def represent(self, page: list[Entry]) -> Any:
        return [transaction_body(entry) for entry in page]


def transaction_body(entry: Entry) -> dict[str, Any]:
    """Return an entry as the API shows it; a clawback is a negative refund. Source: C33."""
    is_clawback = entry.type == Entry.Type.CLAWED_BACK
    is_of_video = entry.reference_type == Entry.VIDEO_REFERENCE
    is_of_payment = entry.reference_type == Entry.PAYMENT_REFERENCE
    return {
        "id": str(entry.pk),
        "transaction_type": Entry.Type.REFUNDED.value if is_clawback else entry.type,
        "amount": entry.amount,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "reference_type": entry.reference_type or None,
        "reference_id": entry.reference_id or None,
        "description": entry.description,
        "task_id": entry.reference_id if is_of_video else None,
        "payment_order_id": entry.reference_id if is_of_payment else None,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "is_expired": entry.expires_at is not None and entry.expires_at <= timezone.now(),
    }
