"""The addresses of edits: those of the API and those of pages."""

from django.urls import path

from videos.api import edits
from videos.web import edits as pages

CREATE = edits.CreateEditView.as_view()
API = [
    path("api/edits", edits.EditListView.as_view(), name="api-edits"),
    path("api/edits/<uuid:edit_id>", edits.EditDetailView.as_view(), name="api-edit"),
    path("api/edits/<uuid:edit_id>/cancel", edits.CancelEditView.as_view()),
    path("api/edits/<uuid:edit_id>/retry", edits.RetryEditView.as_view()),
]
PAGES = [
    path("v/<uuid:video_id>/edit/", pages.edit, name="video-edit"),
    path("edits/", pages.edits, name="edits"),
    path("edits/<uuid:edit_id>/cancel/", pages.cancel, name="edit-cancel"),
    path("edits/<uuid:edit_id>/retry/", pages.retry, name="edit-retry"),
]
