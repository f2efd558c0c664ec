import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

# As the policy of calls for departments: for the planner, see `common.rls.PARTICIPANT`.
CONCERNED = "nullif(townships && app_ids('app.townships'), false) is not null"
SAYS = ("select, insert", rls.COUNTY)


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0022_amendments"),
        ("townships", "0009_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Admission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("number", models.CharField(blank=True, max_length=60, verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("formal", "Formal check"),
                            ("opinions", "Opinions of the townships"),
                            ("legality", "Legality review"),
                            ("resources", "Resource review"),
                            ("meeting", "Joint meeting"),
                            ("decision", "Decision"),
                            ("filing", "Filing"),
                            ("listing", "Listing and publication"),
                            ("in_force", "Admitted, to be evaluated"),
                            ("evaluated", "Evaluated"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("round", models.PositiveSmallIntegerField(default=0)),
                (
                    "townships",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "pending_townships",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "open_objections",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "pending_departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="matter")),
                ("category", models.CharField(max_length=40, verbose_name="category")),
                ("legal_basis", models.TextField(verbose_name="legal basis")),
                ("reason", models.TextField(verbose_name="reason")),
                ("township_duty", models.TextField(verbose_name="duty of the township")),
                ("department_duty", models.TextField(verbose_name="duty of the county department")),
                (
                    "targets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("people", models.CharField(blank=True, max_length=300, verbose_name="people")),
                ("money", models.CharField(blank=True, max_length=300, verbose_name="money")),
                (
                    "equipment",
                    models.CharField(blank=True, max_length=300, verbose_name="equipment"),
                ),
                ("training", models.CharField(blank=True, max_length=300, verbose_name="training")),
                ("systems", models.CharField(blank=True, max_length=300, verbose_name="systems")),
                ("term", models.CharField(blank=True, max_length=100, verbose_name="term")),
                ("began_at", models.DateTimeField(null=True)),
                ("limit_amount", models.PositiveSmallIntegerField(null=True)),
                ("limit_unit", models.CharField(blank=True, max_length=20)),
                ("due_at", models.DateTimeField(null=True)),
                ("reminded_for", models.DateTimeField(null=True)),
                (
                    "mode",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("own", "The law gives it to townships"),
                            ("empowered", "Empowerment by the province"),
                            ("delegated", "Delegation in writing"),
                            ("support", "Support only; the department keeps the duty"),
                        ],
                        max_length=10,
                        verbose_name="way of handing down",
                    ),
                ),
                ("held_on", models.DateField(null=True, verbose_name="day of the meeting")),
                ("minutes", models.TextField(blank=True, verbose_name="minutes")),
                (
                    "document_no",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                (
                    "filing_no",
                    models.CharField(
                        blank=True, max_length=60, verbose_name="number of the filing"
                    ),
                ),
                ("evaluate_from", models.DateTimeField(null=True)),
                (
                    "evaluation",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("keep", "Keep"),
                            ("adjust", "Adjust"),
                            ("take_back", "Take back"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("step_count", models.PositiveIntegerField(default=0)),
                ("last_hash", models.CharField(blank=True, max_length=64)),
                (
                    "area",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "department",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "lead",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "matter",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.matter",
                    ),
                ),
            ],
            options={
                "verbose_name": "duty admission",
                "verbose_name_plural": "duty admissions",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="admission_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="admission_uid"),
                    models.UniqueConstraint(
                        condition=models.Q(("number", ""), _negated=True),
                        fields=("county", "number"),
                        name="admission_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("area__isnull", False), ("department", None)),
                            models.Q(("area", None), ("department__isnull", False)),
                            _connector="OR",
                        ),
                        name="admission_applicant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "draft",
                                    "formal",
                                    "opinions",
                                    "legality",
                                    "resources",
                                    "meeting",
                                    "decision",
                                    "filing",
                                    "listing",
                                    "in_force",
                                    "evaluated",
                                    "refused",
                                    "withdrawn",
                                ],
                            )
                        ),
                        name="admission_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "withdrawn"]),
                            models.Q(
                                models.Q(("number", ""), _negated=True),
                                models.Q(("targets", []), _negated=True),
                                ("lead__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="admission_submitted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ("filing", "listing", "in_force", "evaluated")),
                                _negated=True,
                            ),
                            ("people__regex", "\\S"),
                            ("money__regex", "\\S"),
                            ("equipment__regex", "\\S"),
                            ("training__regex", "\\S"),
                            ("systems__regex", "\\S"),
                            _connector="OR",
                        ),
                        name="admission_package",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ("filing", "listing", "in_force", "evaluated")),
                                _negated=True,
                            ),
                            ("document_no__regex", "\\S"),
                            _connector="OR",
                        ),
                        name="admission_document",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["in_force", "evaluated"]), _negated=True),
                            ("matter__isnull", False),
                            _connector="OR",
                        ),
                        name="admission_listed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("evaluation__in", ["keep", "adjust", "take_back"]),
                                ("state", "evaluated"),
                            ),
                            models.Q(
                                models.Q(("state", "evaluated"), _negated=True), ("evaluation", "")
                            ),
                            _connector="OR",
                        ),
                        name="admission_evaluated",
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_admission_department_tenant"
                    ),
                    common.tenancy.SameTenant(field="area", name="mandates_admission_area_tenant"),
                    common.tenancy.SameTenant(field="lead", name="mandates_admission_lead_tenant"),
                    common.tenancy.SameTenant(
                        field="matter", name="mandates_admission_matter_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdmissionBody",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "task",
                    models.CharField(
                        choices=[
                            ("legality", "Legality review"),
                            ("resources", "Resource review"),
                            ("meeting", "Member of the joint meeting"),
                        ],
                        max_length=10,
                        verbose_name="task",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
            ],
            options={
                "verbose_name": "reviewing department",
                "verbose_name_plural": "reviewing departments",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "task", "department"), name="admission_body_once"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_admissionbody_department_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdmissionCounter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
            ],
            options={
                "verbose_name": "counter of admissions",
                "verbose_name_plural": "counters of admissions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "year"), name="admission_counter_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AdmissionLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("formal", "Formal check"),
                            ("opinions", "Opinions of the townships"),
                            ("legality", "Legality review"),
                            ("resources", "Resource review"),
                            ("meeting", "Joint meeting"),
                            ("decision", "Decision"),
                            ("filing", "Filing"),
                            ("listing", "Listing and publication"),
                            ("evaluate_from", "Evaluation, at the earliest"),
                            ("in_force", "Evaluation, at the latest"),
                        ],
                        max_length=15,
                        verbose_name="Step",
                    ),
                ),
                (
                    "amount",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="amount",
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("minute", "minutes, day and night"),
                            ("working_minute", "minutes of office time"),
                            ("working_day", "working days"),
                            ("calendar_day", "calendar days"),
                            ("month", "months"),
                        ],
                        default="working_day",
                        max_length=20,
                        verbose_name="unit",
                    ),
                ),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
            ],
            options={
                "verbose_name": "limit of admissions",
                "verbose_name_plural": "limits of admissions",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "kind"), name="admission_limit_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__range", (1, 365))),
                        name="admission_limit_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdmissionStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveIntegerField()),
                ("move", models.CharField(max_length=24)),
                ("from_state", models.CharField(blank=True, max_length=10)),
                ("to_state", models.CharField(max_length=10)),
                ("role", models.CharField(blank=True, max_length=40)),
                ("unit", models.CharField(blank=True, max_length=100)),
                ("actor", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("algorithm", models.CharField(max_length=10)),
                ("previous_hash", models.CharField(blank=True, max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "admission",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="mandates.admission",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.post",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of an admission",
                "verbose_name_plural": "steps of admissions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "admission", "seq"), name="admission_step_seq"
                    ),
                    common.tenancy.SameTenant(
                        field="admission", name="mandates_admissionstep_admission_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdmissionVoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opinion", "Opinion"),
                            ("answer", "Answer to an objection"),
                            ("legality", "Legality review"),
                            ("resources", "Resource review"),
                            ("vote", "Vote"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("agree", "Agrees"),
                            ("conditions", "Agrees on conditions"),
                            ("object", "Objects"),
                            ("silent", "Silent"),
                            ("answered", "Answered"),
                            ("lawful", "Lawful"),
                            ("unlawful", "Not lawful"),
                            ("adequate", "Adequate"),
                            ("lacking", "Lacking"),
                            ("for", "For"),
                            ("against", "Against"),
                            ("abstained", "Abstained"),
                            ("absent", "Absent"),
                        ],
                        max_length=10,
                    ),
                ),
                ("text", models.TextField(blank=True)),
                ("unit", models.CharField(blank=True, max_length=100)),
                ("actor", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                (
                    "admission",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="voices",
                        to="mandates.admission",
                    ),
                ),
                (
                    "area",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
            ],
            options={
                "verbose_name": "opinion on an admission",
                "verbose_name_plural": "opinions on admissions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "admission", "round", "kind", "area"),
                        name="admission_voice_area",
                    ),
                    models.UniqueConstraint(
                        fields=("county", "admission", "round", "kind", "department"),
                        name="admission_voice_department",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "opinion"),
                                ("verdict__in", ["agree", "conditions", "object", "silent"]),
                                ("area__isnull", False),
                                ("department", None),
                            ),
                            models.Q(
                                ("kind", "answer"),
                                ("verdict", "answered"),
                                ("area__isnull", False),
                                ("department", None),
                            ),
                            models.Q(
                                ("area", None),
                                ("kind", "legality"),
                                ("verdict__in", ["lawful", "unlawful"]),
                            ),
                            models.Q(
                                ("kind", "resources"),
                                ("verdict__in", ("adequate", "lacking")),
                                ("area", None),
                                ("department__isnull", False),
                            ),
                            models.Q(
                                ("kind", "vote"),
                                ("verdict__in", ("for", "against", "abstained", "absent")),
                                ("area", None),
                                ("department__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="admission_voice_said",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True),
                            (
                                "verdict__in",
                                ["agree", "silent", "for", "against", "abstained", "absent"],
                            ),
                            _connector="OR",
                        ),
                        name="admission_voice_why",
                    ),
                    common.tenancy.SameTenant(
                        field="admission", name="mandates_admissionvoice_admission_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="area", name="mandates_admissionvoice_area_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_admissionvoice_department_tenant"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="admission",
            index=models.Index(fields=["county", "-id"], name="admission_new"),
        ),
        migrations.AddIndex(
            model_name="admission",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["due_at"],
                name="admission_due",
            ),
        ),
        # Read by the applicant, those it concerns and those who review it; by all of the county's
        # own posts. What was said and done is only added to.
        rls.TenantTable(
            "Admission",
            township=("select, insert, update", CONCERNED),
            department=("select, insert, update", rls.PARTICIPANT),
            county=("select, insert, update", rls.COUNTY),
        ),
        rls.TenantTable("AdmissionStep", append_only=True, township=SAYS, department=SAYS),
        rls.TenantTable("AdmissionVoice", append_only=True, township=SAYS, department=SAYS),
        rls.TenantTable("AdmissionBody"),
        rls.TenantTable("AdmissionLimit"),
        rls.TenantTable(
            "AdmissionCounter",
            township=("", ""),
            department=("", ""),
            county=("select, insert, update", rls.COUNTY),
            dispatch=("select, insert, update", rls.EVERYTHING),
        ),
    ]
