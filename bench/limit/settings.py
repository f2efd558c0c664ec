"""The least a view with a database needs: no session, no tenant, no language."""

import environ

env = environ.Env()

SECRET_KEY = "of a benchmark, protects nothing"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "bench.limit",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.limit.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        **env.db("LIMIT_DATABASE_URL"),
        "CONN_MAX_AGE": None,
        # A schema of its own beside the product's tables, in the same database.
        "OPTIONS": {"options": "-c search_path=bench_limit"},
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
