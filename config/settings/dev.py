"""A developer's own run."""

from django.utils.translation import gettext_lazy as _

from config.settings.base import *

SECRET_KEY = env("SECRET_KEY", default="for development only, never for anybody's data")
DEBUG = True
ALLOWED_HOSTS = ["*"]
FORCE_PASSWORD_CHANGE = False
ENVIRONMENT_NOTE = _("Development")
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=[])
