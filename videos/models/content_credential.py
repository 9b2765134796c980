"""What the file of a video says of its origin, and by what the file is recognised."""

from django.conf import settings
from django.db import models

from videos.models.video import Video


class ContentCredential(models.Model):
    """The content credentials of one stored result; `manifest` is "" for one without."""

    video = models.OneToOneField(Video, models.CASCADE, primary_key=True, related_name="credential")
    sha256 = models.CharField(max_length=64)
    # The name of the manifest, and of the certificate that signed it.
    manifest = models.CharField(max_length=64, blank=True)
    signer = models.CharField(max_length=200, blank=True)
    # Why the file was stored without a manifest; "" also where none is wanted.
    error = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["sha256"], name="credential_sha256"),
            models.Index(
                fields=["made_at"], condition=~models.Q(error=""), name="credential_failed"
            ),
        ]

    def __str__(self) -> str:
        return self.manifest or self.sha256


class FrameHash(models.Model):
    """What one frame of a video looks like: 64 bits, as a signed number.

    Each band is 16 of the bits with the frame's place before them. Copies of a film have some band
    of some frame in common, so that they are found by indexes, and compared only then.
    """

    video = models.ForeignKey(Video, models.CASCADE, related_name="frame_hashes")
    place = models.PositiveSmallIntegerField()
    bits = models.BigIntegerField()
    band_1 = models.IntegerField()
    band_2 = models.IntegerField()
    band_3 = models.IntegerField()
    band_4 = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=[f"band_{number}"], name=f"frame_band_{number}")
            for number in (1, 2, 3, 4)
        ]

    def __str__(self) -> str:
        return f"{self.video_id} {self.place}"


class PromptDisclosure(models.Model):
    """A user wants the prompts of new videos in their content credentials."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="prompt_disclosure",
    )
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} since {self.since:%Y-%m-%d}"
