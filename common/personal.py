"""Values that reach a natural person: how each kind is written, checked and shown.

Identity cards: GB 11643 (18 characters, the last a check character by ISO 7064 MOD 11-2); credit
codes of units: GB 32100. Both are checked by python-stdnum. Mobile numbers: eleven digits from 13
to 19; other telephones are kept as they are written.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from common.errors import Invalid

MOBILE = re.compile(r"1[3-9][0-9]{9}")
IDENTITY = re.compile(r"[1-9][0-9]{16}[0-9X]")
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


def id_number(text: str, *, on: date | None = None) -> str:
    """Return the number of an identity card as it is kept. Raises Invalid.

    Its day of birth must be one of the calendar, and not after ``on``, a day in Shanghai.
    """
    found = re.sub(r"\s", "", _plain(text)).upper()
    if not is_identity(found):
        raise Invalid(
            fields={"id_number": _("This is no number of an identity card: its check digit fails.")}
        )
    if on is not None and found[6:14] > f"{on:%Y%m%d}":
        raise Invalid(
            fields={"id_number": _("This is no number of an identity card: born in the future.")}
        )
    return found


def is_identity(number: str) -> bool:
    """Say whether 18 characters are the number of an identity card: digits, area, day, check.

    The area is one that there is or was. Whether it was one in the year of birth, as ``ric.validate``
    asks, says nothing: numbers have been given since 1984, by where somebody lived then.
    """
    if not IDENTITY.fullmatch(number) or ric.calc_check_digit(number) != number[-1]:
        return False
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return False
    return any("county" in facts for _part, facts in numdb.get("cn/loc").info(number[:6]))


def credit_code(text: str) -> str:
    """Return the unified social credit code of a unit (no personal data). Raises Invalid."""
    try:
        found: str = uscc.validate(_plain(text))
    except (ValidationError, ValueError):
        raise Invalid(
            fields={"credit_code": _("This is no unified social credit code: its check fails.")}
        ) from None
    return found


def written(kind: Kind, text: str, *, on: date | None = None) -> str:
    """Return a value in its one form, "" for none; ``on`` is the day. Raises Invalid, naming its field."""
    plain = _plain(text)
    if not plain:
        return ""
    if kind == Kind.PHONE:
        return phone(plain)
    if kind == Kind.ID_NUMBER:
        return id_number(plain, on=on)
    if "\0" in plain or len(plain) > LONGEST[kind]:
        raise Invalid(fields={kind: _("At most %(n)d characters.") % {"n": LONGEST[kind]}})
    return plain
