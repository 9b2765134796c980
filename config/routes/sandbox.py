"""The addresses of the two sandboxes; never imported in production."""

from django.urls import path, re_path

from billing.sandbox.api import views as stripe
from billing.sandbox.web import checkout_page as checkout_pages
from billing.sandbox.web import dashboard
from videos.sandbox.kie import views as kie
from videos.sandbox.openai import views as engine

ADDRESSES = [
    re_path(r"^sandbox/v1/videos/?$", engine.videos),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/?$", engine.video),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/content/?$", engine.video_content),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/remix/?$", engine.remix),
    re_path(r"^sandbox/v1/models/?$", engine.models),
    re_path(r"^sandbox/v1/.*$", engine.unknown),
    path("sandbox/kie/api/v1/jobs/createTask", kie.create_task),
    path("sandbox/kie/api/v1/jobs/recordInfo", kie.record_info),
    path("sandbox/kie/api/file-stream-upload", kie.upload),
    path("sandbox/kie/files/<slug:job_id>.mp4", kie.file),
    path("sandbox/stripe/v1/checkout/sessions", stripe.sessions),
    path("sandbox/stripe/v1/checkout/sessions/<str:session_id>", stripe.session),
    path("sandbox/stripe/v1/checkout/sessions/<str:session_id>/expire", stripe.session_expire),
    path("sandbox/stripe/v1/checkout/sessions/<str:session_id>/line_items", stripe.line_items),
    path("sandbox/stripe/v1/refunds", stripe.refund_list),
    path("sandbox/stripe/v1/refunds/<str:refund_id>", stripe.refund),
    path("sandbox/stripe/v1/payment_intents", stripe.payment_intents),
    path("sandbox/stripe/v1/payment_intents/<str:intent_id>", stripe.payment_intent),
    path("sandbox/stripe/v1/charges", stripe.charges),
    path("sandbox/stripe/v1/charges/<str:charge_id>", stripe.charge),
    path("sandbox/stripe/v1/disputes", stripe.dispute_list),
    path("sandbox/stripe/v1/disputes/<str:dispute_id>", stripe.dispute),
    path("sandbox/stripe/v1/events", stripe.events),
    path("sandbox/stripe/v1/events/<str:event_id>", stripe.event),
    re_path(r"^sandbox/stripe/v[12]/.*$", stripe.unknown),
    path("sandbox/stripe/c/pay/<str:session_id>", checkout_pages.pay, name="sandbox-checkout"),
    path("sandbox/stripe/dashboard", dashboard.dashboard, name="sandbox-stripe"),
]
