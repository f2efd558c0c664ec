"""岗位授予: posts of roles that matter are proposed by one security administrator, confirmed by another.

The rules stand in the database too: constraints here, triggers in the migration (`SECOND_PERSON`).
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global
from townships.models.areas import City, County, Township
from townships.models.departments import Department
from townships.models.people import Post, User, unit_of_role
from townships.models.validity import Dated, ends_after_begin
from townships.roles import GUARDED, UNIT_OF, Role

UNITS = ("township", "department", "county", "city")


class GuardedRole(Global):
    """A role whose posts need a second person. Added by one; the application takes none off again."""

    GLOBAL_REASON = "a rule of the whole installation"

    role = models.CharField(_("role"), max_length=30, unique=True, choices=Role.choices)
    since = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("role that needs a second person")
        verbose_name_plural = _("roles that need a second person")
        constraints = [
            models.CheckConstraint(name="guarded_role_known", condition=Q(role__in=Role.values))
        ]

    def __str__(self) -> str:
        return str(self.get_role_display())

    @classmethod
    def guards(cls, role: str) -> bool:
        """Say whether a post of this role needs a second person; the three administrators always."""
        return role in GUARDED or cls.objects.filter(role=role).exists()


class GrantKind(models.TextChoices):
    """What is granted."""

    GIVE = "give", _("Post given")
    TERM = "term", _("Term of a post changed, or post ended")
    FOUNDING = "founding", _("Given by command")


class GrantDecision(models.TextChoices):
    """What became of a proposal."""

    CONFIRMED = "confirmed", _("Confirmed")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class PostGrantQuerySet(models.QuerySet["PostGrant"]):
    def waiting(self, at: datetime) -> Self:
        """Narrow to proposals that may still be decided."""
        return self.filter(proposed_by__isnull=False, decision="", expires_at__gt=at)


class PostGrant(Global, Dated):
    """A post as it is to be: proposed, decided once by somebody else, and never changed after.

    ``valid_from`` and ``valid_to`` are those the post gets. A *founding* grant has nobody behind it: a
    command on the server made it, while there were no administrators to ask. PostgreSQL lets the role
    of commands alone write one.
    """

    GLOBAL_REASON = "read to find out which scope a request may open, as the post it stands behind"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=GrantKind.choices)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    township = models.ForeignKey(
        Township, models.PROTECT, null=True, related_name="+", verbose_name=_("township")
    )
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, related_name="+", verbose_name=_("department")
    )
    county = models.ForeignKey(
        County, models.PROTECT, null=True, related_name="+", verbose_name=_("county")
    )
    city = models.ForeignKey(
        City, models.PROTECT, null=True, related_name="+", verbose_name=_("city")
    )
    title = models.CharField(_("title"), max_length=60, blank=True)
    # Of the post when its term was proposed to change: one edited since is left alone.
    title_before = models.CharField(max_length=60, blank=True, db_default="", editable=False)
    # The post whose term changes; a new post names its grant itself.
    post = models.ForeignKey(
        Post, models.PROTECT, null=True, related_name="term_grants", verbose_name=_("post")
    )
    reason = models.CharField(_("reason"), max_length=300)
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    decision = models.CharField(
        _("decision"), max_length=10, choices=GrantDecision.choices, blank=True
    )
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    answer = models.CharField(_("reason of the decision"), max_length=300, blank=True)

    objects: ClassVar[PostGrantQuerySet] = PostGrantQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("grant of a post")
        verbose_name_plural = _("grants of posts")
        constraints = [
            ends_after_begin("grant_period"),
            models.CheckConstraint(name="grant_unit_of_role", condition=unit_of_role()),
            models.CheckConstraint(name="grant_kind", condition=Q(kind__in=GrantKind.values)),
            models.CheckConstraint(
                name="grant_of_a_post",
                condition=Q(kind="term", post__isnull=False) | (~Q(kind="term") & Q(post=None)),
            ),
            models.CheckConstraint(
                name="grant_founding",
                condition=Q(kind="founding", proposed_by=None, expires_at=None, decision="")
                | (
                    ~Q(kind="founding")
                    & Q(proposed_by__isnull=False, expires_at__gt=F("proposed_at"))
                ),
            ),
            models.CheckConstraint(
                name="grant_decided_whole",
                condition=Q(decision="", decided_by=None, decided_at=None, answer="")
                | Q(
                    decision__in=GrantDecision.values,
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="grant_refused_for_a_reason",
                condition=~Q(decision="refused") | ~Q(answer=""),
            ),
            models.CheckConstraint(
                name="grant_confirmed_in_time",
                condition=~Q(decision="confirmed") | Q(decided_at__lt=F("expires_at")),
            ),
            # Nobody proposes for themselves; who confirms or refuses is neither of the two.
            models.CheckConstraint(
                name="grant_not_to_oneself",
                condition=Q(proposed_by=None) | ~Q(proposed_by=F("user")),
            ),
            models.CheckConstraint(
                name="grant_four_eyes",
                condition=Q(decision="")
                | Q(decision="withdrawn", decided_by=F("proposed_by"))
                | (
                    Q(decision__in=("confirmed", "refused"))
                    & ~Q(decided_by=F("proposed_by"))
                    & ~Q(decided_by=F("user"))
                ),
            ),
        ]
        indexes = [models.Index(fields=["decision", "expires_at"], name="grant_waiting")]

    def __str__(self) -> str:
        return f"{self.user} · {self.unit} {self.title or self.get_role_display()}"

    @property
    def unit(self) -> Any:
        """The one unit of the post."""
        return getattr(self, UNIT_OF[Role(self.role)])

    def state(self, *, at: datetime) -> str:
        """Return where it stands: founding, confirmed, refused, withdrawn, expired or waiting."""
        if self.kind == GrantKind.FOUNDING:
            return "founding"
        if self.decision:
            return self.decision
        return "waiting" if self.expires_at is None or at < self.expires_at else "expired"

    @classmethod
    def of(
        cls, given: Post, *, valid_from: date, valid_to: date | None, **fields: Any
    ) -> PostGrant:
        """Make the grant of a post with this term; it is not saved."""
        units = {f"{unit}_id": getattr(given, f"{unit}_id") for unit in UNITS}
        return cls(
            user_id=given.user_id, role=given.role, title=given.title, **units,
            valid_from=valid_from, valid_to=valid_to, **fields,
        )  # fmt: skip


SECOND_PERSON = """
insert into townships_guardedrole (role, since)
    select unnest(array['system_administrator', 'security_administrator', 'audit_administrator',
                        'county_desk', 'county_leader', 'establishment_officer']), now();
revoke update, delete on townships_guardedrole from huying_app, huying_township, huying_department,
    huying_county, huying_all, huying_dispatch;

create function is_security_administrator(who bigint, at timestamptz) returns boolean
    language sql stable as $$
    select exists (select from townships_post p where p.user_id = who
        and p.role = 'security_administrator'
        and p.valid_from <= (at at time zone 'Asia/Shanghai')::date
        and (p.valid_to is null or p.valid_to > (at at time zone 'Asia/Shanghai')::date)) $$;

create function guard_grants() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'grants of posts stay' using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'INSERT' then
        if new.decision <> '' then
            raise exception 'a grant is proposed before it is decided'
                using errcode = 'check_violation', constraint = 'grant_two_steps';
        end if;
        if new.kind = 'founding' then
            if current_user in ('huying_app', 'huying_township', 'huying_department', 'huying_county',
                                'huying_all') then
                raise exception 'only a command founds' using errcode = 'insufficient_privilege';
            end if;
        elsif not is_security_administrator(new.proposed_by_id, new.proposed_at) then
            raise exception 'who proposes is no security administrator'
                using errcode = 'check_violation', constraint = 'grant_by_security';
        end if;
        return new;
    end if;
    if old.decision <> '' or old.kind = 'founding'
        or (to_jsonb(new) - '{decision,decided_by_id,decided_at,answer}'::text[])
           <> (to_jsonb(old) - '{decision,decided_by_id,decided_at,answer}'::text[]) then
        raise exception 'a grant is decided once, and nothing else of it changes'
            using errcode = 'check_violation', constraint = 'grant_stays';
    end if;
    if not is_security_administrator(new.decided_by_id, new.decided_at) then
        raise exception 'who decides is no security administrator'
            using errcode = 'check_violation', constraint = 'grant_by_security';
    end if;
    return new;
end $$;
create trigger guard_grants before insert or update or delete on townships_postgrant
    for each row execute function guard_grants();
alter table townships_postgrant enable always trigger guard_grants;

create function guard_posts() returns trigger language plpgsql as $$
declare
    of_old text := case when tg_op = 'INSERT' then '' else old.role end;
    of_new text := case when tg_op = 'DELETE' then '' else new.role end;
    given townships_postgrant;
begin
    if not exists (select from townships_guardedrole where role in (of_old, of_new)) then
        return null;
    end if;
    if tg_op = 'DELETE' then
        raise exception 'a post that needed a second person stays' using
            errcode = 'check_violation', constraint = 'post_second_person';
    end if;
    if tg_op = 'UPDATE' and (to_jsonb(new) - 'title') = (to_jsonb(old) - 'title') then
        return null;
    end if;
    select * into given from townships_postgrant where id = new.grant_id;
    if found
        and (given.user_id, given.role, given.valid_from) = (new.user_id, new.role, new.valid_from)
        and given.valid_to is not distinct from new.valid_to
        and given.township_id is not distinct from new.township_id
        and given.department_id is not distinct from new.department_id
        and given.county_id is not distinct from new.county_id
        and given.city_id is not distinct from new.city_id
        and (given.kind = 'founding' or given.decision = 'confirmed')
        and ((tg_op = 'INSERT' and given.kind in ('give', 'founding'))
            or (tg_op = 'UPDATE' and given.kind = 'term' and given.post_id = new.id
                and given.id > coalesce(old.grant_id, 0)))
    then
        return null;
    end if;
    raise exception 'this post needs the confirmation of a second person' using
        errcode = 'check_violation', constraint = 'post_second_person';
end $$;
create trigger guard_posts after insert or update or delete on townships_post
    for each row execute function guard_posts();
alter table townships_post enable always trigger guard_posts;
"""
SECOND_PERSON_BACK = """
drop trigger guard_posts on townships_post;
drop function guard_posts();
drop trigger guard_grants on townships_postgrant;
drop function guard_grants();
drop function is_security_administrator(bigint, timestamptz);
"""
