import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('videos', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AbuseReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('text', models.TextField(max_length=4000)),
                ('state', models.CharField(default='open', max_length=8)),
                ('staff_note', models.TextField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('subject', models.CharField(max_length=500)),
                ('reason', models.CharField(max_length=12)),
                ('decision', models.CharField(blank=True, max_length=8)),
            ],
            options={
                'ordering': ['-created_at'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Clip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('video', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='clip', to='videos.video')),
                ('title', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True, max_length=1000)),
                ('display_order', models.IntegerField(default=100)),
                ('is_active', models.BooleanField(default=False)),
                ('consented_at', models.DateTimeField(editable=False, null=True)),
                ('view_count', models.PositiveBigIntegerField(default=0, editable=False)),
                ('like_count', models.PositiveBigIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ['display_order', '-pk'],
                'indexes': [models.Index(condition=models.Q(('is_active', True)), fields=['display_order', '-id'], name='clip_public')],
                'constraints': [models.CheckConstraint(condition=models.Q(('is_active', False), ('consented_at__isnull', False), _connector='OR'), name='clip_published_with_consent')],
            },
        ),
        migrations.CreateModel(
            name='ClipLike',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('clip', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='likes', to='showcase.clip')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='likes', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clip', 'user'), name='like_once')],
            },
        ),
        migrations.CreateModel(
            name='ClipView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('clip', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='views', to='showcase.clip')),
                ('visitor', models.CharField(max_length=64)),
                ('hour', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clip', 'visitor', 'hour'), name='view_once_an_hour')],
            },
        ),
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('text', models.TextField(max_length=4000)),
                ('state', models.CharField(default='open', max_length=8)),
                ('staff_note', models.TextField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ['-created_at'],
                'abstract': False,
            },
        ),
    ]
