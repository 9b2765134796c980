"""Every URL of the product on one page. Literal words stand before ids."""

from allauth.socialaccount.providers.google import views as google_views
from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path, register_converter

from accounts.api import auth as accounts_api
from accounts.api import google, oauth, profile
from accounts.api import requests as api_requests
from accounts.web import agents
from accounts.web import oauth as web_oauth
from accounts.web import requests as web_requests
from accounts.web import settings as accounts_views
from accounts.web import viewing as web_viewing
from billing import webhooks as billing_webhooks
from billing.api import credits as credits_api
from billing.api import payments as payments_api
from billing.api import referrals as referrals_api
from billing.web import audit, checkout, history, invite, payment
from billing.web import billing as billing_page
from config.api import docs, errors
from config.http import health, web_app, well_known
from config.http.presentation import language, theme
from config.routes import edits as edit_routes
from config.routes import exports as export_routes
from config.routes import library as library_routes
from config.routes import reviews as review_routes
from config.routes import sign_in as sign_in_routes
from config.routes import storyboards as storyboard_routes
from config.routes import webhook_endpoints as endpoint_routes
from showcase import api as showcase_api
from showcase.web import (
    clips,
    contact,
    embeds,
    feeds,
    help_topics,
    home,
    legal,
    makers,
    offers,
    previews,
    pricing,
    remixes,
    showcase,
)
from videos import representations
from videos.api import account as api_account
from videos.api import (
    aliases,
    batches,
    callbacks,
    content,
    models,
    quotes,
    tasks,
    uploads,
    webhook_endpoints,
    webhook_events,
    webhooks,
)
from videos.api import api_keys as api_api_keys
from videos.api import own_queue as api_queue
from videos.api import prompts as api_prompts
from videos.api import verify as api_verify
from videos.api import videos as videos_api
from videos.api.gateway import changes as gateway_changes
from videos.api.gateway import models as gateway_models
from videos.api.gateway import videos as gateway
from videos.realtime import events
from videos.web import account as web_account
from videos.web import (
    avatar,
    comparison,
    library_frames,
    own_queue,
    prompts,
    push,
    reference_images,
    sharing,
    studio,
    tags,
    usage,
    verify,
    video,
)
from videos.web.batches import page as web_batches
from videos.web.developers import api_keys as web_api_keys
from videos.web.developers import quick_start
from videos.web.developers import webhooks as web_webhooks

register_converter(representations.VideoId, "video")

showcase_urls = [
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
urlpatterns = [
    # pages
    path("", home.home, name="home"),
    path("showcase/", include(showcase_urls)),
    path("sitemap.xml", feeds.sitemap, name="sitemap"),
    path("oembed", embeds.oembed, name="oembed"),
    path("pricing/", pricing.pricing, name="pricing"),
    path("help/", help_topics.help_page, name="help"),
    path("help/<slug:topic>/", help_topics.topic, name="topic"),
    path("privacy/", legal.privacy, name="privacy"),
    path("terms/", legal.terms, name="terms"),
    path("rules/", legal.rules, name="rules"),
    path("accessibility/", legal.accessibility, name="accessibility"),
    path("verify/", verify.verify_page, name="verify"),
    path("report/", contact.report, name="report"),
    path("feedback/", contact.feedback, name="feedback"),
    path("v/<uuid:video_id>/offer/", offers.offer, name="video-offer"),
    path("studio/", studio.studio, name="studio"),
    path("studio/batch/", web_batches.batch, name="batch"),
    path("studio/queue/", own_queue.queue, name="queue"),
    path("studio/queue/cancel/", own_queue.cancel, name="queue-cancel"),
    path("studio/prompts/", prompts.prompts, name="prompts"),
    path("studio/prompts/improve/", prompts.improve, name="prompt-improve"),
    path("studio/reference/", reference_images.upload, name="reference-keep"),
    path("studio/reference/library/", library_frames.pick, name="reference-library"),
    path("studio/reference/<uuid:upload_id>/", reference_images.show, name="reference"),
    path("library/", include(library_routes.library)),
    path("collections/", include(library_routes.collections)),
    path("c/", include(library_routes.shared_collections)),
    path("v/<uuid:video_id>/", video.video, name="video"),
    path("v/<uuid:video_id>/title/", video.title, name="video-title"),
    path("v/<uuid:video_id>/tags/", tags.change, name="video-tags"),
    path("v/<uuid:video_id>/favourite/", video.favourite, name="video-favourite"),
    *edit_routes.PAGES,
    *storyboard_routes.PAGES,
    *export_routes.PAGES,
    path("v/<uuid:video_id>/compare/", comparison.compare, name="video-compare"),
    path("v/<uuid:video_id>/pick/", comparison.pick, name="video-pick"),
    path("v/<uuid:video_id>/frame/", sharing.frame, name="video-frame"),
    path("v/<uuid:video_id>/share/", sharing.share, name="video-share"),
    *review_routes.PAGES,
    path("s/<str:token>/", sharing.shared, name="shared"),
    path("s/<str:token>/embed/", sharing.shared_player, name="shared-embed"),
    path("s/<str:token>/video.mp4", sharing.shared_video, name="shared-video"),
    path("s/<str:token>/poster.webp", sharing.shared_poster, name="shared-poster"),
    path("v/<uuid:video_id>/card/", video.card, name="video-card"),
    path("v/<uuid:video_id>/remix/", video.remix, name="video-remix"),
    path("v/<uuid:video_id>/retry/", video.retry, name="video-retry"),
    path("v/<uuid:video_id>/cancel/", video.cancel, name="video-cancel"),
    path("v/<uuid:video_id>/delete/", video.delete, name="video-delete"),
    path("usage/", usage.usage, name="usage"),
    path("usage/usage.csv", usage.usage_csv, name="usage-csv"),
    path("billing/", billing_page.billing, name="billing"),
    path("billing/buy/", checkout.buy, name="billing-buy"),
    path("billing/history.csv", history.history_csv, name="billing-csv"),
    path("billing/before.csv", history.imported_csv, name="billing-imported"),
    path("billing/payments/<uuid:payment_id>/", payment.payment, name="payment"),
    path("billing/return/<uuid:payment_id>/", checkout.checkout_return, name="checkout-return"),
    path("proof/", audit.audit, name="audit"),
    path("r/<slug:code>/", invite.invited, name="invited"),
    path("theme/", theme.choose_theme, name="theme"),
    path("language/", language.choose_language, name="language"),
    path("welcome/", web_account.welcome, name="welcome"),
    path("settings/", accounts_views.settings_page, name="settings"),
    path("settings/push/", push.push, name="push"),
    path("settings/shortcuts/", accounts_views.shortcuts, name="shortcuts"),
    path("settings/avatar/", avatar.avatar, name="avatar"),
    path("settings/mails/", web_account.emails, name="email-settings"),
    path("settings/invite/", invite.invite, name="invite"),
    path("settings/sessions/", accounts_views.sessions, name="sessions"),
    path("settings/sessions/end/", accounts_views.end_session, name="session-end"),
    path("settings/data/", web_account.data, name="data"),
    path("settings/data/prompts/", verify.disclose_prompts, name="prompt-disclosure"),
    path("settings/data/export/", web_account.export_data, name="data-export"),
    path("settings/data/delete/", web_account.delete_account, name="delete-account"),
    path("developers/", quick_start.quick_start, name="developers"),
    path("developers/keys/", web_api_keys.keys_page, name="keys"),
    path("developers/keys/<uuid:key_id>/", web_api_keys.key_page, name="key"),
    path("developers/keys/<uuid:key_id>/revoke/", web_api_keys.revoke_key, name="key-revoke"),
    path("developers/requests/", web_requests.requests_page, name="requests"),
    path("developers/webhooks/", web_webhooks.webhooks, name="webhooks"),
    path("developers/webhooks/test/", web_webhooks.try_webhook, name="webhook-test"),
    path("developers/webhooks/secret/", web_webhooks.change_secret, name="webhook-secret"),
    path(
        "developers/webhooks/<uuid:delivery_id>/redeliver/",
        web_webhooks.redeliver,
        name="redeliver",
    ),
    path("developers/webhooks/redeliver/", web_webhooks.redeliver_failed, name="redeliver-failed"),
    path("developers/webhooks/endpoints/", include(endpoint_routes.PAGES)),
    *sign_in_routes.PAGES,
    path("viewing/stop/", web_viewing.stop, name="viewing-stop"),
    path("accounts/return/<str:token>/", accounts_views.restore_account, name="return"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/3rdparty/", include("allauth.socialaccount.urls")),
    path("accounts/google/login/", google_views.oauth2_login, name="google_login"),
    path("accounts/google/login/callback/", google_views.oauth2_callback, name="google_callback"),
    path("admin/", admin.site.urls),
    path("manifest.webmanifest", web_app.manifest, name="manifest"),
    path("service-worker.js", web_app.service_worker, name="service-worker"),
    path("offline/", web_app.offline, name="offline"),
    path("robots.txt", well_known.robots),
    path("llms.txt", well_known.llms, name="llms"),
    *(path(name, well_known.icon, {"name": name}) for name in well_known.ICONS),
    path(".well-known/change-password", well_known.change_password),
    path("api/verify", api_verify.VerifyView.as_view(), name="api-verify"),
    # accounts
    path("api/auth/register", accounts_api.RegisterView.as_view()),
    path("api/auth/login", accounts_api.LoginView.as_view()),
    path("api/auth/google/login", google.GoogleLoginView.as_view()),
    path("api/auth/refresh", accounts_api.RefreshTokenView.as_view()),
    path("api/auth/logout", accounts_api.LogoutView.as_view()),
    path("api/auth/me", accounts_api.CurrentUserView.as_view()),
    path("api/auth/test/login", accounts_api.TestLoginView.as_view()),
    path("api/auth/profile", profile.AuthProfileView.as_view()),
    path("api/auth/password", profile.ChangePasswordView.as_view()),
    path("api/users/profile", profile.ProfileView.as_view()),
    path("api/users/account", api_account.AccountView.as_view()),
    path("api/users/limits", api_account.LimitsView.as_view()),
    path("api/users/export", api_account.DataExportView.as_view()),
    path("api/users/api-keys", api_api_keys.ApiKeyListView.as_view()),
    path("api/users/api-keys/<uuid:key_id>", api_api_keys.ApiKeyDetailView.as_view()),
    path("api/users/api-keys/<uuid:key_id>/usage", api_api_keys.ApiKeyUsageView.as_view()),
    path("api/users/requests", api_requests.RequestLogView.as_view()),
    # credits
    path("api/users/credits", credits_api.CreditsView.as_view()),
    path("api/users/credits/transactions", credits_api.TransactionListView.as_view()),
    path("api/users/referral", referrals_api.ReferralView.as_view()),
    # payments
    path("api/payments", payments_api.PaymentListView.as_view(), name="api-payments"),
    path("api/payments/packages", payments_api.PackagesView.as_view()),
    path("api/payments/stripe/create", payments_api.CreatePaymentView.as_view()),
    path("api/payments/stripe/refund", payments_api.RefundPaymentView.as_view()),
    path("api/payments/webhook/stripe", billing_webhooks.stripe),
    path("api/payments/<uuid:payment_id>", payments_api.PaymentDetailView.as_view()),
    # videos
    path("api/videos", videos_api.VideoListView.as_view(), name="api-videos"),
    path("api/videos/create", aliases.CreateVideoAliasView.as_view()),
    path("api/videos/status", aliases.VideoStatusByQueryView.as_view()),
    path("api/videos/status/<video:video_id>", aliases.VideoStatusView.as_view()),
    path("api/prompts", api_prompts.PromptsView.as_view()),
    path("api/prompts/improve", api_prompts.ImprovePromptView.as_view()),
    path("api/prompts/<int:prompt_id>", api_prompts.SavedPromptView.as_view()),
    path("api/models", models.ModelsView.as_view()),
    path("api/videos/batch", batches.BatchView.as_view()),
    path("api/videos/queue", api_queue.QueueView.as_view()),
    path("api/videos/quote", quotes.QuoteView.as_view()),
    path("api/videos/remix", aliases.RemixByBodyView.as_view()),
    path("api/videos/remix/<video:video_id>", aliases.RemixAliasView.as_view()),
    path("api/videos/upload", uploads.UploadView.as_view()),
    path("api/videos/uploads/<uuid:upload_id>", uploads.UploadContentView.as_view()),
    path("api/videos/text-to-video", tasks.TextToVideoView.as_view()),
    path("api/videos/image-to-video", tasks.ImageToVideoView.as_view()),
    path("api/videos/sora/callback", callbacks.callback, name="sora-callback"),
    path("api/videos/tasks/<video:video_id>", tasks.TaskStatusView.as_view()),
    path("api/videos/<video:video_id>", videos_api.VideoDetailView.as_view(), name="api-video"),
    path("api/videos/<video:video_id>/content", content.ContentView.as_view(), name="api-content"),
    path("api/videos/<video:video_id>/download", content.DownloadView.as_view()),
    path("api/videos/<video:video_id>/edits", edit_routes.CREATE),
    path("api/videos/<video:video_id>/reviews", review_routes.OF_VIDEO),
    *review_routes.API,
    *edit_routes.API,
    *storyboard_routes.API,
    path("api/videos/<video:video_id>/exports", export_routes.CREATE),
    *export_routes.API,
    path("api/videos/<video:video_id>/remix", videos_api.RemixView.as_view(), name="api-remix"),
    # tasks
    path("api/tasks/user/tasks", tasks.TaskListView.as_view()),
    path("api/tasks/<video:video_id>", tasks.TaskDetailView.as_view()),
    path("api/tasks/<video:video_id>/retry", tasks.RetryTaskView.as_view()),
    path("api/events", events.EventsView.as_view(), name="api-events"),
    # webhooks, to clients and from engines
    path("api/webhooks/secret", webhooks.WebhookSecretView.as_view(), name="api-webhook-secret"),
    path("api/webhooks/endpoints", webhook_endpoints.EndpointListView.as_view()),
    path(
        "api/webhooks/endpoints/<uuid:endpoint_id>", webhook_endpoints.EndpointDetailView.as_view()
    ),
    path(
        "api/webhooks/endpoints/<uuid:endpoint_id>/test",
        webhook_endpoints.EndpointTestView.as_view(),
    ),
    path("api/webhooks/events", webhook_events.UndeliveredView.as_view()),
    path("api/webhooks/events/ack", webhook_events.AcknowledgeView.as_view()),
    path("api/webhooks/deliveries/redeliver", webhooks.RedeliverManyView.as_view()),
    path("api/webhooks/deliveries", webhooks.DeliveryListView.as_view(), name="api-deliveries"),
    path(
        "api/webhooks/deliveries/<uuid:delivery_id>",
        webhooks.DeliveryDetailView.as_view(),
        name="api-delivery",
    ),
    path(
        "api/webhooks/deliveries/<uuid:delivery_id>/redeliver",
        webhooks.RedeliverView.as_view(),
        name="api-redeliver",
    ),
    path("api/webhooks/<slug:engine>", callbacks.engine_webhook, name="engine-webhook"),
    # the public showcase
    path("api/showcase/videos", showcase_api.ClipListView.as_view(), name="api-clips"),
    path(
        "api/showcase/videos/<int:clip_id>", showcase_api.ClipDetailView.as_view(), name="api-clip"
    ),
    path("api/showcase/videos/<int:clip_id>/like", showcase_api.ClipLikeView.as_view()),
    path("api/schema", docs.SchemaView.as_view(), name="api-schema"),
    path("openapi.json", docs.SchemaView.as_view()),
    path("api/docs", docs.SwaggerView.as_view(), name="api-docs"),
    path("reference/redoc.js", docs.redoc_script, name="api-redoc-script"),
    path("api/redoc", docs.RedocView.as_view(), name="api-redoc"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("health", health.health, name="health"),
    re_path(r"^api(?:/.*)?$", errors.api_not_found),
    # the Videos API in the words of OpenAI
    path("v1/videos", gateway.GatewayVideosView.as_view()),
    path("v1/videos/edits", gateway_changes.GatewayEditsView.as_view()),
    path("v1/videos/extensions", gateway_changes.GatewayExtensionsView.as_view()),
    path("v1/videos/characters", gateway_changes.GatewayCharactersView.as_view()),
    path("v1/videos/characters/<str:character_id>", gateway_changes.GatewayCharacterView.as_view()),
    path("v1/videos/<str:video_id>", gateway.GatewayVideoView.as_view()),
    path("v1/videos/<str:video_id>/content", gateway.GatewayContentView.as_view()),
    path("v1/videos/<str:video_id>/remix", gateway_changes.GatewayRemixView.as_view()),
    path("v1/models", gateway_models.GatewayModelsView.as_view()),
    path("v1/models/<path:model_id>", gateway_models.GatewayModelView.as_view()),
    # also what a slip in a client's base URL makes of it: //v1, /V1
    re_path(r"^/*[vV]1(?:/[\s\S]*)?$", errors.gateway_not_found),
]

if settings.MCP:
    # allauth finds these by their names.
    provider = [
        path("oauth/authorize", web_oauth.ConsentView.as_view(), name="authorization"),
        path("oauth/token", oauth.token, name="token"),
        path("oauth/register", oauth.register, name="client_registration"),
        path("oauth/revoke", oauth.revoke, name="revoke"),
    ]
    urlpatterns += [
        path("", include(([path("", include((provider, "oidc")))], "idp"))),
        path(".well-known/oauth-protected-resource", oauth.protected_resource),
        path(".well-known/oauth-protected-resource/mcp", oauth.protected_resource),
        path(".well-known/oauth-authorization-server", oauth.authorization_server),
        # Where clients look that have kept a refresh token, but not the metadata.
        path("token", oauth.token),
        path("developers/agents/", agents.agents_page, name="agents"),
        path("developers/agents/disconnect/", agents.disconnect, name="agent-disconnect"),
    ]

if settings.SANDBOX:
    # Never even imported in production.
    from config.routes import sandbox

    urlpatterns += sandbox.ADDRESSES

handler400 = "config.api.errors.bad_request"
handler403 = "config.api.errors.forbidden"
handler404 = "config.api.errors.not_found"
handler500 = "config.api.errors.server_error"
handler429 = "config.api.errors.too_many"
