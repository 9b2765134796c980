"""The bodies of answers, for the API's schema: what the doors render, field by field.

A test compares real answers with them, so that neither drifts.
"""

from rest_framework import serializers as s


def _text(**more: object) -> s.CharField:
    return s.CharField(**more)  # type: ignore[arg-type]


class Error(s.Serializer):
    detail = _text()
    code = _text(required=False)
    field = _text(required=False)


class FieldError(s.Serializer):
    loc = s.ListField(child=s.JSONField())
    msg = _text()
    type = _text()


class Invalid(s.Serializer):
    detail = FieldError(many=True)


class Message(s.Serializer):
    message = _text()


class Done(s.Serializer):
    success = s.BooleanField()


class Tokens(s.Serializer):
    access_token = _text()
    refresh_token = _text()
    token_type = s.ChoiceField(["bearer"])
    expires_in = s.IntegerField()


class Person(s.Serializer):
    id = s.UUIDField()
    username = _text()
    email = _text()
    name = _text()


class SignedIn(Tokens):
    token = _text()
    user = Person()


class Me(Person):
    credits = s.IntegerField()
    avatar_url = _text(allow_null=True)
    is_verified = s.BooleanField()


class AuthProfile(Person):
    createdAt = s.DateTimeField()
    updatedAt = s.DateTimeField()


class Profile(Person):
    avatar_url = _text(allow_null=True)
    region = _text()
    language = s.ChoiceField(["zh-CN", "zh-TW", "en", "ja", "ko"])
    credits = s.IntegerField()
    created_at = s.DateTimeField()
    last_login_at = s.DateTimeField(allow_null=True)


class ApiKey(s.Serializer):
    id = s.UUIDField()
    name = _text()
    prefix = _text()
    last4 = _text()
    scopes = s.ListField(child=s.ChoiceField(["read", "generate", "billing"]))
    created_at = s.DateTimeField()
    expires_at = s.DateTimeField(allow_null=True)
    last_used_at = s.DateTimeField(allow_null=True)


class NewApiKey(ApiKey):
    key = _text()


class ApiKeys(s.Serializer):
    api_keys = ApiKey(many=True)


class Credits(s.Serializer):
    user_id = s.UUIDField()
    credits = s.IntegerField()
    total_earned = s.IntegerField()
    total_spent = s.IntegerField()
    total_expired = s.IntegerField()
    total_reversed = s.IntegerField()
    credits_owed = s.IntegerField()
    next_expiry_at = s.DateTimeField(allow_null=True)


class Transaction(s.Serializer):
    id = s.UUIDField()
    transaction_type = _text()
    amount = s.IntegerField()
    balance_before = s.IntegerField()
    balance_after = s.IntegerField()
    reference_type = _text(allow_null=True)
    reference_id = _text(allow_null=True)
    description = _text()
    task_id = _text(allow_null=True)
    payment_order_id = _text(allow_null=True)
    created_at = s.DateTimeField()
    expires_at = s.DateTimeField(allow_null=True)
    is_expired = s.BooleanField()


class Page(s.Serializer):
    total = s.IntegerField()
    page = s.IntegerField()
    page_size = s.IntegerField()


class Transactions(Page):
    transactions = Transaction(many=True)


class Package(s.Serializer):
    name = _text()
    credits = s.IntegerField()
    price = s.FloatField()
    currency = _text()
    unit_price = s.FloatField()


class Packages(s.Serializer):
    packages = s.DictField(child=Package())
    credit_value_rmb = s.FloatField()


class NewPayment(s.Serializer):
    payment_id = s.UUIDField()
    status = s.ChoiceField(["pending", "succeeded", "failed", "refunded", "partial_refunded"])
    amount = s.FloatField()
    currency = _text()
    credits_purchased = s.IntegerField()
    payment_url = _text(allow_null=True)


class Payment(NewPayment):
    created_at = s.DateTimeField()
    paid_at = s.DateTimeField(allow_null=True)


class Payments(Page):
    payments = Payment(many=True)


class Refund(s.Serializer):
    success = s.BooleanField()
    refund_id = _text()
    amount = s.FloatField()
    credits_refunded = s.IntegerField()
    status = _text()
    message = _text()


class Remedy(s.Serializer):
    code = _text()
    text = _text()
    field = _text(allow_null=True)
    value = s.JSONField()  # a word, a number or null


class Failure(s.Serializer):
    code = _text()
    message = _text()
    refunded = s.IntegerField()
    returned = _text()
    remedy = Remedy(allow_null=True)


LIBRARY_STATES = ["queued", "in_progress", "completed", "failed", "cancelled"]


class Video(s.Serializer):
    id = s.UUIDField()
    user_id = s.UUIDField()
    openai_video_id = _text(allow_null=True)
    prompt = _text()
    model = _text()
    size = _text()
    seconds = _text()
    status = s.ChoiceField(LIBRARY_STATES)
    progress = s.IntegerField(min_value=0, max_value=100)
    created_at = s.IntegerField()
    completed_at = s.IntegerField(allow_null=True)
    file_path = _text(allow_null=True)
    thumbnail_path = _text(allow_null=True)
    video_url = _text(allow_null=True)
    thumbnail_url = _text(allow_null=True)
    error_message = _text(allow_null=True)
    failure = Failure(allow_null=True)
    has_input_reference = s.BooleanField()
    remix_of = s.UUIDField(allow_null=True)
    credits = s.IntegerField()


class AliasedVideo(Video):
    seconds = s.IntegerField()  # type: ignore[assignment]
    userId = s.UUIDField()
    openaiVideoId = _text(allow_null=True)
    videoUrl = _text(allow_null=True)
    thumbnailUrl = _text(allow_null=True)
    createdAt = s.DateTimeField()
    updatedAt = s.DateTimeField()


class Videos(s.Serializer):
    videos = Video(many=True)
    limit = s.IntegerField()
    offset = s.IntegerField()
    total = s.IntegerField()
    has_more = s.BooleanField()
    first_id = s.UUIDField(allow_null=True)
    last_id = s.UUIDField(allow_null=True)


class NewTask(s.Serializer):
    success = s.BooleanField()
    task_id = s.UUIDField()
    message = _text()
    credits_estimated = s.IntegerField()
    estimated_time = s.IntegerField()


class TaskStatus(s.Serializer):
    task_id = s.UUIDField()
    status = s.ChoiceField(["PENDING", "PROCESSING", "SUCCEEDED", "FAILED"])
    progress = s.FloatField(min_value=0, max_value=100)
    result_url = _text(allow_null=True)
    error_message = _text(allow_null=True)
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()
    completed_at = s.DateTimeField(allow_null=True)


class Task(TaskStatus):
    status = s.ChoiceField(["pending", "processing", "completed", "failed"])
    user_id = s.UUIDField()
    task_type = s.ChoiceField(["TEXT_TO_VIDEO", "IMAGE_TO_VIDEO"])


class Tasks(Page):
    tasks = Task(many=True)


class RetriedTask(Message):
    task_id = s.UUIDField()
    original_task_id = s.UUIDField()


class Uploaded(s.Serializer):
    success = s.BooleanField()
    file_url = _text()
    storage_key = _text()
    file_size = s.IntegerField()
    content_type = _text()
    file_type = s.ChoiceField(["image", "video"])
    message = _text()


class WebhookSecret(s.Serializer):
    secret = _text()
    former_valid_until = s.DateTimeField(allow_null=True)


class Attempt(s.Serializer):
    at = s.DateTimeField()
    took_ms = s.IntegerField()
    code = s.IntegerField(allow_null=True)
    error = _text(allow_null=True)


class Delivery(s.Serializer):
    id = s.UUIDField()
    webhook_id = _text()
    task_id = s.UUIDField()
    url = _text()
    status = s.ChoiceField(["pending", "delivered", "failed", "blocked"])
    created_at = s.DateTimeField()
    delivered_at = s.DateTimeField(allow_null=True)
    next_try_at = s.DateTimeField(allow_null=True)
    attempts = Attempt(many=True)


class Deliveries(Page):
    deliveries = Delivery(many=True)


class Clip(s.Serializer):
    id = s.IntegerField()
    title = _text()
    description = _text()
    video_url = _text()
    thumbnail_url = _text()
    task_type = s.ChoiceField(["TEXT_TO_VIDEO", "IMAGE_TO_VIDEO"])
    quality = s.ChoiceField(["standard", "hd"])
    aspect_ratio = s.ChoiceField(["landscape", "portrait"])
    duration_seconds = s.FloatField()
    view_count = s.IntegerField()
    like_count = s.IntegerField()
    display_order = s.IntegerField()
    is_active = s.BooleanField()
    created_at = s.DateTimeField()


class Clips(Page):
    total_pages = s.IntegerField()
    videos = Clip(many=True)
    message = _text(required=False)


class Liked(s.Serializer):
    liked = s.BooleanField()
    like_count = s.IntegerField()


class Received(s.Serializer):
    received = s.BooleanField()


class CallbackTaken(s.Serializer):
    success = s.BooleanField()
    message = _text()
    task_id = s.UUIDField()


class Health(s.Serializer):
    status = s.ChoiceField(["ok", "degraded"])
    version = _text()
