"""The addresses of edits: one of a video, and those under /api/edits."""

from django.urls import path

from videos.api import edits

CREATE = edits.CreateEditView.as_view()
API = [
    path("api/edits", edits.EditListView.as_view(), name="api-edits"),
    path("api/edits/<uuid:edit_id>", edits.EditDetailView.as_view(), name="api-edit"),
    path("api/edits/<uuid:edit_id>/cancel", edits.CancelEditView.as_view()),
    path("api/edits/<uuid:edit_id>/retry", edits.RetryEditView.as_view()),
]
