"""人员与岗位: who signs in, and in which post they act."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import sealed
from common.networks import are_networks, is_in
from common.sealed import SealedField
from common.tenancy import Global
from townships.models.areas import City, County, Division, Township
from townships.models.departments import Department
from townships.models.validity import (
    PERIOD,
    Dated,
    DatedQuerySet,
    ends_after_begin,
    never_twice,
)
from townships.roles import BUSINESS, DUTY_CLASS, UNIT_OF, Role


class UserManager(BaseUserManager["User"]):
    """Makes users. There is no superuser: three administrators share that power."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create somebody who can sign in; without a password only once one is set."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class TypeSize(models.TextChoices):
    """字号."""

    STANDARD = "standard", _("Standard")
    LARGE = "large", _("Large")
    XLARGE = "xlarge", _("Extra large")


class User(Global, AbstractBaseUser, PermissionsMixin):
    """用户: a person, or a system that calls the API. What they may do follows from the post."""

    GLOBAL_REASON = "who signs in is not known before it is read; a person may serve two units"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("user name"),
        max_length=60,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("This user name is taken.")},
    )
    name = models.CharField(_("name of the person"), max_length=60)
    email = models.EmailField(_("e-mail"), blank=True)
    work_phone = SealedField(_("work phone"), longest=30, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default="zh-hans"
    )
    type_size = models.CharField(
        _("type size"), max_length=10, choices=TypeSize.choices, default=TypeSize.STANDARD
    )
    shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True, db_default=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_machine = models.BooleanField(_("is a system"), default=False)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    password_changed_at = models.DateTimeField(_("password changed at"), null=True, blank=True)
    # Hashes of the passwords before, the latest first.
    previous_passwords = ArrayField(
        models.CharField(max_length=128), default=list, db_default=[], editable=False
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_any_case"),
            models.CheckConstraint(
                name="user_username_nfkc",
                condition=Q(
                    username=models.Func(
                        F("username"),
                        template="normalize(%(expressions)s, NFKC)",
                        output_field=models.CharField(),
                    )
                ),
            ),
            models.CheckConstraint(name="user_no_superuser", condition=Q(is_superuser=False)),
            models.CheckConstraint(
                name="user_type_size", condition=Q(type_size__in=TypeSize.values)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def set_password(self, raw_password: str | None) -> None:
        """Hash a new password, and keep the hash of the one before: save both."""
        if self.password and self.has_usable_password():
            kept = [self.password, *self.previous_passwords]
            self.previous_passwords = kept[: max(0, settings.PASSWORD_HISTORY - 1)]
        super().set_password(raw_password)

    def clean(self) -> None:
        super().clean()
        self.name = self.name.strip()


sealed.register(User, "work_phone")


def unit_of_role() -> Q:
    """Each role with its own kind of unit filled, and no other."""
    units = ("township", "department", "county", "city")
    allowed = Q()
    for kind in units:
        roles = [role.value for role, unit in UNIT_OF.items() if unit == kind]
        allowed |= Q(role__in=roles, **{f"{unit}__isnull": unit != kind for unit in units})
    return allowed


def unit_facts(path: str) -> dict[str, Any]:
    """Annotate the name and the county of the unit of a post found along ``path``.

    For where every millisecond counts: planning a join of all kinds of units takes PostgreSQL
    longer than the whole query, sub-queries it plans one by one.
    """

    def fact(unit: str, model: type[models.Model], column: str) -> Subquery:
        found = model._default_manager.filter(pk=OuterRef(f"{path}__{unit}"))
        return Subquery(found.values(column))

    return {
        "unit_name": Coalesce(
            fact("township", Division, "name"),
            fact("department", Department, "name"),
            fact("county", Division, "name"),
            fact("city", Division, "name"),
        ),
        "unit_county": Coalesce(
            fact("township", Township, "county"), fact("department", Department, "county")
        ),
    }


class PostQuerySet(DatedQuerySet):
    """Posts, with what a request needs to know of their units."""

    def of(self, user: User | int, *, day: date) -> Self:
        """Narrow to the posts this person, or who has this key, holds on this day, the oldest first."""
        return self.as_of(day).filter(user=user).order_by("valid_from", "pk")

    def with_units(self) -> Self:
        """Fetch the units in the same query."""
        return self.select_related("township__county", "department__county", "county", "city")


class Post(Global, Dated):
    """岗位: a person in a role in one unit, for a time. Everything done records the post."""

    GLOBAL_REASON = "read to find out which scope a request may open"

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="posts", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    township = models.ForeignKey(
        Township,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        verbose_name=_("township"),
    )
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        verbose_name=_("department"),
    )
    county = models.ForeignKey(
        County,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        verbose_name=_("county"),
    )
    city = models.ForeignKey(
        City,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        verbose_name=_("city"),
    )
    title = models.CharField(_("title"), max_length=60, blank=True)
    # What its term rests on, where the role needs a second person: see `PostGrant`.
    grant = models.OneToOneField(
        "townships.PostGrant",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="granted",
        verbose_name=_("grant of a post"),
    )
    duty_class = models.GeneratedField(
        expression=Case(
            *(When(role=role, then=Value(number)) for role, number in DUTY_CLASS.items()),
            default=Value(BUSINESS),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    objects: ClassVar[PostQuerySet] = PostQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        constraints = [
            ends_after_begin("post_period"),
            models.CheckConstraint(
                name="post_unit_of_role",
                condition=unit_of_role(),
                violation_error_message=_("This role needs exactly one unit of its own kind."),
            ),
            never_twice(
                "post_once",
                "user",
                "role",
                Coalesce("township", "department", "county", "city"),
            ),
            # 三员分立: one person is never of two classes on the same day.
            ExclusionConstraint(
                name="post_duties_apart",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("duty_class", RangeOperators.NOT_EQUAL),
                    (PERIOD, RangeOperators.OVERLAPS),
                ],
                violation_error_message=_(
                    "The system, security and audit administrators hold no other post at the "
                    "same time."
                ),
            ),
        ]

    # Set where the unit itself was not fetched: see `unit_facts`.
    unit_name: str = ""
    unit_county: int | None = None

    def __str__(self) -> str:
        return f"{self.unit_name or self.unit} {self.title or self.get_role_display()}"

    def validate_constraints(self, exclude: Any = None) -> None:
        """Say in a form what the database would refuse, also of columns the form leaves out."""
        if self.user_id is not None and self.valid_from is not None:
            super().validate_constraints()

    @property
    def unit(self) -> Division | Department:
        """The one unit this post stands in."""
        unit: Division | Department = getattr(self, UNIT_OF[Role(self.role)])
        return unit


class SystemAccount(Global):
    """系统账号: another system that calls the API, with the post it acts in."""

    GLOBAL_REASON = "read to find out which scope a request may open"

    application = models.OneToOneField(
        "oauth2_provider.Application",
        models.PROTECT,
        related_name="system_account",
        verbose_name=_("OAuth application"),
    )
    user = models.OneToOneField(
        User, models.PROTECT, related_name="system_account", verbose_name=_("user")
    )
    post = models.ForeignKey(
        Post, models.PROTECT, related_name="system_accounts", verbose_name=_("post")
    )
    source_system = models.CharField(_("source system"), max_length=60, unique=True)
    allowed_scopes = models.TextField(_("allowed scopes"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    # While a system changes from one secret to the next both hold; the next is the application's.
    previous_secret = models.CharField(
        _("previous secret"), max_length=255, blank=True, db_default="", editable=False
    )
    previous_secret_ends_at = models.DateTimeField(
        _("previous secret ends at"), null=True, blank=True, editable=False
    )
    # Whose answer may have been lost: the key that the system sent with its last change, hashed.
    secret_key_hash = models.CharField(max_length=64, blank=True, db_default="", editable=False)
    allowed_addresses = models.TextField(
        _("allowed addresses"),
        blank=True,
        db_default="",
        help_text=_("One address or network a line, such as 10.20.0.0/16; empty: any address."),
    )

    class Meta:
        verbose_name = _("system account")
        verbose_name_plural = _("system accounts")
        constraints = [
            models.CheckConstraint(
                name="system_previous_secret_ends",
                condition=Q(previous_secret="") ^ Q(previous_secret_ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="system_allowed_addresses",
                condition=are_networks("allowed_addresses"),
            ),
        ]

    def __str__(self) -> str:
        return self.source_system

    def admits(self, address: str) -> bool:
        """Say whether the system may call from an address; without a list, from any."""
        return not self.allowed_addresses or is_in(address, self.allowed_addresses)
