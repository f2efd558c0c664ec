"""What recovery runs call with: the people of the fault runs, and one receiver of webhooks.

Runs in a process of the application, on a migrated database; prints what it made as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json

from django.utils import timezone

from bench.faults import prepare
from common import sealing, webhooks
from townships.models import Receiver, SystemAccount
from townships.rules import county_of

PATH = "/recovery"


def main() -> None:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        prepare.main()
    known = json.loads(told.getvalue())
    account = SystemAccount.objects.select_related("post").filter(
        post__township=known["clients"][0]["township"]
    )[0]
    secret = webhooks.new_secret()
    Receiver.objects.create(
        account=account,
        county_id=county_of(account.post),
        owner_id=account.user_id,
        url=f"http://127.0.0.1:9{PATH}",
        is_active=False,
        created_at=timezone.now(),
        secret=sealing.seal(secret),
    )
    print(json.dumps({**known, "webhook_secret": secret}))
