"""The addresses of exports: those of the API and those of pages."""

from django.urls import path

from videos.api import exports
from videos.web import exports as pages

CREATE = exports.CreateExportView.as_view()
API = [
    path("api/exports", exports.ExportListView.as_view(), name="api-exports"),
    path("api/exports/formats", exports.FormatsView.as_view(), name="api-export-formats"),
    path("api/exports/<uuid:export_id>", exports.ExportDetailView.as_view(), name="api-export"),
    path("api/exports/<uuid:export_id>/cancel", exports.CancelExportView.as_view()),
    path(
        "api/exports/<uuid:export_id>/content",
        exports.ExportContentView.as_view(),
        name="api-export-content",
    ),
]
PAGES = [
    path("v/<uuid:video_id>/export/", pages.export, name="video-export"),
    path("exports/", pages.exports, name="exports"),
    path("exports/download/", pages.download_all, name="exports-download"),
    path("exports/<uuid:export_id>/cancel/", pages.cancel, name="export-cancel"),
    path("exports/<uuid:export_id>/delete/", pages.delete, name="export-delete"),
    path("library/export/", pages.export_chosen, name="library-export"),
]
