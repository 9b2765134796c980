"""GET /api/users/referral: the user's link to invite others, and what came of it."""

from dataclasses import asdict

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.referrals import invitations, switch
from config.lib.api.openapi import errors
from config.lib.web.responses import user_of


class ReferralSerializer(serializers.Serializer):
    """Both users earn `credits_each` with the friend's first payment.

    `credits_earned` is without what was taken back because a payment was refunded.
    """

    code = serializers.CharField()
    url = serializers.URLField()
    credits_each = serializers.IntegerField()
    most_per_month = serializers.IntegerField()
    joined = serializers.IntegerField()
    paid = serializers.IntegerField()
    credits_earned = serializers.IntegerField()


class ReferralView(APIView):
    """The user's referral link."""

    @extend_schema(
        operation_id="referral",
        summary="Get your link to invite others, and what you earned by it",
        responses={200: ReferralSerializer, **errors(404)},
    )
    def get(self, request: Request) -> Response:
        each = switch.require_referrals()
        body = {
            **asdict(invitations.invitations_of(user_of(request))),
            "credits_each": each,
            "most_per_month": settings.REFERRALS_PER_MONTH,
        }
        return Response(ReferralSerializer(body).data)
