"""The addresses of reviews: those of the owner, and those for whoever has a link."""

from django.urls import path

from videos.api import reviews as api
from videos.web import reviews, reviews_by_link

OF_VIDEO = api.VideoReviewsView.as_view()
API = [
    path("api/reviews/<uuid:review_id>", api.ReviewView.as_view()),
    path("api/reviews/<uuid:review_id>/comments/<int:comment_id>", api.ReviewCommentView.as_view()),
]
PAGES = [
    path("v/<uuid:video_id>/reviews/", reviews.reviews, name="video-reviews"),
    path("reviews/<uuid:link_id>/end/", reviews.end, name="review-end"),
    path("reviews/comments/<int:comment_id>/", reviews.change, name="review-comment"),
    path("review/<str:token>/", reviews_by_link.review, name="review"),
    path("review/<str:token>/preview.mp4", reviews_by_link.preview, name="review-preview"),
    path("review/<str:token>/poster.webp", reviews_by_link.poster, name="review-poster"),
    path("review/<str:token>/video.mp4", reviews_by_link.full_file, name="review-file"),
]
