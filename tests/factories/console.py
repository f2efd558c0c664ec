"""What tests of the console share: signing in, addresses, forms, and looks at what was written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.test import Client
from django.urls import reverse

from common import tenancy
from common.models import AuditEntry
from common.worktime import SHANGHAI
from mandates.models import Entry, ListVersion
from mandates.operations import lists
from mandates.queries.draft_lines import whole_mark
from tests.factories.mandates import Ground
from tests.factories.townships import PostFactory
from townships.roles import Role

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)


def drafted(ground: Ground) -> ListVersion:
    with tenancy.dispatching(reason="tests open a draft"):
        return lists.open_draft(ground.version.duty_list, reason="修订", by=None, at=NOW)


class Officer(Client):
    """Somebody at the console, who says why with every change unless a test says otherwise."""

    def post(self, path: str, data: Any = None, *args: Any, **extra: Any) -> Any:
        if data is None or isinstance(data, dict):
            data = {"reason": "试验", **(data or {})}
        return super().post(path, data, *args, **extra)


def signed_in(role: Role, **fields: Any) -> Client:
    client = Officer()
    client.force_login(PostFactory(role=role, **fields).user)
    return client


def page(model: str, what: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:mandates_{model}_{what}", args=args)


def all_of(model: Any, **wanted: Any) -> list[Any]:
    with tenancy.everywhere(reason="tests look at what was written"):
        return list(model.objects.filter(**wanted).order_by("pk"))


def trail(action: str) -> list[AuditEntry]:
    with tenancy.everywhere(reason="tests look at the trail"):
        return list(AuditEntry.objects.filter(action=action).order_by("pk"))


def code_of(entry_code: str, version: ListVersion) -> Entry:
    return all_of(Entry, version=version, matter__code=entry_code)[0]


def fields_of(entry: Entry, **changes: Any) -> dict[str, Any]:
    """Return the form of an entry as the page sends it, without rows below it."""
    names = (
        "position category name lead_id platform_id urgency department_duty township_duty "
        "legal_basis evidence evidence_files contact source_note share department_role "
        "township_role village_role village_duty discretion"
    )
    found = {name.removesuffix("_id"): getattr(entry, name) for name in names.split()}
    counts = {
        f"{prefix}-{name}": 0
        for prefix in ("assists", "limits", "steps")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    with tenancy.everywhere(reason="a test reads"):
        seen = whole_mark(Entry.objects.get(pk=entry.pk))
    return {**found, **counts, "seen": seen, **changes}
