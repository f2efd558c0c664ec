import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

OWN = "department_id = any (app_ids('app.departments'))"


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0023_admissions"),
        ("townships", "0009_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UnlistedTask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("recorded", "Recorded, undecided"),
                            ("refused", "Refused"),
                            ("taken", "Taken all the same"),
                            ("dropped", "Taken back by the department"),
                            ("admitted", "Goes through admission"),
                            ("listed", "On the list after all"),
                        ],
                        default="recorded",
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "in_name_of",
                    models.CharField(blank=True, max_length=100, verbose_name="in the name of"),
                ),
                ("title", models.CharField(max_length=100, verbose_name="task")),
                ("what", models.TextField(verbose_name="what is asked")),
                ("document", models.CharField(blank=True, max_length=200, verbose_name="document")),
                ("received_on", models.DateField(verbose_name="received on")),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("document", "Document"),
                            ("meeting", "Meeting"),
                            ("phone", "Telephone"),
                            ("group", "Work group of a messenger"),
                            ("system", "Task in a system"),
                            ("letter", "Letter of responsibility, assessment"),
                            ("other", "Otherwise"),
                        ],
                        max_length=10,
                        verbose_name="how it was asked",
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "admission",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.admission",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "department",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "entry",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.entry",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
            ],
            options={
                "verbose_name": "unlisted task",
                "verbose_name_plural": "unlisted tasks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="unlisted_task_tenant"
                    ),
                    models.UniqueConstraint(fields=("uid", "county"), name="unlisted_task_uid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["recorded", "refused", "taken", "dropped", "admitted", "listed"],
                            )
                        ),
                        name="unlisted_task_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("entry__isnull", False), ("state", "listed")),
                            models.Q(models.Q(("state", "listed"), _negated=True), ("entry", None)),
                            _connector="OR",
                        ),
                        name="unlisted_task_listed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("admission__isnull", False), ("state", "admitted")),
                            models.Q(
                                models.Q(("state", "admitted"), _negated=True), ("admission", None)
                            ),
                            _connector="OR",
                        ),
                        name="unlisted_task_admitted",
                    ),
                    common.tenancy.SameTenant(
                        field="entry", name="mandates_unlistedtask_entry_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="admission", name="mandates_unlistedtask_admission_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_unlistedtask_township_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_unlistedtask_department_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnlistedStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveSmallIntegerField()),
                ("move", models.CharField(max_length=24)),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("recorded", "Recorded, undecided"),
                            ("refused", "Refused"),
                            ("taken", "Taken all the same"),
                            ("dropped", "Taken back by the department"),
                            ("admitted", "Goes through admission"),
                            ("listed", "On the list after all"),
                        ],
                        max_length=10,
                    ),
                ),
                ("unit", models.CharField(max_length=100)),
                ("actor", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "department",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "task",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="mandates.unlistedtask",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of an unlisted task",
                "verbose_name_plural": "steps of unlisted tasks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "task", "seq"), name="unlisted_step_seq"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("move__in", ["refuse", "drop"]), _negated=True),
                            ("note__regex", "\\S"),
                            _connector="OR",
                        ),
                        name="unlisted_step_why",
                    ),
                    common.tenancy.SameTenant(
                        field="task", name="mandates_unlistedstep_task_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_unlistedstep_township_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_unlistedstep_department_tenant"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="unlistedtask",
            index=models.Index(fields=["county", "-id"], name="unlisted_new"),
        ),
        migrations.AddIndex(
            model_name="unlistedtask",
            index=models.Index(
                fields=["county", "department", "recorded_at"], name="unlisted_counted"
            ),
        ),
        # Of the township that recorded it, the department it names, and the county.
        rls.TenantTable("UnlistedTask", department=("select, update", OWN)),
        rls.TenantTable("UnlistedStep", append_only=True, department=("select, insert", OWN)),
    ]
