"""Which lists of this app may be taken as a file."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import exports
from common.exports import Table
from mandates.queries import (
    exported_admissions,
    exported_burdens,
    exported_calls,
    exported_grants,
    exported_matters,
    exported_overlaps,
    exported_people,
    exported_powers,
    exported_proposals,
    exported_steps,
    exported_unlisted,
)

for _name, _label, _list in (
    ("calls", _("Export of calls"), exported_calls),
    ("matters", _("Export of the responsibility list"), exported_matters),
    ("people", _("Export of people"), exported_people),
    ("overlaps", _("Export of the overlap register"), exported_overlaps),
    ("unlisted", _("Export of unlisted tasks"), exported_unlisted),
    ("burdens", _("Export of the burden register"), exported_burdens),
    ("admissions", _("Export of duty admissions"), exported_admissions),
    ("proposals", _("Export of the proposals"), exported_proposals),
    ("powers", _("Export of the catalogue of powers"), exported_powers),
    ("steps", _("Export of the steps of calls"), exported_steps),
    ("power_grants", _("Export of powers of townships"), exported_grants),
):
    exports.register(
        Table(_name, _label, _list.columns, _list.check, _list.told, _list.keys, _list.rows)
    )
