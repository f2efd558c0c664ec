"""What must be true of an installation; `manage.py check --deploy` says what is not.

Those that ask the database run with `--deploy --database default`, and are silent while it is away:
whether it answers is a question of `/readyz`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.utils import timezone

from common import anchors, ciphers, hashing, rotation, scanning
from common.models import CalendarYear

SHORTEST_KEY = 50
NEXT_YEAR_IS_DUE = 12  # the month from which the next year should have been published


@register(deploy=True)
def environment(**_options: Any) -> list[Any]:
    return list(_of_environment())


def _of_environment() -> Iterator[Any]:
    if len(settings.SECRET_KEY) < SHORTEST_KEY or len(set(settings.SECRET_KEY)) < 5:
        yield Warning(
            f"SECRET_KEY is shorter than {SHORTEST_KEY} characters.",
            hint='Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="huying.W001",
        )
    if settings.TIME_ZONE != "Asia/Shanghai" or not settings.USE_TZ:
        yield Error(
            "TIME_ZONE is not Asia/Shanghai: the arithmetic of working time is.", id="huying.E002"
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning("ALLOWED_HOSTS lets every name in.", id="huying.W003")
    if not settings.INSTALLATION_NAME.strip():
        yield Warning(
            "INSTALLATION_NAME is empty: no page says who runs this installation.",
            id="huying.W004",
        )
    if any(origin.startswith("http://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        yield Warning("CSRF_TRUSTED_ORIGINS names an origin without TLS.", id="huying.W005")
    if not ciphers.are_own():
        yield Warning(
            "PERSONAL_KEYS is empty: personal data are encrypted under what follows from SECRET_KEY.",
            hint="Make one with: manage.py rotate_keys --new NAME",
            id="huying.W007",
        )
    try:
        sealed = ciphers.encrypt("check", of="check")
        if ciphers.decrypt(sealed, of="check") != "check":
            raise ImproperlyConfigured("PERSONAL_CIPHER does not give back what it was given")
    except (ImproperlyConfigured, UnsupportedAlgorithm) as error:
        yield Error(str(error), id="huying.E017")
    if scanning.is_on() and (wrong := scanning.fault()):
        yield Error(wrong, hint="Every file handed in would be refused.", id="huying.E022")
    if settings.CLAMD_WHEN_AWAY not in ("refuse", "later"):
        yield Error("CLAMD_WHEN_AWAY is neither refuse nor later.", id="huying.E023")
    if settings.DATABASE_OWNER_URL:
        yield Warning(
            "This process knows DATABASE_OWNER_URL, which belongs to migrate alone.",
            id="huying.W006",
        )


@register()
def evidence(**_options: Any) -> list[Any]:
    """Without these no step could be written, or no anchor believed: asked at every start."""
    return list(_of_evidence())


def _of_evidence() -> Iterator[Any]:
    name = settings.CHAIN_ALGORITHM
    if name not in hashing.ALGORITHMS:
        known = ", ".join(hashing.ALGORITHMS)
        yield Error(f"CHAIN_ALGORITHM is {name}; it must be one of {known}.", id="huying.E007")
    elif not hashing.is_available(name):
        yield Error(
            f"The OpenSSL of this Python has no {name}.",
            hint="Take a Python built with an OpenSSL that has it, or set CHAIN_ALGORITHM=sha256.",
            id="huying.E008",
        )
    names = [one.partition(":")[0].strip() for one in settings.ANCHOR_KEYS]
    secrets = [one.partition(":")[2].strip() for one in settings.ANCHOR_KEYS]
    if len(set(names)) < len(names) or any(not 0 < len(one) <= 40 for one in names):
        yield Error(
            "ANCHOR_KEYS: each is name:key, with a name of its own of at most 40 characters.",
            id="huying.E009",
        )
    elif any(len(one) < anchors.SHORTEST_KEY for one in secrets):
        yield Error(
            f"ANCHOR_KEYS holds a key of less than {anchors.SHORTEST_KEY} characters.",
            hint='Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="huying.E020",
        )


@register(Tags.database, deploy=True)
def database(databases: Collection[str] | None = None, **_options: Any) -> list[Any]:
    if not databases:  # Django asks without a name too, and wants no question put to it then
        return []
    try:
        return [
            *_of_role(),
            *_of_walls(),
            *_of_administrators(),
            *_of_calendar(),
            *_of_personal_data(),
        ]
    except DatabaseError:
        connection.close()
        return []


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _of_role() -> Iterator[Any]:
    ((name, is_super, bypasses, inherits, owns),) = _rows(
        "SELECT rolname, rolsuper, rolbypassrls,"
        " EXISTS (SELECT FROM pg_roles s WHERE s.rolname = ANY (ARRAY['huying_township',"
        "  'huying_department', 'huying_county', 'huying_all', 'huying_dispatch'])"
        "  AND pg_has_role(session_user, s.oid, 'USAGE')),"
        " (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        "  WHERE n.nspname = 'public' AND c.relowner = r.oid)"
        " FROM pg_roles r WHERE rolname = session_user"
    )
    hint = "Let DATABASE_URL name huying_app as config/sql/roles.sql makes it."
    if is_super or bypasses:
        yield Error(
            f"{name} passes row-level security: no wall holds.", hint=hint, id="huying.E010"
        )
    if owns:
        yield Error(f"{name} owns {owns} tables and indexes.", hint=hint, id="huying.E011")
    if inherits:
        yield Error(f"{name} inherits what the roles of scopes may.", hint=hint, id="huying.E012")
    ((encoding, commit),) = _rows(
        "SELECT pg_encoding_to_char(encoding), current_setting('synchronous_commit')"
        " FROM pg_database WHERE datname = current_database()"
    )
    if encoding != "UTF8":
        yield Error(f"The database is in {encoding}, not in UTF8.", id="huying.E013")
    if commit == "off":
        yield Warning(
            "synchronous_commit is off: what was accepted may be lost with the power.",
            id="huying.W014",
        )


def _of_walls() -> Iterator[Any]:
    for (table,) in _rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'township_id'"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
        # The directory of posts, and how they were given, is everybody's.
        " AND c.relname NOT IN ('townships_post', 'townships_postgrant')"
        " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
    ):
        yield Error(f"{table} stands without its wall: row security is off.", id="huying.E015")


def _of_administrators() -> Iterator[Any]:
    """Three administrators share what a superuser could do alone; two of them give posts."""
    ((many,),) = _rows("SELECT count(*) FROM townships_user WHERE is_superuser")
    if many:
        yield Error(
            f"{many} accounts are superusers: one person would be all three administrators.",
            hint="UPDATE townships_user SET is_superuser = false, and find out who made them.",
            id="huying.E018",
        )
    if not _rows("SELECT FROM pg_constraint WHERE conname = 'user_no_superuser' AND convalidated"):
        yield Error(
            "The constraint user_no_superuser is gone: nothing forbids a superuser.",
            hint="ALTER TABLE townships_user ADD CONSTRAINT user_no_superuser CHECK (NOT is_superuser)",
            id="huying.E019",
        )


def _of_calendar() -> Iterator[Any]:
    today = timezone.localdate(_database_time(), ZoneInfo("Asia/Shanghai"))
    published = set(CalendarYear.objects.filter(published=True).values_list("year", flat=True))
    wanted = [today.year] + [today.year + 1] * (today.month >= NEXT_YEAR_IS_DUE)
    for year in wanted:
        if year not in published:
            yield Warning(
                f"The work calendar of {year} is not loaded: dates in it are provisional.",
                hint="manage.py load_calendar",
                id="huying.W016",
            )


def _of_personal_data() -> Iterator[Any]:
    if found := rotation.count_clear():
        yield Warning(
            f"{found} values of persons are still in clear, as the release before kept them.",
            hint="manage.py rotate_keys",
            id="huying.W018",
        )


def _database_time() -> Any:
    return _rows("SELECT clock_timestamp()")[0][0]
