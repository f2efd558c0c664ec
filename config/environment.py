"""Every setting that comes from the environment: what it does, and what is in use.

The console's page of the state, `docs/operations/settings.md` and `.env.example` speak of the same
names; a test compares them with what the settings read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Setting:
    """One variable. ``default`` is what holds without it; "" where it must be given, or is off."""

    name: str
    default: str
    what: Any
    secret: bool = False
    is_url: bool = False  # shown without its password


@dataclass(frozen=True)
class InUse:
    """A setting as this process has it."""

    setting: Setting
    value: str
    is_given: bool


SETTINGS = (
    Setting(
        "DJANGO_SETTINGS_MODULE",
        "config.settings.production",
        _("Which set of settings holds: production, or dev, demo, test."),
    ),
    Setting(
        "SECRET_KEY",
        "",
        _("Signs sessions and tokens. Whoever knows it can sign in as anybody."),
        secret=True,
    ),
    Setting(
        "SECRET_KEY_FALLBACKS",
        "",
        _("Earlier keys, whose signatures still hold while the key is changed."),
        secret=True,
    ),
    Setting("ALLOWED_HOSTS", "", _("Names under which browsers reach the system.")),
    Setting("CSRF_TRUSTED_ORIGINS", "", _("The same with their scheme, for forms.")),
    Setting("SECURE_SSL_REDIRECT", "true", _("Plain http is answered with a way to https.")),
    Setting(
        "INSTALLATION_NAME", "", _("Shown in the head of every page: who runs this installation.")
    ),
    Setting(
        "EMAIL_URL",
        "",
        _("The mail server that sends notices; without it none are sent by e-mail."),
        is_url=True,
    ),
    Setting("DEFAULT_FROM_EMAIL", "huying@localhost", _("The sender of e-mails.")),
    Setting("SITE_URL", "", _("The address of this installation, as e-mails name it.")),
    Setting(
        "SMS_URL",
        "",
        _("The gateway that sends text messages; without it none are sent."),
        is_url=True,
    ),
    Setting(
        "PERSONAL_KEYS",
        "",
        _("Keys that encrypt personal data, name:base64 of 32 bytes each, the current one first."),
        secret=True,
    ),
    Setting("PERSONAL_KEYS_FILE", "", _("A file with such keys, one a line.")),
    Setting(
        "PERSONAL_CIPHER",
        "aes-256-gcm",
        _("What encrypts personal data: aes-256-gcm or sm4-gcm. What is there is still read."),
    ),
    Setting("SMS_TOKEN", "", _("The gateway's token, sent as Bearer."), secret=True),
    Setting(
        "SMS_BODY",
        '{"mobile":"{mobile}","content":"{text}","id":"{id}"}',
        _("The JSON that the gateway takes, with {mobile}, {text} and {id} in its strings."),
    ),
    Setting(
        "SMS_SUCCESS",
        "",
        _("What the answer must hold, as field=value; empty: the status alone counts."),
    ),
    Setting("SMS_TIMEOUT", "5", _("For how many seconds the gateway may think.")),
    Setting("SMS_LENGTH", "70", _("Characters of one text message.")),
    Setting("SMS_PER_DAY", "10", _("Text messages that one person may get a day.")),
    Setting("IDLE_TIMEOUT_SECONDS", "1800", _("Signed out after this long without a click.")),
    Setting(
        "SESSIONS_PER_PERSON",
        "5",
        _(
            "Browsers one person may be signed in with at once; the oldest makes room; 0: any number."
        ),
    ),
    Setting(
        "PASSWORD_KINDS",
        "3",
        _("How many of small letters, capitals, digits and other characters a password needs."),
    ),
    Setting(
        "PASSWORD_MAX_AGE_DAYS",
        "90",
        _("After so many days a password has to be changed; 0: never."),
    ),
    Setting(
        "PASSWORD_HISTORY",
        "5",
        _("How many of one's last passwords may not be chosen again; 0: all may."),
    ),
    Setting(
        "ROLE_PROPOSAL_DAYS",
        "7",
        _("For how many days a proposed post may be confirmed; then it has to be proposed again."),
    ),
    Setting(
        "SIGN_IN_TRIES",
        "5",
        _("Wrong tries at one account from one address or known browser, until it rests."),
    ),
    Setting(
        "SIGN_IN_TRIES_FROM_ANYWHERE",
        "20",
        _(
            "Wrong tries at one account from all strange addresses together, until only known browsers may try."
        ),
    ),
    Setting(
        "STEP_UP_MINUTES",
        "15",
        _(
            "For how many minutes a second factor that was shown opens grants, secrets, resets and personal data; then it is asked for once more. 0: it is not asked for again."
        ),
    ),
    Setting(
        "SECOND_FACTOR_TRIES_A_DAY",
        "50",
        _(
            "Wrong codes at one account in 24 hours from browsers not known to it, until only known browsers may try."
        ),
    ),
    Setting(
        "SIGN_IN_LOCK_SECONDS",
        "900",
        _("Over how many seconds wrong tries are counted, and a door rests."),
    ),
    Setting(
        "SIGN_IN_SPRAY_ACCOUNTS",
        "20",
        _(
            "Accounts tried from one address, until it may try no more with browsers that are not known."
        ),
    ),
    Setting(
        "SIGN_IN_SPRAY_ACCOUNTS_ANYWHERE",
        "50",
        _("Accounts tried from anywhere that raise an alarm in trail and log."),
    ),
    Setting(
        "SECOND_FACTOR_ROLES",
        "system_administrator,security_administrator,audit_administrator,county_desk,"
        "county_leader,establishment_officer",
        _(
            "Roles that must have a second factor; without one they reach nothing. Empty: none must."
        ),
    ),
    Setting(
        "OIDC_ISSUER",
        "",
        _("The issuer of single sign-on by OpenID Connect; empty: nobody is offered it."),
    ),
    Setting("OIDC_CLIENT_ID", "", _("What this installation is called there.")),
    Setting("OIDC_CLIENT_SECRET", "", _("Its secret there."), secret=True),
    Setting("OIDC_LABEL", "", _("What the button of the sign-in page says.")),
    Setting(
        "OIDC_SECOND_FACTOR",
        "",
        _("Values of acr or amr that count as a second factor; empty: none, ours is asked for."),
    ),
    Setting(
        "FORCE_PASSWORD_CHANGE", "true", _("A first password must be changed at the first sign-in.")
    ),
    Setting("MEDIA_ROOT", "media", _("Where uploaded files are kept.")),
    Setting(
        "CLAMD",
        "",
        _("A ClamAV that looks at files handed in: tcp://host:3310 or unix:///path; empty: none."),
    ),
    Setting("CLAMD_TIMEOUT", "20", _("For how many seconds it may look at a file.")),
    Setting(
        "CLAMD_WHEN_AWAY",
        "refuse",
        _(
            "While it is away: refuse files, or take them in and look later, before they are fetched."
        ),
    ),
    Setting("STATIC_ROOT", "staticfiles", _("Where style sheets and scripts are collected.")),
    Setting(
        "CLOCK_TOLERANCE_SECONDS",
        "60",
        _("How far the clock of a host may be from the database's before it takes nothing in."),
    ),
    Setting(
        "IDEMPOTENCY_DAYS",
        "30",
        _("For how many days the first answer to an Idempotency-Key is given again."),
    ),
    Setting(
        "CHAIN_ALGORITHM",
        "sha256",
        _("What new hashes of histories are made with: sha256 or sm3."),
    ),
    Setting(
        "ANCHOR_KEYS",
        "",
        _("Keys of anchors as name:key, the newest first; without any, one made from SECRET_KEY."),
        secret=True,
    ),
    Setting("ANCHOR_FOLDER", "", _("Where new anchors are written, to be taken elsewhere.")),
    Setting(
        "SHED_AFTER_SECONDS",
        "2",
        _("A request that has waited so long for a free thread is told to come again; 0: never."),
    ),
    Setting(
        "FAIR_HANDS",
        "0.5",
        _("Threads of a process that one system may hold while others wait; 0: any number."),
    ),
    Setting(
        "REQUEST_READ_SECONDS",
        "10",
        _("After so long a request must arrive at a kilobyte a second, or it is cut off."),
    ),
    Setting(
        "WEBHOOK_INSIDE",
        "",
        _(
            "Networks and hosts inside that webhooks may call, also without https; "
            "empty: only public addresses."
        ),
    ),
    Setting(
        "WEBHOOK_TIMEOUT_SECONDS",
        "15",
        _("How long one delivery to another system may take altogether."),
    ),
    Setting(
        "WEBHOOK_SCHEDULE",
        "5,30,120,600,1800,3600,10800,21600,43200,86400,86400",
        _("Seconds before each further attempt; after the last a delivery is laid aside."),
    ),
    Setting(
        "WEBHOOK_DISABLE_DAYS",
        "5",
        _("After so many days of failures alone a receiver is sent nothing more."),
    ),
    Setting(
        "WEBHOOK_LOG_DAYS", "30", _("For how many days deliveries to other systems are listed.")
    ),
    Setting(
        "DISPATCH_HEARTBEAT", "", _("A file that the dispatch loop touches, for a health check.")
    ),
    Setting(
        "PROMETHEUS_MULTIPROC_DIR",
        "",
        _("Where web processes count their requests; empty: they do not."),
    ),
    Setting("BACKUP_FOLDER", "", _("Where backups lie, so that their age is watched.")),
    Setting(
        "DATABASE_URL",
        "postgres://huying_app@127.0.0.1:5432/huying",
        _("The database, as the application: a role that owns nothing."),
        is_url=True,
    ),
    Setting(
        "DATABASE_OWNER_URL",
        "",
        _("The database as its owner. For migrations only; no other process may have it."),
        is_url=True,
    ),
    Setting(
        "DATABASE_DIRECT_URL",
        "",
        _("The database past pgbouncer, to be told of work."),
        is_url=True,
    ),
    Setting(
        "REDIS_URL",
        "redis://127.0.0.1:6379/0",
        _("The broker: it rings workers and keeps nothing."),
        is_url=True,
    ),
    Setting("API_RATE_SYSTEM", "3000/m", _("Requests that one system may make; empty: no limit.")),
    Setting(
        "API_RATE_PERSON", "600/m", _("Requests to the API that one person may make, likewise.")
    ),
    Setting(
        "API_RATE_STRANGER", "300/m", _("Requests from one address without a token, likewise.")
    ),
    Setting("API_RATE_TOKEN", "60/m", _("Tokens that one client may ask for, likewise.")),
    Setting(
        "API_RATE_TOKEN_ADDRESS",
        "600/m",
        _("Tokens that may be asked for from one address, whatever client is named, likewise."),
    ),
    Setting("WEB_CONCURRENCY", "4", _("Web processes; each counts its share of a rate.")),
    Setting("TRUSTED_PROXIES", "0", _("Proxies in front that are believed about addresses.")),
)


def in_use() -> list[InUse]:
    """Return every setting as this process has it; no secret leaves it."""
    return [_in_use(one) for one in SETTINGS]


def _in_use(setting: Setting) -> InUse:
    given = os.environ.get(setting.name, "")
    value = given or _held(setting)
    if setting.secret:
        value = "••••••" if value else ""
    elif setting.is_url:
        value = without_password(value)
    return InUse(setting, value, bool(given))


def _held(setting: Setting) -> str:
    """Return what the settings hold; lists as they are written in the environment."""
    if setting.name.startswith("API_RATE_"):  # an empty one is no limit, not the default
        return str(settings.API_RATES[setting.name.removeprefix("API_RATE_").lower()])
    held = getattr(settings, setting.name, setting.default)
    if isinstance(held, list | tuple):
        return ",".join(map(str, held))
    return str(held).lower() if isinstance(held, bool) else str(held)


def without_password(url: str) -> str:
    """Return an address without the password in it; what cannot be read is not shown at all."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "••••••"
    if not parts.hostname:
        return "••••••"
    name = f"{parts.username}:••••••@" if parts.password else ""
    if parts.username and not parts.password:
        name = f"{parts.username}@"
    return f"{parts.scheme}://{name}{parts.hostname}{port}{parts.path}"
