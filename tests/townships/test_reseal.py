"""SECRET_KEY is changed: what was sealed under the old one is sealed anew, and opens without it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from common import sealing, tenancy
from common.models import AuditEntry
from tests.factories.calls import make_world
from tests.townships.test_webhooks import register
from townships.models import Receiver

OLD, NEW = "the key of yesterday, long enough", "the key of today, long enough as well"


@pytest.mark.assurance("R8")
def test_what_an_earlier_key_sealed_opens_until_it_is_sealed_anew(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    sealed = sealing.seal("whsec_")
    assert sealing.is_current(sealed)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert not sealing.is_current(sealed)
    assert sealing.unseal(sealed) == "whsec_"
    anew = sealing.reseal(sealed)

    settings.SECRET_KEY_FALLBACKS = []
    assert sealing.is_current(anew)
    assert sealing.unseal(anew) == "whsec_"
    for opens in (sealing.unseal, sealing.reseal):
        with pytest.raises(sealing.Unreadable):
            opens(sealed)
    assert sealing.reseal("") == ""


@translation.override("en")
@pytest.mark.assurance("R8")
def test_command_seals_every_secret_once_and_names_what_is_lost(db: None, settings: Any) -> None:
    settings.WEBHOOK_INSIDE = ["127.0.0.1"]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    receiver = register(make_world().head)
    secret = sealing.unseal(receiver.secret)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    for expected in ("Sealed anew: 1, unreadable: 0.", "Sealed anew: 0, unreadable: 0."):
        told = io.StringIO()
        call_command("reseal_secrets", stdout=told)
        assert told.getvalue().strip() == expected
    settings.SECRET_KEY_FALLBACKS = []
    assert sealing.unseal(Receiver.objects.get().secret) == secret
    with tenancy.everywhere(reason="a test counts"):
        assert AuditEntry.objects.filter(action="receiver_secret_resealed").count() == 1

    settings.SECRET_KEY = "a third key, that knows neither"
    with pytest.raises(CommandError, match="new secrets"):
        call_command("reseal_secrets", stdout=io.StringIO())
    assert Receiver.objects.get().secret  # nothing was overwritten
