"""How much a user keeps in our storage."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Sum

from videos.models import Upload, Video


@dataclass(frozen=True)
class Storage:
    """What a user keeps, in files and bytes, and how much of uploads they may keep."""

    videos: int
    video_bytes: int
    uploads: int
    upload_bytes: int
    most_uploads: int
    most_upload_bytes: int


def used_by(user: AbstractBaseUser) -> Storage:
    """Add up the files of the user's videos and uploads; two queries."""
    kept = Video.objects.of(user).exclude(file="").order_by()
    videos = kept.aggregate(files=Count("pk"), bytes=Sum("file_bytes", default=0))
    sent = Upload.objects.filter(user_id=user.pk)
    uploads = sent.aggregate(files=Count("pk"), bytes=Sum("size_bytes", default=0))
    return Storage(
        videos["files"],
        videos["bytes"],
        uploads["files"],
        uploads["bytes"],
        settings.UPLOAD_QUOTA_FILES,
        settings.UPLOAD_QUOTA_BYTES,
    )
