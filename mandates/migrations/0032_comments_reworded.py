import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

import common.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0031_personal_data"),
        ("townships", "0010_developed_towns"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="reviewcomment",
            name="review_comment_says",
        ),
        migrations.AddField(
            model_name="reviewcomment",
            name="replaces",
            field=common.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="mandates.reviewcomment",
            ),
        ),
        migrations.AddField(
            model_name="reviewcomment",
            name="uid",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                default=uuid.uuid4,
                editable=False,
            ),
        ),
        migrations.AlterField(
            model_name="reviewcomment",
            name="text",
            field=models.TextField(blank=True),
        ),
        migrations.AddConstraint(
            model_name="reviewcomment",
            constraint=models.UniqueConstraint(
                fields=("county", "id"), name="review_comment_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcomment",
            constraint=models.UniqueConstraint(fields=("uid", "county"), name="review_comment_uid"),
        ),
        migrations.AddConstraint(
            model_name="reviewcomment",
            constraint=models.UniqueConstraint(
                fields=("county", "replaces"), name="review_comment_replaced_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcomment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text", ""), _negated=True),
                    ("replaces__isnull", False),
                    _connector="OR",
                ),
                name="review_comment_says",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcomment",
            constraint=common.tenancy.SameTenant(
                field="replaces", name="mandates_reviewcomment_replaces_tenant"
            ),
        ),
    ]
