"""The test suite: the application's role, plain static files, cheap passwords."""

from django.utils.translation import gettext_lazy as _

from config.settings.base import *

SECRET_KEY = "for tests only, never for anybody's data"  # noqa: S105
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["CONN_MAX_AGE"] = 0
FORCE_PASSWORD_CHANGE = True
CLOCK_TOLERANCE_SECONDS = 0  # tests set the clock of views, not the database's
INSTALLED_APPS += ["django_migration_linter"]
WHITENOISE_AUTOREFRESH = True
ENVIRONMENT_NOTE = _("Test")
# Tests of rates set their own; the others ask as fast as they can.
API_RATES = dict.fromkeys(API_RATES, "")
API_PROCESSES = 1
PASSWORD_MAX_AGE_DAYS = 0
SECOND_FACTOR_ROLES = []  # tests of the second factor set their own
