"""征求意见: departments and townships say what they think of a draft before it is published."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey, county_target
from mandates.models.lists import ListVersion, Matter


class Stance(models.TextChoices):
    """What a unit says of a draft; of one that said nothing in time, that."""

    WAITING = "waiting", _("No opinion yet")
    AGREE = "agree", _("Agrees")
    OBJECT = "object", _("Objects")
    SILENT = "silent", _("Said nothing")


class ListReview(CountyOwned):
    """One round in which units are asked for their opinion on a draft."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    version = TenantForeignKey(
        ListVersion, models.PROTECT, related_name="reviews", verbose_name=_("list version")
    )
    until = models.DateField(_("opinions until"))
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("review of a draft")
        verbose_name_plural = _("reviews of drafts")
        constraints = [
            county_target("list_review"),
            models.UniqueConstraint(fields=["uid", "county"], name="list_review_uid"),
            models.UniqueConstraint(
                fields=["county", "version"],
                condition=Q(closed_at=None),
                name="list_review_one_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.version)


class ReviewOpinion(CountyOwned):
    """What one department or township that was asked says; an objection is answered."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    review = TenantForeignKey(ListReview, models.CASCADE, related_name="opinions")
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    of_township = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )
    stance = models.CharField(max_length=8, choices=Stance, default=Stance.WAITING)
    text = models.TextField(blank=True)
    said_at = models.DateTimeField(null=True)
    said_by = models.CharField(max_length=100, blank=True)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("opinion on a draft")
        verbose_name_plural = _("opinions on drafts")
        constraints = [
            county_target("review_opinion"),
            models.UniqueConstraint(fields=["uid", "county"], name="review_opinion_uid"),
            models.UniqueConstraint(
                fields=["county", "review", "department", "of_township"],
                name="review_opinion_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="review_opinion_unit",
                condition=Q(department=None, of_township__isnull=False)
                | Q(department__isnull=False, of_township=None),
            ),
            models.CheckConstraint(
                name="review_opinion_objection", condition=~Q(stance="object") | ~Q(text="")
            ),
        ]

    @property
    def unit(self) -> str:
        return str(self.department or self.of_township)

    @property
    def is_open(self) -> bool:
        """Say whether it is an objection that nobody has answered."""
        return self.stance == Stance.OBJECT and not self.answer


class ReviewComment(CountyOwned):
    """A remark of a unit that was asked on one line of the draft.

    Nothing that was said is changed: another wording replaces the one before, and one without
    words withdraws it.
    """

    uid = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    opinion = TenantForeignKey(ReviewOpinion, models.CASCADE, related_name="comments")
    matter = TenantForeignKey(Matter, models.PROTECT, related_name="+", verbose_name=_("matter"))
    replaces = TenantForeignKey("self", models.CASCADE, null=True, related_name="+", db_index=False)
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("comment on a line")
        verbose_name_plural = _("comments on lines")
        constraints = [
            county_target("review_comment"),
            models.UniqueConstraint(fields=["uid", "county"], name="review_comment_uid"),
            models.UniqueConstraint(
                fields=["county", "replaces"], name="review_comment_replaced_once"
            ),
            models.CheckConstraint(
                name="review_comment_says", condition=~Q(text="") | Q(replaces__isnull=False)
            ),
        ]


# A unit speaks under its own opinion alone. The function sees what its caller sees: row security
# shows a department or a township no opinion but its own.
OWN_COMMENTS_SQL: dict[str, str] = {
    "forward": """
create function review_comment_is_own() returns trigger language plpgsql as $$
    begin
        if not exists (select from mandates_reviewopinion o
                        where o.county_id = new.county_id and o.id = new.opinion_id) then
            raise exception 'a unit comments under its own opinion'
                using errcode = 'insufficient_privilege';
        end if;
        if new.replaces_id is not null and not exists (
            select from mandates_reviewcomment c where c.county_id = new.county_id
               and c.id = new.replaces_id and c.opinion_id = new.opinion_id) then
            raise exception 'a comment replaces one under the same opinion'
                using errcode = 'insufficient_privilege';
        end if;
        return new;
    end $$;
create trigger own before insert on mandates_reviewcomment for each row
    execute function review_comment_is_own();
""",
    "back": "drop trigger own on mandates_reviewcomment; drop function review_comment_is_own();",
}
