"""The addresses of the pages of webhook endpoints, under /developers/webhooks/endpoints/."""

from django.urls import path

from videos.web.developers import webhook_endpoints as web_endpoints

PAGES = [
    path("new/", web_endpoints.new_endpoint, name="webhook-endpoint-new"),
    path("<uuid:endpoint_id>/", web_endpoints.edit_endpoint, name="webhook-endpoint"),
    path(
        "<uuid:endpoint_id>/switch/", web_endpoints.switch_endpoint, name="webhook-endpoint-switch"
    ),
    path("<uuid:endpoint_id>/test/", web_endpoints.test_endpoint, name="webhook-endpoint-test"),
    path(
        "<uuid:endpoint_id>/delete/", web_endpoints.delete_endpoint, name="webhook-endpoint-delete"
    ),
]
