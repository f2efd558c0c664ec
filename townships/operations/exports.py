"""Which lists of this app may be taken as a file."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import exports
from common.exports import Table
from townships.queries import exported_audit as listed

exports.register(
    Table(
        "audit", _("Export of the audit trail"), listed.columns, listed.check, listed.told,
        listed.keys, listed.rows,
    )
)  # fmt: skip
