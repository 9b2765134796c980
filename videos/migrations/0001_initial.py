import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('accounts', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to=settings.AUTH_USER_MODEL)),
                ('kind', models.CharField(default='image', max_length=8)),
                ('file', models.FileField(max_length=255, upload_to='')),
                ('name', models.CharField(max_length=120)),
                ('content_type', models.CharField(max_length=40)),
                ('size_bytes', models.BigIntegerField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('stored', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Video',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='videos', to=settings.AUTH_USER_MODEL)),
                ('operation', models.CharField(max_length=8)),
                ('prompt', models.TextField()),
                ('model', models.CharField(max_length=64)),
                ('size', models.CharField(max_length=16)),
                ('seconds', models.PositiveSmallIntegerField()),
                ('reference', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='videos', to='videos.upload')),
                ('source', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='remixes', to='videos.video')),
                ('retry_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='retries', to='videos.video')),
                ('credits', models.PositiveIntegerField()),
                ('api_key', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.apikey')),
                ('webhook_url', models.CharField(blank=True, max_length=2048)),
                ('status', models.CharField(default='queued', max_length=16)),
                ('progress', models.FloatField(default=0)),
                ('failure_code', models.CharField(blank=True, max_length=64)),
                ('failure_detail', models.TextField(blank=True)),
                ('engine', models.CharField(max_length=32)),
                ('engine_job_id', models.CharField(blank=True, max_length=512)),
                ('next_step_at', models.DateTimeField(null=True)),
                ('lease', models.UUIDField(null=True)),
                ('claimed_at', models.DateTimeField(null=True)),
                ('woken_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('missing_since', models.DateTimeField(null=True)),
                ('submit_count', models.PositiveSmallIntegerField(default=0)),
                ('poll_count', models.PositiveIntegerField(default=0)),
                ('needs_cleanup', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('submitted_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('rendered_at', models.DateTimeField(null=True)),
                ('completed_at', models.DateTimeField(null=True)),
                ('deadline_at', models.DateTimeField()),
                ('deleted_at', models.DateTimeField(null=True)),
                ('file', models.FileField(blank=True, max_length=255, upload_to='')),
                ('file_bytes', models.BigIntegerField(default=0)),
                ('file_sha256', models.CharField(blank=True, max_length=64)),
                ('thumbnail', models.FileField(blank=True, max_length=255, upload_to='')),
                ('spritesheet', models.FileField(blank=True, max_length=255, upload_to='')),
                ('sequence', models.BigIntegerField(default=0)),
                ('favourited_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('next_step_at__isnull', False)), fields=['next_step_at'], name='video_due'), models.Index(fields=['user', '-created_at', '-id'], name='video_newest'), models.Index(fields=['user', 'sequence'], name='video_changes'), models.Index(fields=['user', 'status'], name='video_by_status')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('engine_job_id', ''), _negated=True), fields=('engine', 'engine_job_id'), name='video_engine_job_once'), models.CheckConstraint(condition=models.Q(('progress__gte', 0), ('progress__lte', 100)), name='video_progress_bounds'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'succeeded'), _negated=True), models.Q(('file', ''), _negated=True), _connector='OR'), name='video_succeeded_has_file')],
            },
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='video_collections', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('videos', models.ManyToManyField(related_name='collections', to='videos.video')),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('user', 'name'), name='collection_name_once')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to=settings.AUTH_USER_MODEL)),
                ('video', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='delivery', to='videos.video')),
                ('url', models.CharField(max_length=2048)),
                ('state', models.CharField(default='pending', max_length=12)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(null=True)),
                ('lease', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField()),
                ('round_started_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at'], name='delivery_due'), models.Index(fields=['user', '-created_at'], name='delivery_newest')],
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='videos.webhookdelivery')),
                ('at', models.DateTimeField()),
                ('took_ms', models.PositiveIntegerField()),
                ('code', models.PositiveSmallIntegerField(null=True)),
                ('error', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='DigestSubscription',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('reported_until', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='EngineCallback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('engine', models.CharField(max_length=32)),
                ('event_key', models.CharField(max_length=200)),
                ('engine_job_id', models.CharField(max_length=512)),
                ('video', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='engine_callbacks', to='videos.video')),
                ('received_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'indexes': [models.Index(fields=['engine', 'engine_job_id'], name='engine_callback_job')],
                'constraints': [models.UniqueConstraint(fields=('engine', 'event_key'), name='engine_callback_once')],
            },
        ),
        migrations.CreateModel(
            name='EngineCircuit',
            fields=[
                ('name', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('opened_at', models.DateTimeField(null=True)),
                ('retry_at', models.DateTimeField(null=True)),
                ('pause_count', models.PositiveIntegerField(default=0)),
                ('trial_video_id', models.UUIDField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_detail', models.TextField(blank=True)),
                ('error_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('sequence', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Preset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presets', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(max_length=60)),
                ('model', models.CharField(max_length=64)),
                ('size', models.CharField(max_length=16)),
                ('seconds', models.PositiveSmallIntegerField()),
                ('takes', models.PositiveSmallIntegerField(default=1)),
                ('ending', models.CharField(blank=True, max_length=400)),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('user', 'name'), name='preset_name_once')],
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=8)),
                ('model', models.CharField(max_length=64)),
                ('credits', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'model'), name='price_once')],
            },
        ),
        migrations.CreateModel(
            name='RejectedPrompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejected_prompts', to=settings.AUTH_USER_MODEL)),
                ('prompt', models.TextField()),
                ('had_image', models.BooleanField(default=False)),
                ('categories', models.JSONField()),
                ('overruled', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-created_at'], name='rejected_prompt_newest')],
            },
        ),
        migrations.CreateModel(
            name='ShareLink',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='videos.video')),
                ('with_prompt', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('video',), name='share_link_open_once')],
            },
        ),
        migrations.CreateModel(
            name='VideoEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='videos.video')),
                ('status', models.CharField(max_length=16)),
                ('at', models.DateTimeField()),
                ('note', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('secret', models.CharField(max_length=80)),
                ('former', models.CharField(blank=True, max_length=80)),
                ('former_until', models.DateTimeField(null=True)),
            ],
        ),
    ]
