"""收回期间: in which days the superior department did a matter itself, once the county has it again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.lists import Matter


class ReturnedMatter(CountyOwned):
    """A time in which a matter was taken back, and that is over. Never changed.

    From ``begins`` to before ``ends``: whatever is asked of these days is answered as it was then. The
    time that still runs stands on the matter itself (`Matter.taken_back_from`), and PostgreSQL lets
    nobody end it without such a row. One that was given back before it began has no day.
    """

    matter = TenantForeignKey(Matter, models.PROTECT, related_name="returns")
    begins = models.DateField()
    ends = models.DateField()
    document_no = models.CharField(max_length=100)
    reason = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("matter given back")
        verbose_name_plural = _("matters given back")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="returned_matter_days", condition=Q(ends__gte=F("begins"))),
            models.CheckConstraint(
                name="returned_matter_said", condition=~Q(document_no="") & ~Q(reason="")
            ),
            ExclusionConstraint(
                name="returned_matter_once_a_day",
                expressions=[
                    ("county", RangeOperators.EQUAL),
                    ("matter", RangeOperators.EQUAL),
                    (
                        Func(
                            F("begins"),
                            F("ends"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matter_id} {self.begins}–{self.ends}"


# A time that runs ends with a row of it, written in the same transaction: whoever only clears the
# column, or moves its day, would change what was answered of days that are over. Known by a setting of
# the transaction and not by its rows' numbers, which differ below a savepoint; and by no clock.
GIVEN_BACK_SQL: dict[str, Any] = {
    "forward": """
create function returned_matter_told() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
    begin
        perform set_config('huying.given_back', new.matter_id || ' ' || new.begins, true);
        return null;
    end $$;
create trigger told after insert on mandates_returnedmatter
    for each row execute function returned_matter_told();
create function matter_given_back() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
    begin
        if coalesce(current_setting('huying.given_back', true), '')
                <> old.id || ' ' || old.taken_back_from
            or not exists (select from mandates_returnedmatter r
                           where r.county_id = old.county_id and r.matter_id = old.id
                             and r.begins = old.taken_back_from
                             and r.document_no = old.taken_back_by) then
            raise exception 'matter % was taken back: the days go into mandates_returnedmatter first',
                old.id using errcode = 'check_violation';
        end if;
        perform set_config('huying.given_back', '', true);
        return new;
    end $$;
create trigger given_back before update of taken_back_from, taken_back_by on mandates_matter
    for each row when (old.taken_back_from is not null and (
        old.taken_back_from is distinct from new.taken_back_from
        or old.taken_back_by is distinct from new.taken_back_by))
    execute function matter_given_back();
alter table mandates_matter enable always trigger given_back;
""",
    "back": """
drop trigger given_back on mandates_matter; drop function matter_given_back();
drop trigger told on mandates_returnedmatter; drop function returned_matter_told();
""",
}
