"""Settings of every process. What differs between installations comes from the environment."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = env("SECRET_KEY", default="")
# Earlier keys: what they have signed or sealed still holds while a key is changed.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    # First, so that its commands and admin look stand before those of the libraries.
    "config.apps.ConfigConfig",
    "common.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "townships",
    "common",
    "mandates",
    "grid",
    "enforcement",
    "services",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "guardian",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_structlog",
    "csp",
]

MIDDLEWARE = [
    "common.measuring.Measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "common.incoming.Incoming",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # Before anything is asked of the database.
    "common.shedding.Shedding",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "common.middleware.BoundedBody",
    # Opens the transaction and the scope of the post in use, and renders inside it.
    "townships.middleware.PostScope",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "common.shell.shell",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------
# The process decides who it is: the application by default, the owner for `migrate` alone.
DATABASE_OWNER_URL = env("DATABASE_OWNER_URL", default="")
_as_owner = bool(DATABASE_OWNER_URL) and sys.argv[1:2] == ["migrate"]
DATABASES = {
    "default": {
        **env.db(
            "DATABASE_OWNER_URL" if _as_owner else "DATABASE_URL",
            default="postgres://huying_app@127.0.0.1:5432/huying",
        ),
        "ENGINE": "common.postgres",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # pgbouncer in transaction mode keeps no cursor between transactions.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "ATOMIC_REQUESTS": False,
    },
}
# Nobody waits for ever for a database host that has gone without a word.
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
)
# A process whose clock is further than this from the database's takes nothing in; 0: not checked.
CLOCK_TOLERANCE_SECONDS = env.float("CLOCK_TOLERANCE_SECONDS", default=60)
# LISTEN does not pass pgbouncer's transaction mode: a way around it, where there is one.
DATABASE_DIRECT_URL = env("DATABASE_DIRECT_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: the broker is a doorbell; what is due stands in the database ----------------------
REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the broker may be away for long
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # the longest one signing-in may last, in seconds
SESSIONS_PER_PERSON = env.int("SESSIONS_PER_PERSON", default=5)  # at once; 0: any number
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
IDLE_TIMEOUT_SECONDS = env.int("IDLE_TIMEOUT_SECONDS", default=1800)

# --- People ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "townships.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": f"townships.operations.passwords.{name}"} for name in ("Mixed", "NotAgain")]
# GB/T 22239-2019, 8.1.4.1 a): complex and changed from time to time; 0 leaves a rule out.
PASSWORD_KINDS = env.int("PASSWORD_KINDS", default=3)  # of small letters, capitals, digits, others
PASSWORD_MAX_AGE_DAYS = env.int("PASSWORD_MAX_AGE_DAYS", default=90)
# A post that needs a second person: until nobody can confirm it any more.
ROLE_PROPOSAL_DAYS = env.int("ROLE_PROPOSAL_DAYS", default=7)
PASSWORD_HISTORY = env.int("PASSWORD_HISTORY", default=5)
# 8.1.4.1 b): wrong tries until a door closes, and for how long. The same at every door.
SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", default=5)  # at one account, from one address or browser
SIGN_IN_TRIES_FROM_ANYWHERE = env.int("SIGN_IN_TRIES_FROM_ANYWHERE", default=20)
# So long ago at most a second factor was shown for acts that weigh most; 0: it is not asked for again.
STEP_UP_MINUTES = env.int("STEP_UP_MINUTES", default=15)
# Wrong codes at one account in a day from browsers it does not know; then known ones alone may try.
SECOND_FACTOR_TRIES_A_DAY = env.int("SECOND_FACTOR_TRIES_A_DAY", default=50)
SIGN_IN_LOCK_SECONDS = env.int("SIGN_IN_LOCK_SECONDS", default=900)
SIGN_IN_SPRAY_ACCOUNTS = env.int("SIGN_IN_SPRAY_ACCOUNTS", default=20)  # from one address
SIGN_IN_SPRAY_ACCOUNTS_ANYWHERE = env.int("SIGN_IN_SPRAY_ACCOUNTS_ANYWHERE", default=50)
BROWSER_KNOWN_DAYS = 180  # a browser that an account has entered with; others cannot lock it out
# Where those were signed in whom no single county counts as its own: the longest six months.
SIGN_IN_KEPT_DAYS = 184
ANONYMOUS_USER_NAME = None  # guardian: nobody is not somebody
GUARDIAN_MONKEY_PATCH_USER = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "townships.views.signing.AccountAdapter"
ACCOUNT_FORMS = {"change_password": "townships.forms.signing.ChangePasswordForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
# A whole county may stand behind one address; what counts wrong tries is townships/operations/doors.
ACCOUNT_RATE_LIMITS = {"login": "300/m/ip", "login_failed": ""}
ACCOUNT_PREVENT_ENUMERATION = True
# Who must show more than a password: the three administrators, the desk, and who signs decisions.
SECOND_FACTOR_ROLES = env(
    "SECOND_FACTOR_ROLES",
    default="system_administrator,security_administrator,audit_administrator,"
    "county_desk,county_leader,establishment_officer",
).split(",")
MFA_ADAPTER = "townships.views.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "townships.forms.factors.CodeForm",
    "reauthenticate": "townships.forms.factors.CodeAgainForm",
    "authenticate_webauthn": "townships.forms.factors.KeyForm",
    "reauthenticate_webauthn": "townships.forms.factors.KeyAgainForm",
    "activate_totp": "townships.forms.factors.AddAppForm",
    "add_webauthn": "townships.forms.factors.AddKeyForm",
    "edit_webauthn": "townships.forms.factors.RenameKeyForm",
}
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds that a telephone's clock may be wrong
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from the administrator
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds before somebody proves again who they are
# Single sign-on by OpenID Connect; without an issuer nobody is offered it.
OIDC_ISSUER = env("OIDC_ISSUER", default="").rstrip("/")
OIDC_CLIENT_ID = env("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env("OIDC_CLIENT_SECRET", default="")
OIDC_LABEL = env("OIDC_LABEL", default="")
# Values of acr or amr that say the provider has asked for a second factor; empty: ours is asked for.
OIDC_SECOND_FACTOR = env.list("OIDC_SECOND_FACTOR", default=[])
SOCIALACCOUNT_ADAPTER = "townships.views.sso.SsoAdapter"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
FORCE_PASSWORD_CHANGE = env.bool("FORCE_PASSWORD_CHANGE", default=True)

# --- E-mail -----------------------------------------------------------------------------------
# smtp+tls://user:password@host:587; without it nobody is offered e-mail.
EMAIL_CONFIGURED = bool(env("EMAIL_URL", default=""))
vars().update(env.email_url_config(env("EMAIL_URL", default="") or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="") or "huying@localhost"
SITE_URL = env("SITE_URL", default="").rstrip("/")  # how e-mails name this installation

# --- Text messages ----------------------------------------------------------------------------
# One POST of JSON to a gateway; without an address nobody is offered text messages.
SMS_URL = env("SMS_URL", default="")
# Keys of personal data, name:base64 of 32 bytes, the current one first; or a file of such lines.
PERSONAL_KEYS = env("PERSONAL_KEYS", default="")
PERSONAL_KEYS_FILE = env("PERSONAL_KEYS_FILE", default="")
PERSONAL_CIPHER = env("PERSONAL_CIPHER", default="aes-256-gcm")
SMS_TOKEN = env("SMS_TOKEN", default="")
SMS_BODY = env("SMS_BODY", default="") or '{"mobile":"{mobile}","content":"{text}","id":"{id}"}'
SMS_SUCCESS = env("SMS_SUCCESS", default="")  # field=value of a gateway that answers 200 always
SMS_TIMEOUT = env.float("SMS_TIMEOUT", default=5)
SMS_LENGTH = env.int("SMS_LENGTH", default=70)  # characters of one message
SMS_PER_DAY = env.int("SMS_PER_DAY", default=10)  # to one person

# --- Language and time ------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

# --- Files ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(BASE_DIR / "media")))
# Where backups lie, if this machine can see them: their age is watched.
BACKUP_FOLDER = env("BACKUP_FOLDER", default="")
# A ClamAV beside us, tcp://host:3310 or unix:///run/clamav/clamd.ctl; empty: files are not scanned.
CLAMD = env("CLAMD", default="")
CLAMD_TIMEOUT = env.float("CLAMD_TIMEOUT", default=20)
CLAMD_WHEN_AWAY = env("CLAMD_WHEN_AWAY", default="refuse")  # or later: taken in, not handed out
UPLOAD_LIMIT_BYTES = 20 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# How long the first answer to an Idempotency-Key is kept.
IDEMPOTENCY_DAYS = env.int("IDEMPOTENCY_DAYS", default=30)

# A request that has waited so long for a free thread is refused at once; 0: it waits on.
SHED_AFTER_SECONDS = env.float("SHED_AFTER_SECONDS", default=2)
# Of the threads of a process, so many on average are one system's while others wait; 0: any number.
FAIR_HANDS = env.float("FAIR_HANDS", default=0.5)

# --- Evidence ---------------------------------------------------------------------------------
# What new hashes of histories are made with: sha256 or sm3. What stands keeps its own.
CHAIN_ALGORITHM = env("CHAIN_ALGORITHM", default="sha256")
# Keys of anchors as name:key, the newest first; without any, one that follows from SECRET_KEY.
ANCHOR_KEYS = env.list("ANCHOR_KEYS", default=[])
# Where new anchors are written as files, to be taken elsewhere.
ANCHOR_FOLDER = env("ANCHOR_FOLDER", default="")

# --- Webhooks: what other systems are told, at addresses of theirs --------------------------------
# Networks and hosts inside that may be called, also without https; empty: only the world outside.
WEBHOOK_INSIDE = env.list("WEBHOOK_INSIDE", default=[])
WEBHOOK_TIMEOUT_SECONDS = env.float("WEBHOOK_TIMEOUT_SECONDS", default=15)
# Seconds before the second attempt, the third …; together some three days. Then it is laid aside.
WEBHOOK_SCHEDULE = env.list(
    "WEBHOOK_SCHEDULE",
    cast=int,
    default=[5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 86400],
)
# A receiver that has failed for so long is sent nothing more until somebody has looked.
WEBHOOK_DISABLE_DAYS = env.int("WEBHOOK_DISABLE_DAYS", default=5)
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", default=30)

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["townships.http.MemberAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["townships.http.IsMember"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "common.openapi.Described",
    "DEFAULT_FILTER_BACKENDS": [],
    "EXCEPTION_HANDLER": "common.errors.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Requests to /api/ that one account, one person, one address may make; s, m or h; "" is no limit.
API_RATES = {
    "system": env("API_RATE_SYSTEM", default="3000/m"),
    "person": env("API_RATE_PERSON", default="600/m"),
    "stranger": env("API_RATE_STRANGER", default="300/m"),  # without a valid token, by address
    "token": env("API_RATE_TOKEN", default="60/m"),  # tokens asked for, by client id and address
    "token_address": env("API_RATE_TOKEN_ADDRESS", default="600/m"),  # whatever client is named
}
# Each web process counts for itself, with its share. Gunicorn goes by the same variable.
API_PROCESSES = env.int("WEB_CONCURRENCY", default=4)
SPECTACULAR_SETTINGS = {
    "TITLE": "Huying 呼应",
    "DESCRIPTION": "A township calls, a county department responds in time.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No badge of a validator on the internet. Groups stand closed: with more than a hundred operations
    # open at once, the page of this version ends after the first few.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "docExpansion": "none"},
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.openapi.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CallOrigin": "mandates.models.calls.Origin",
        "ProposalOrigin": "mandates.models.amendments.ProposalOrigin",
        "ProposalState": "mandates.models.amendments.ProposalState",
        "AssessmentState": "mandates.models.assessments.AssessmentState",
        "AdmissionFileKind": "mandates.models.admission_files.AdmissionFileKind",
        "AdmissionState": "mandates.models.admissions.AdmissionState",
        "Evaluation": "mandates.models.admissions.Evaluation",
        "BurdenState": "mandates.models.burdens.BurdenState",
        "BurdenKind": "mandates.models.burdens.BurdenKind",
        "BurdenLevel": "mandates.models.burdens.BurdenLevel",
        "BurdenCycle": "mandates.models.burdens.BurdenCycle",
        "BatchState": "mandates.models.empowerment.BatchState",
        "PowerMode": "mandates.models.powers.PowerMode",
        "PowerAnswered": "mandates.api.powers.ANSWERED",
        "HandingMode": "mandates.models.admissions.HandingMode",
        "UnlistedState": "mandates.models.unlisted.UnlistedState",
        "ListKind": "mandates.models.lists.ListKind",
        "JobState": "common.models.jobs.JobState",
        "ImportState": "mandates.models.imports.ListImport.State",
        "VoiceKind": "mandates.models.admission_parts.VoiceKind",
        "Rating": "mandates.models.calls.Rating",
        "Appeal": "mandates.models.calls.Appeal",
        "AppealOutcome": "mandates.models.ratings.RatingAppeal.Outcome",
        "ObjectionOutcome": "mandates.models.disputes.Objection.Outcome",
        "CallState": "mandates.models.calls.CallState",
        "AssignmentState": "mandates.models.calls.AssignmentState",
        "Party": "mandates.models.clocks.Party",
        "ClockKind": "mandates.models.limits.ClockKind",
        "ClockUnit": "mandates.models.limits.UnitChoices",
        "PressureLevel": "mandates.models.limits.Level",
        "DivisionLevel": "townships.models.areas.Level",
        "DepartmentKind": "townships.models.departments.DepartmentKind",
    },
}
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "calls.read": _("Read calls"),
        "calls.write": _("Raise calls and make moves"),
        "reference.read": _("Read divisions, departments and matters"),
        "secret.change": _("Change its own secret"),
    },
    "DEFAULT_SCOPES": ["calls.read", "reference.read"],
    "SCOPES_BACKEND_CLASS": "townships.api.tokens.AccountScopes",
    "OAUTH2_VALIDATOR_CLASS": "townships.api.tokens.AccountValidator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    # RFC 9700, the best current practice: hashed tokens, and none of the grants it retires.
    **{
        f"COMPLIANT_BCP_RFC9700_{rule}": True
        for rule in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "PKCE_REQUIRED": True,
}

# --- Safety -----------------------------------------------------------------------------------
# The button of the sign-in page posts to us and is led to the provider, which browsers count as one.
_provider = urlsplit(OIDC_ISSUER)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [
            SELF,
            *([f"{_provider.scheme}://{_provider.netloc}"] if OIDC_ISSUER else []),
        ],
        "frame-ancestors": [NONE],
    },
}
# Proxies in front of us whose X-Forwarded-For is believed, for rates and allowed addresses.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS: list[str] = []

ENVIRONMENT_NOTE: object = ""  # demo and test say what they are in the footer of every page
# Words that sum up who runs this installation; data, not code.
INSTALLATION_NAME = env("INSTALLATION_NAME", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "common.logs.formatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
        # At DEBUG it writes down the tokens it gives.
        "oauthlib": {"level": "INFO"},
        # Tells every step of every PDF.
        "weasyprint": {"level": "WARNING"},
    },
}
