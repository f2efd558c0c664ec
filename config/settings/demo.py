"""The demonstration on one machine: production's code, plain http on this machine's own address."""

from django.utils.translation import gettext_lazy as _

from config.settings.base import *

SECRET_KEY = env("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
ENVIRONMENT_NOTE = _(
    "Demonstration. Names of units come from public division data; people, calls and figures are "
    "made up."
)
# Its passwords are public and stand on the first page of README: nobody has to change them.
PASSWORD_MAX_AGE_DAYS = 0
# Allowed, and required of nobody: whoever tries the demonstration has its passwords alone.
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=[])
