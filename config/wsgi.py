import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_wsgi_application()

# Management commands are asked by `check`; what answers requests asks itself, before the first one.
import_module("config.scopes").refuse()
