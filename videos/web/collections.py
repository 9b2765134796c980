"""The collections: list, create, rename and delete them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    HttpRequest,
    HttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.lib.web.responses import UserRequest, see_other
from videos.library import collections as library_collections
from videos.models import Collection
from videos.web.forms import CollectionForm
from videos.web.pages import get_own_collection
from videos.web.selection import MAX_CHOSEN, chosen_videos


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def collections(request: UserRequest) -> HttpResponse:
    """List the collections; a POST creates one with the videos chosen in the form."""
    form = CollectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            made = library_collections.create_collection(request.user, name)
        except library_collections.NameTaken:
            form.add_error(
                "name", _("You already have a collection with this name. Choose another name.")
            )
        else:
            library_collections.add_videos(made, chosen_videos(request))
            return see_other(_address(made))
    found = library_collections.collections_of(request.user)
    context = {"at": "collections", "collections": found, "form": form, "chosen": _ticked(request)}
    status = 422 if form.errors else 200
    return render(request, "videos/collections.html", context, status=status)


def _ticked(request: HttpRequest) -> list[str]:
    return request.POST.getlist("video")[:MAX_CHOSEN]


@login_required
@require_POST
def rename_collection(request: UserRequest, collection_id: int) -> HttpResponse:
    collection = get_own_collection(request, collection_id)
    form = CollectionForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["name"][0]))
    else:
        try:
            library_collections.rename_collection(collection, form.cleaned_data["name"])
        except library_collections.NameTaken:
            messages.error(
                request, _("You already have a collection with this name. Choose another name.")
            )
    return see_other(_address(collection))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_collection(request: UserRequest, collection_id: int) -> HttpResponse:
    """Ask, then delete a collection; its videos stay in the library."""
    collection = get_own_collection(request, collection_id)
    if request.method != "POST":
        context: dict[str, Any] = {"at": "collections", "collection": collection}
        return render(request, "videos/delete_collection.html", context)
    collection.delete()
    text = _("The collection %(name)s was deleted. Its videos are still in your library.")
    messages.success(request, text % {"name": collection.name})
    return see_other("collections")


def _address(collection: Collection) -> str:
    return reverse("collection", args=[collection.pk])
