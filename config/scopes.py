"""In whose reach every route works: without an answer to that, the site does not start.

A page that asks for signing in works inside the scope of the post in use, which the middleware opens
(`townships/middleware.py`); a view of the API names the scopes of tokens that its methods need. Whatever is
neither is named here with the reason, and only as long as it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from common.tenancy import Owned
from townships.http import IsMember

METHODS = ("get", "post", "put", "patch", "delete")
READING = ("get", "head")  # a set of views answers head as get, once it has been asked
ACCOUNT = "signing in and out, and one's own account: rows of no tenant"
NOT_HERE = "says to everybody that there is no such page"
PUBLISHED = "opens a scope of its own for what a county has published"

# Routes outside every scope, by name.
OUTSIDE: dict[str, str] = {
    "livez": "says that the process runs",
    "readyz": "says whether the database answers and is as it should be",
    "api-schema": "the description of the API",
    "api-docs": "pages that show the description of the API",
    "api-token": "a system proves itself with its secret, and gets a token",
    "api:nothing": "answers 404 to everybody",
    "townships:join": "whoever has an invitation has no password yet",
    "townships:language": "the language of the browser, or of one's own account",
    "townships:type-size": "the size of the type in the browser, or of one's own account",
    "sso_start": "to the provider of single sign-on; rows of no tenant",
    "sso_callback": "back from the provider of single sign-on; rows of no tenant",
    "mandates:accountability-verify": "opens a scope of its own to compare a code with what was issued",
    **dict.fromkeys(
        (
            "mandates:public-list",
            "mandates:public-json",
            "mandates:public-version",
            "mandates:public-version-json",
            "mandates:public-flow",
        ),
        PUBLISHED,
    ),
    **dict.fromkeys(
        (
            "account_login",
            "account_logout",
            "account_inactive",
            "mfa_authenticate",
            # Behind the library's own question for the password, once more.
            "mfa_activate_totp",
            "mfa_add_webauthn",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
            "mfa_generate_recovery_codes",
        ),
        ACCOUNT,
    ),
    **dict.fromkeys(
        (
            "account_signup",
            "account_email",
            "account_email_verification_sent",
            "account_confirm_login_code",
            "account_set_password",
            "account_reset_password",
            "account_reset_password_done",
            "account_reset_password_from_key_done",
        ),
        NOT_HERE,
    ),
}


def walked(
    patterns: list[Any] | None = None, spaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Return name and view of every route; the console's are asked by its own site."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(one, URLResolver):
            if one.app_name != "admin":
                inner = (*spaces, one.namespace) if one.namespace else spaces
                yield from walked(one.url_patterns, inner)
        elif isinstance(one, URLPattern):
            yield ":".join((*spaces, one.name or str(one.pattern))), one.callback


def lacking(view: Callable[..., Any]) -> str:
    """Say what keeps a view from working inside a scope; "" where nothing does."""
    kind: Any = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if isinstance(kind, type) and issubclass(kind, APIView):
        return _lacking_in_api(kind, getattr(view, "actions", None))
    # The mark of Django's login_required, which a class hands on from its dispatch.
    return "" if hasattr(view, "login_url") else "asks for no signing in"


def _lacking_in_api(kind: type[APIView], actions: dict[str, str] | None) -> str:
    asked: Any = kind.permission_classes
    if not any(issubclass(one, IsMember) for one in asked):
        return "lets in whoever is no member"
    answered = actions or {one: one for one in METHODS if hasattr(kind, one)}
    known: Any = settings.OAUTH2_PROVIDER["SCOPES"]
    for method in answered:
        name = "read_scope" if method in READING else "write_scope"
        if getattr(kind, name, None) not in known:
            return f"names no {name} for {method}"
    queryset = getattr(kind, "queryset", None)
    if queryset is not None and issubclass(queryset.model, Owned):
        return f"keeps a queryset of {queryset.model._meta.label} that no scope has narrowed"
    return ""


def faults() -> Iterator[str]:
    """Say of every route what is wrong with where it works."""
    names = set()
    for name, view in walked():
        names.add(name)
        missing = lacking(view)
        if missing and name not in OUTSIDE:
            yield f"{name}: {missing}, and no reason is given in config.scopes"
        elif not missing and name in OUTSIDE:
            yield f"{name}: works inside a scope: take it out of config.scopes"
    yield from (f"{name}: no such route any more" for name in sorted(OUTSIDE.keys() - names))


@register()
def routes(**_options: Any) -> list[Any]:
    return [Error(fault, id="huying.E026") for fault in faults()]


def refuse() -> None:
    """Raise ImproperlyConfigured where a route works in nobody's reach."""
    if wrong := list(faults()):
        raise ImproperlyConfigured("; ".join(wrong))
