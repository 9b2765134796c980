"""The tables of videos, one model a module."""

from videos.models.collection import Collection
from videos.models.collection_link import CollectionLink
from videos.models.content_credential import (
    ContentCredential,
    FrameHash,
    PromptDisclosure,
)
from videos.models.daily_usage import DailyUsage
from videos.models.delivery_attempt import DeliveryAttempt
from videos.models.digest_subscription import DigestSubscription
from videos.models.engine_callback import EngineCallback
from videos.models.engine_circuit import EngineCircuit
from videos.models.engine_usage import EngineUsage
from videos.models.feed import Feed
from videos.models.feed_event import FeedEvent
from videos.models.library_counts import LibraryCounts
from videos.models.media_export import MediaExport
from videos.models.media_job import MediaJob, MediaJobSource
from videos.models.paused_model import PausedModel
from videos.models.preset import Preset
from videos.models.price import Price
from videos.models.push_message import PushMessage
from videos.models.push_subscription import PushSubscription
from videos.models.rejected_prompt import RejectedPrompt
from videos.models.review import ReviewComment, ReviewLink, ReviewMailStop
from videos.models.saved_prompt import SavedPrompt
from videos.models.share_link import ShareLink
from videos.models.storyboard import Shot, ShotTake, Storyboard
from videos.models.tag import Tag
from videos.models.upload import Upload, UploadQuerySet
from videos.models.video import Video, VideoQuerySet
from videos.models.video_event import VideoEvent
from videos.models.video_reference import VideoReference
from videos.models.webhook_delivery import WebhookDelivery
from videos.models.webhook_endpoint import WebhookEndpoint
from videos.models.webhook_secret import WebhookSecret

__all__ = [
    "Collection",
    "CollectionLink",
    "ContentCredential",
    "DailyUsage",
    "DeliveryAttempt",
    "DigestSubscription",
    "EngineCallback",
    "EngineCircuit",
    "EngineUsage",
    "Feed",
    "FeedEvent",
    "FrameHash",
    "LibraryCounts",
    "MediaExport",
    "MediaJob",
    "MediaJobSource",
    "PausedModel",
    "Preset",
    "Price",
    "PromptDisclosure",
    "PushMessage",
    "PushSubscription",
    "RejectedPrompt",
    "ReviewComment",
    "ReviewLink",
    "ReviewMailStop",
    "SavedPrompt",
    "ShareLink",
    "Shot",
    "ShotTake",
    "Storyboard",
    "Tag",
    "Upload",
    "UploadQuerySet",
    "Video",
    "VideoEvent",
    "VideoQuerySet",
    "VideoReference",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookSecret",
]
