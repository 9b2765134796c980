"""The addresses of storyboards: those of the API and those of pages."""

from django.urls import path

from videos.api import storyboards
from videos.web import storyboards as pages

API = [
    path("api/storyboards", storyboards.BoardListView.as_view(), name="api-storyboards"),
    path("api/storyboards/<uuid:board_id>", storyboards.BoardDetailView.as_view()),
    path("api/storyboards/<uuid:board_id>/shots", storyboards.ShotListView.as_view()),
    path("api/storyboards/<uuid:board_id>/shots/<uuid:shot_id>", storyboards.ShotView.as_view()),
    path("api/storyboards/<uuid:board_id>/generate", storyboards.GenerateView.as_view()),
    path("api/storyboards/<uuid:board_id>/film", storyboards.FilmView.as_view()),
]
SHOT = "storyboards/<uuid:board_id>/shots/<uuid:shot_id>/"
PAGES = [
    path("storyboards/", pages.storyboards, name="storyboards"),
    path("storyboards/<uuid:board_id>/", pages.storyboard, name="storyboard"),
    path("storyboards/<uuid:board_id>/change/", pages.change, name="storyboard-change"),
    path("storyboards/<uuid:board_id>/delete/", pages.delete, name="storyboard-delete"),
    path("storyboards/<uuid:board_id>/generate/", pages.generate, name="storyboard-generate"),
    path("storyboards/<uuid:board_id>/film/", pages.make_film, name="storyboard-film"),
    path("storyboards/<uuid:board_id>/shots/", pages.add_shot, name="shot-add"),
    path(SHOT, pages.change_shot, name="shot-change"),
    path(f"{SHOT}move/", pages.move_shot, name="shot-move"),
    path(f"{SHOT}delete/", pages.delete_shot, name="shot-delete"),
    path(f"{SHOT}pick/", pages.pick_take, name="shot-pick"),
]
