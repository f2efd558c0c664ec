from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """The admin console with the project's own site; named in INSTALLED_APPS."""

    default_site = "common.site.OfficerSite"
