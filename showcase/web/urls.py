"""The addresses below `/showcase/`."""

from django.urls import path

from showcase.web import clips, embeds, feeds, makers, previews, remixes, showcase

urlpatterns = [
    path("", showcase.showcase, name="showcase"),
    path("samples/<slug:name>/", clips.sample, name="sample"),
    path("<int:clip_id>/", clips.clip, name="clip"),
    path("<int:clip_id>/video.mp4", clips.video_file, name="clip-video"),
    path("<int:clip_id>/poster.webp", clips.poster, name="clip-poster"),
    path("<int:clip_id>/like/", clips.like, name="clip-like"),
    path("<int:clip_id>/embed/", embeds.clip_player, name="clip-embed"),
    path("feed.atom", feeds.atom, name="feed-atom"),
    path("feed.rss", feeds.rss, name="feed-rss"),
    path("<int:clip_id>/remix/", remixes.remix, name="clip-remix"),
    path("by/<slug:slug>/", makers.maker, name="maker"),
    path("you/", makers.own_page, name="maker-own"),
    path("<int:clip_id>/preview/", previews.preview, name="clip-preview"),
    path("<int:clip_id>/preview/video.mp4", previews.video, name="clip-preview-video"),
    path("<int:clip_id>/preview/poster.webp", previews.poster, name="clip-preview-poster"),
]
