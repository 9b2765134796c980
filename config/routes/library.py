"""The addresses of the library, of collections and of the links that show them."""

from django.urls import path

from videos.web import collection_sharing as sharing
from videos.web import collections as web_collections
from videos.web import library as web_library
from videos.web import selection, tags
from videos.web.collections import delete_collection, rename_collection

library = [
    path("", web_library.library, name="library"),
    path("download/", selection.download, name="library-download"),
    path("delete/", selection.delete, name="library-delete"),
    path("restore/", selection.restore, name="library-restore"),
    path("collect/", selection.collect, name="library-collect"),
    path("tag/", tags.add_to_many, name="library-tag"),
]
collections = [
    path("", web_collections.collections, name="collections"),
    path("<int:collection_id>/", web_library.collection, name="collection"),
    path("<int:collection_id>/rename/", rename_collection, name="collection-rename"),
    path("<int:collection_id>/delete/", delete_collection, name="collection-delete"),
    path("<int:collection_id>/share/", sharing.share, name="collection-share"),
    path("<int:collection_id>/download/", sharing.download, name="collection-download"),
]
shared_collections = [
    path("<str:token>/", sharing.shared, name="shared-collection"),
    path("<str:token>/<uuid:video_id>/video.mp4", sharing.video, name="shown-video"),
    path("<str:token>/<uuid:video_id>/poster.webp", sharing.poster, name="shown-poster"),
]
