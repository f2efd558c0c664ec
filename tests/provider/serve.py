"""`python -m tests.provider.serve`: make the tables and the client, and serve until ended."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.provider.settings"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: what matters is what the client sees."""


def main() -> None:
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from oauth2_provider.models import Application  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    Application.objects.create(
        client_id="huying",
        client_secret="a secret of the client",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        algorithm=Application.RS256_ALGORITHM,
        redirect_uris=os.environ["HUYING_PROVIDER_BACK"],
        skip_authorization=True,
    )
    port = urlsplit(os.environ["HUYING_PROVIDER_URL"]).port or 0
    with make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
