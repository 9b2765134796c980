import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
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
            name='Account',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('balance', models.BigIntegerField(default=0)),
                ('debt', models.BigIntegerField(default=0)),
                ('last_sequence', models.BigIntegerField(default=0)),
                ('total_earned', models.BigIntegerField(default=0)),
                ('total_spent', models.BigIntegerField(default=0)),
                ('total_expired', models.BigIntegerField(default=0)),
                ('total_clawed_back', models.BigIntegerField(default=0)),
                ('next_expiry_at', models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('balance__gte', 0)), name='account_balance_not_negative'), models.CheckConstraint(condition=models.Q(('debt__gte', 0)), name='account_debt_not_negative'), models.CheckConstraint(condition=models.Q(('debt', 0), ('balance', 0), _connector='OR'), name='account_debt_or_balance'), models.CheckConstraint(condition=models.Q(('balance', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('total_earned'), '-', models.F('total_spent')), '-', models.F('total_expired')), '-', models.F('total_clawed_back')))), name='account_totals_add_up')],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='billing.account')),
                ('sequence', models.BigIntegerField()),
                ('type', models.CharField(max_length=16)),
                ('amount', models.BigIntegerField()),
                ('balance_before', models.BigIntegerField()),
                ('balance_after', models.BigIntegerField()),
                ('key', models.CharField(max_length=120, unique=True)),
                ('reference_type', models.CharField(blank=True, max_length=40)),
                ('reference_id', models.CharField(blank=True, max_length=80)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('refund_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_refunds', to='billing.entry')),
                ('expires_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['account', 'type', 'sequence'], name='entry_by_type')],
                'constraints': [models.UniqueConstraint(fields=('account', 'sequence'), name='entry_sequence_unique'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='entry_amount_not_zero'), models.CheckConstraint(condition=models.Q(('balance_after', django.db.models.expressions.CombinedExpression(models.F('balance_before'), '+', models.F('amount')))), name='entry_balance_adds_up'), models.CheckConstraint(condition=models.Q(('balance_after__gte', 0)), name='entry_balance_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='billing.account')),
                ('kind', models.CharField(max_length=16)),
                ('amount', models.BigIntegerField()),
                ('remaining', models.BigIntegerField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grace_lots', to='billing.lot')),
                ('created_at', models.DateTimeField()),
                ('clawed_back', models.BigIntegerField(default=0)),
                ('clawed_back_expired', models.BigIntegerField(default=0)),
                ('clawed_back_owed', models.BigIntegerField(default=0)),
                ('warned_at', models.DateTimeField(null=True)),
                ('last_warned_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('remaining__gt', 0)), fields=['account', 'expires_at', 'id'], name='lot_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='lot_amount_positive'), models.CheckConstraint(condition=models.Q(('remaining__gte', 0), ('remaining__lte', models.F('amount'))), name='lot_remaining_bounds')],
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='billing.entry')),
                ('lot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='billing.lot')),
                ('amount', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('entry', 'lot'), name='allocation_once'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='allocation_not_zero')],
            },
        ),
        migrations.CreateModel(
            name='AuditRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ('run_at', models.DateTimeField()),
                ('accounts', models.PositiveIntegerField()),
                ('entries', models.PositiveIntegerField()),
                ('videos', models.PositiveIntegerField()),
                ('payments', models.PositiveIntegerField()),
                ('problems', models.JSONField(default=list)),
                ('repaired', models.JSONField(default=list)),
            ],
            options={
                'get_latest_by': 'run_at',
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to=settings.AUTH_USER_MODEL)),
                ('package', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('credits', models.PositiveIntegerField()),
                ('amount_minor', models.PositiveIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('return_url', models.URLField(blank=True, max_length=500)),
                ('status', models.CharField(default='pending', max_length=20)),
                ('failure_code', models.CharField(blank=True, max_length=40)),
                ('review_reason', models.CharField(blank=True, max_length=200)),
                ('reviewed_reasons', models.JSONField(blank=True, default=list)),
                ('is_paid', models.BooleanField(default=False)),
                ('refunded_minor', models.PositiveIntegerField(default=0)),
                ('charge_refunded_minor', models.PositiveIntegerField(default=0)),
                ('disputed_minor', models.PositiveIntegerField(default=0)),
                ('session_id', models.CharField(max_length=255, null=True, unique=True)),
                ('payment_intent', models.CharField(blank=True, db_index=True, max_length=255)),
                ('payment_url', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('session_expires_at', models.DateTimeField()),
                ('paid_at', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-created_at'], name='payment_newest'), models.Index(fields=['status', 'created_at'], name='payment_by_status')],
                'constraints': [models.CheckConstraint(condition=models.Q(('refunded_minor__lte', models.F('amount_minor'))), name='payment_refund_bounds'), models.CheckConstraint(condition=models.Q(('is_paid', False), ('paid_at__isnull', False), _connector='OR'), name='payment_paid_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('stripe_id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='billing.payment')),
                ('amount_minor', models.PositiveIntegerField()),
                ('status', models.CharField(max_length=40)),
                ('reported_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PackageOverride',
            fields=[
                ('key', models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('credits', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ('price_minor', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ('currency', models.CharField(default='CNY', max_length=3)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('credits__gt', 0), ('price_minor__gt', 0)), name='package_positive')],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='billing.payment')),
                ('stripe_id', models.CharField(max_length=255, null=True, unique=True)),
                ('amount_minor', models.PositiveIntegerField()),
                ('status', models.CharField(max_length=16)),
                ('source', models.CharField(max_length=16)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('tried_at', models.DateTimeField(null=True)),
                ('credits', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='refund_positive')],
            },
        ),
        migrations.CreateModel(
            name='StripeEvent',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('live', models.BooleanField()),
                ('api_version', models.CharField(blank=True, max_length=40)),
                ('payment_intent', models.CharField(blank=True, db_index=True, max_length=255)),
                ('object', models.JSONField()),
                ('state', models.CharField(db_index=True, default='new', max_length=12)),
                ('note', models.CharField(blank=True, max_length=500)),
            ],
        ),
    ]
