"""诉求人: who asked for a call, encrypted; and who has looked at that, for what reason."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import CharField, F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from common import ciphers, rotation
from common.personal import Kind
from common.tenancy import CountyOwned, TenantForeignKey, TownshipOwned, tenant_target
from mandates.models.calls import Call

INDEXED = (Kind.PHONE, Kind.ID_NUMBER)


def _sealed() -> models.TextField:
    return models.TextField(blank=True, default="", db_default="")


def _index() -> models.CharField:
    return models.CharField(max_length=60, blank=True, default="", db_default="")


class Caller(TownshipOwned):
    """诉求人 of one call: a resident, by name, telephone, identity card and address.

    Every value is a token of `common.ciphers`, bound to its row and column; ``key`` names the key
    they are under. Nothing of it stands in the call, its steps or their hashes, so that disposal
    breaks no chain. Whose row a disposal has emptied stays, and says when and by which record.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call = TenantForeignKey(Call, models.PROTECT, related_name="callers", db_index=False)
    name, phone, id_number, address = _sealed(), _sealed(), _sealed(), _sealed()
    phone_index, id_number_index = _index(), _index()
    key = models.CharField(max_length=20, blank=True)
    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    disposed_at = models.DateTimeField(null=True)
    disposal_uid = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("person who asked")
        verbose_name_plural = _("persons who asked")
        constraints = [
            tenant_target("caller"),
            models.UniqueConstraint(fields=["call", "county"], name="caller_once"),
            models.UniqueConstraint(fields=["uid", "county"], name="caller_uid"),
            models.CheckConstraint(
                name="caller_held_or_disposed",
                condition=(
                    Q(disposed_at=None, disposal_uid=None)
                    & ~Q(key="")
                    & ~Q(name="", phone="", id_number="", address="")
                )
                | Q(
                    disposed_at__isnull=False, disposal_uid__isnull=False, key="", name="",
                    phone="", id_number="", address="", phone_index="", id_number_index="",
                ),
            ),
            *(
                models.CheckConstraint(
                    name=f"caller_{kind}_encrypted",
                    condition=Q(**{str(kind): ""}) | Q(**{f"{kind}__regex": ciphers.SEALED}),
                )
                for kind in Kind
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["county", "phone_index"], name="caller_phone"),
            models.Index(fields=["county", "id_number_index"], name="caller_id_number"),
            models.Index(fields=["key", "id"], name="caller_key"),
        ]

    def __str__(self) -> str:
        return str(self.uid)  # never a name: this stands in logs and in the audit trail

    @property
    def is_disposed(self) -> bool:
        return self.disposed_at is not None

    def _place(self, kind: Kind) -> str:
        return f"mandates.caller.{kind}:{self.uid}"

    def put(self, values: dict[Kind, str]) -> None:
        """Encrypt values under the current key, and index those that are searched for."""
        self.key = ciphers.current().name
        for kind, value in values.items():
            setattr(self, kind, ciphers.encrypt(value, of=self._place(kind)))
            if kind in INDEXED:
                setattr(self, f"{kind}_index", ciphers.index(kind, value))

    def clear(self) -> dict[Kind, str]:
        """Return the values as they are. Raises Unreadable.

        For `operations.callers` alone, which writes down who has asked.
        """
        return {kind: ciphers.decrypt(getattr(self, kind), of=self._place(kind)) for kind in Kind}

    @property
    def kinds(self) -> list[Kind]:
        """Say which values are there."""
        return [kind for kind in Kind if getattr(self, kind)]


def _renew(caller: Caller) -> list[str]:
    caller.put(caller.clear())
    return ["key", *map(str, Kind), *(f"{kind}_index" for kind in INDEXED)]


rotation.register(rotation.Table("mandates.caller", Caller, _renew))


class CallerReveal(TownshipOwned):
    """查看记录: that somebody saw the values of a person, and why; only ever added to."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    caller = TenantForeignKey(Caller, models.PROTECT, related_name="reveals")
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey("townships.Post", models.PROTECT, related_name="+", db_index=False)
    actor = models.CharField(max_length=200)
    reason = models.CharField(_("reason"), max_length=300)
    # A name of those in Kind: what was there to be seen.
    fields: Any = models.JSONField(default=list)
    # "call": on the page of the call; "export": in the file of all that is kept about a person.
    way = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("look at a person's data")
        verbose_name_plural = _("looks at persons' data")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="caller_reveal_uid"),
            models.CheckConstraint(
                name="caller_reveal_why", condition=Q(reason__regex=r"\S.*\S.*\S.*\S")
            ),
            models.CheckConstraint(
                name="caller_reveal_way", condition=Q(way__in=["call", "export"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.at:%Y-%m-%d %H:%M}"


class PersonSearch(CountyOwned):
    """That somebody searched a county for a person, and why; only ever added to.

    ``wanted`` is the blind index of what was searched for, ``masked`` what may be shown of it. It says
    whether a number that somebody names was searched for; the number itself is not kept, so that it
    stays under its key when keys are changed, and nothing but this question needs that key.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10)
    wanted = models.CharField(max_length=60)
    masked = models.CharField(max_length=40)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    actor = models.CharField(max_length=200)
    reason = models.CharField(_("reason"), max_length=300)
    found = models.PositiveIntegerField()
    is_export = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("search for a person")
        verbose_name_plural = _("searches for persons")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="person_search_uid"),
            models.CheckConstraint(
                name="person_search_why", condition=Q(reason__regex=r"\S.*\S.*\S.*\S")
            ),
            models.CheckConstraint(
                name="person_search_kind",
                condition=Q(kind__in=[*(str(kind) for kind in INDEXED), "username"]),
            ),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="person_search_new")]

    def __str__(self) -> str:
        return f"{self.masked} {self.at:%Y-%m-%d %H:%M}"


rotation.stays(
    rotation.Lasting(
        "mandates.personsearch", PersonSearch,
        Func(F("wanted"), Value(":"), Value(1), function="split_part", output_field=CharField()),
        "append-only, and what was searched for is not kept: no new index can be made of the old",
    )
)  # fmt: skip
