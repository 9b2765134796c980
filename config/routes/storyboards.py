"""The addresses of storyboards: those of the API and those of pages."""

from django.urls import path

from videos.api import storyboards

API = [
    path("api/storyboards", storyboards.BoardListView.as_view(), name="api-storyboards"),
    path("api/storyboards/<uuid:board_id>", storyboards.BoardDetailView.as_view()),
    path("api/storyboards/<uuid:board_id>/shots", storyboards.ShotListView.as_view()),
    path("api/storyboards/<uuid:board_id>/shots/<uuid:shot_id>", storyboards.ShotView.as_view()),
    path("api/storyboards/<uuid:board_id>/generate", storyboards.GenerateView.as_view()),
    path("api/storyboards/<uuid:board_id>/film", storyboards.FilmView.as_view()),
]
