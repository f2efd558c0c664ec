"""Values that reach a natural person: how each kind is written, checked and shown.

Identity cards: GB 11643 (18 characters, the last a check character by ISO 7064 MOD 11-2); credit
codes of units: GB 32100. Both are checked by python-stdnum. Mobile numbers: eleven digits from 13
to 19; other telephones are kept as they are written.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from common.errors import Invalid

MOBILE = re.compile(r"1[3-9][0-9]{9}")
PHONE = re.compile(r"[0-9]{3,4}-?[0-9]{7,8}|[0-9]{3,12}")
LONGEST = {"name": 60, "phone": 20, "id_number": 18, "address": 200}


class Kind(StrEnum):
    """What a value is; the name of its field, too."""

    NAME = "name"
    PHONE = "phone"
    ID_NUMBER = "id_number"
    ADDRESS = "address"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def phone(text: str) -> str:
    """Return a telephone number of the mainland as it is kept. Raises Invalid."""
    digits = re.sub(r"[\s()（）]", "", _plain(text))
    for prefix in ("+86-", "+86", "0086"):
        digits = digits.removeprefix(prefix)
    digits = digits.strip("-")
    # A mobile number with dashes is one all the same.
    if MOBILE.fullmatch(digits.replace("-", "")):
        return digits.replace("-", "")
    if not PHONE.fullmatch(digits) or digits.startswith("1") and len(digits) > 8:
        raise Invalid(
            fields={"phone": _("A mobile number of 11 digits, or a telephone with its area code.")}
        )
    return digits.replace("-", "")


def id_number(text: str) -> str:
    """Return the number of an identity card as it is kept. Raises Invalid."""
    try:
        found: str = ric.validate(_plain(text))
    except (ValidationError, ValueError):
        raise Invalid(
            fields={"id_number": _("This is no number of an identity card: its check digit fails.")}
        ) from None
    return found.upper()


def credit_code(text: str) -> str:
    """Return the unified social credit code of a unit (no personal data). Raises Invalid."""
    try:
        found: str = uscc.validate(_plain(text))
    except (ValidationError, ValueError):
        raise Invalid(
            fields={"credit_code": _("This is no unified social credit code: its check fails.")}
        ) from None
    return found


def written(kind: Kind, text: str) -> str:
    """Return a value in its one form, "" for none. Raises Invalid naming its field."""
    plain = _plain(text)
    if not plain:
        return ""
    if kind == Kind.PHONE:
        return phone(plain)
    if kind == Kind.ID_NUMBER:
        return id_number(plain)
    if "\0" in plain or len(plain) > LONGEST[kind]:
        raise Invalid(fields={kind: _("At most %(n)d characters.") % {"n": LONGEST[kind]}})
    return plain
