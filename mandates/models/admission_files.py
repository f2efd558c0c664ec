"""准入附件: documents to the application, the legality review, the joint meeting and the decision."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.admissions import Admission


class AdmissionFileKind(models.TextChoices):
    """Which step of the way a document belongs to."""

    APPLICATION = "application", _("To the application")
    LEGALITY = "legality", _("To the legality review")
    MINUTES = "minutes", _("Of the joint meeting")
    DECISION = "decision", _("Of the decision")


class AdmissionFile(CountyOwned):
    """A document of an admission; the content lies in private storage.

    ``taken_with`` is the step that took it up, and names it with its hash: from then on it is
    neither changed nor removed.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    admission = TenantForeignKey(Admission, models.PROTECT, related_name="files")
    kind = models.CharField(_("kind"), max_length=12, choices=AdmissionFileKind)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    # Of what is kept; pictures are drawn anew, and differ from what was handed in.
    sha256 = models.CharField(max_length=64)
    received_sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    taken_with = models.PositiveIntegerField(null=True)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey("townships.Post", models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("document of an admission")
        verbose_name_plural = _("documents of admissions")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="admission_file_uid"),
            models.CheckConstraint(
                name="admission_file_kind", condition=Q(kind__in=AdmissionFileKind.values)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("mandates:admission-paper", args=[self.admission.uid, self.uid])


# Beside row security, which shows a unit no admission but those that concern it. What a step has
# taken up stays; before that a document may only be taken up, or removed.
FILES_STAY_SQL: dict[str, str] = {
    "forward": """
create function admission_file_stays() returns trigger language plpgsql as $$
    declare known mandates_admissionfile;
    begin
        known := coalesce(new, old);
        if not exists (select from mandates_admission a
                        where a.county_id = known.county_id and a.id = known.admission_id) then
            raise exception 'this admission is out of reach'
                using errcode = 'insufficient_privilege';
        end if;
        if tg_op = 'INSERT' then
            return new;
        end if;
        if old.taken_with is null and tg_op = 'DELETE' then
            return old;
        end if;
        if tg_op = 'UPDATE' and old.taken_with is null
           and to_jsonb(new) - 'taken_with' = to_jsonb(old) - 'taken_with' then
            return new;
        end if;
        raise exception 'what a step has taken up stays' using errcode = 'insufficient_privilege';
    end $$;
create trigger stays before insert or update or delete on mandates_admissionfile for each row
    execute function admission_file_stays();
create trigger stays_whole before truncate on mandates_admissionfile for each statement
    execute function refuse_change();
alter table mandates_admissionfile enable always trigger stays;
alter table mandates_admissionfile enable always trigger stays_whole;
""",
    "back": """
drop trigger stays on mandates_admissionfile; drop trigger stays_whole on mandates_admissionfile;
drop function admission_file_stays();
""",
}
