"""Numbers of identity cards, credit codes and telephones: a table of right ones and what is wrong with others.

Check characters are worked out here a second time, as GB 11643 and GB 32100 have them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Any

import pytest

from common.errors import Invalid
from common.masking import masked, without_persons
from common.personal import credit_code, id_number, phone

pytestmark = pytest.mark.assurance("B3")

TODAY = date(2026, 3, 2)
DIGITS = "0123456789"
AREAS = ("110105", "340102", "342501", "310101", "341821", "342522")
BIRTHS = ("19491231", "19640229", "19751015", "19880808")
SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REFUSED_PHONES = (
    "", "12", "1234567890123", "11012345678", "12012345678", "1391234567", "139123456789",
    "139-1234-56789", "abc", "13912345678x", "１３９１２３４５６７", "١٣٩١٢٣٤٥٦٧٨", "1391234\u00005678",
    "+1 555 0100 0000 000", "0563-302123", "phone:13912345678", "13912345678,13912345679", "-",
)  # fmt: skip


def card(base: str) -> str:
    """Return 17 digits with their check character: ISO 7064, MOD 11-2."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(base))
    return base + "10X98765432"[total % 11]


def code(base: str) -> str:
    """Return 17 characters with the check character of GB 32100: powers of three, modulo 31."""
    total = sum(SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(base))
    return base + SIGNS[-total % 31]


CARDS = [card(f"{area}{born}{n:03}") for area, born, n in product(AREAS, BIRTHS, (2, 517))]
CODES = [code(f"91{area}MA2{n:05}"[:17].ljust(17, "0")) for area, n in product(AREAS, (17, 40_404))]


def refused(read: Callable[[str], str], texts: list[str]) -> list[str]:
    """Return those that were taken, or whose refusal says the number again."""
    wrong = []
    for text in texts:
        try:
            wrong.append(f"{text!r} was taken as {read(text)}")
        except Invalid as problem:
            said = f"{problem} {problem.fields}"
            if len(text) > 5 and text in said:
                wrong.append(f"{text!r} is said again: {said}")
    return wrong


def card_of_today(text: str) -> str:
    return id_number(text, on=TODAY)


def test_cards_are_taken_in_every_way_people_write_them(tried: Any) -> None:
    for number in CARDS:
        ways = (number, number.lower(), f" {number} ", f"{number[:6]} {number[6:14]} {number[14:]}",
                "".join(chr(ord(c) + 0xFEE0) for c in number))  # fmt: skip
        assert {card_of_today(way) for way in ways} == {number}
        # The same numbers are hidden where they slip into a line of a log or of the audit trail.
        assert without_persons(f"证号{number}，请查") == f"证号{masked('id_number', number)}，请查"
    assert sum(number.endswith("X") for number in CARDS) >= 1
    tried(5 * len(CARDS), "numbers")


def test_one_digit_mistyped_or_two_exchanged_are_always_noticed(tried: Any) -> None:
    mistyped = [
        number[:place] + other + number[place + 1 :]
        for number in CARDS[::6]
        for place in range(17)
        for other in DIGITS
        if other != number[place]
    ]
    exchanged = [
        number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        for number in CARDS
        for place in range(16)
        if number[place] != number[place + 1]
    ]
    assert refused(card_of_today, mistyped + exchanged) == []
    tried(len(mistyped) + len(exchanged), "numbers")


def test_numbers_that_are_nobodys_are_refused_whatever_their_check_digit(tried: Any) -> None:
    days = ("19900229", "20230229", "19001301", "20230431", "20000000", "20260303", "20991231")
    texts = [card(f"110105{day}002") for day in days]
    texts += [card(f"{area}19751015002") for area in ("000000", "990105", "118888")]
    texts += [number[:17] for number in CARDS] + [number + "0" for number in CARDS]
    texts += [f"{number[:6]}{number[8:17]}" for number in CARDS]  # 15 digits: not issued since 1999
    texts += [
        "", "X" * 18, "1" * 18, "٠" * 18, "\u0000" * 18, "=" + CARDS[0],
        f"{CARDS[0]},{CARDS[1]}", "11010519491231O02X", "1.10105194912310E+17", "-" + CARDS[0][1:],
    ]  # fmt: skip
    taken = {card_of_today(CARDS[0])}
    assert refused(card_of_today, texts) == []
    assert taken == {CARDS[0]}
    assert card_of_today(card("11010520260302002"))  # born today
    tried(len(texts), "numbers")


def test_credit_codes(tried: Any) -> None:
    assert [credit_code(text) for text in CODES] == CODES
    assert {credit_code(text.lower()) for text in CODES} == set(CODES)
    mistyped = [
        text[:place] + other + text[place + 1 :]
        for text in CODES[::4]
        for place in (2, 5, 8, 12, 16, 17)
        for other in SIGNS
        if other != text[place] and (other in DIGITS or place > 7)
    ]
    others = ["", CODES[0][:17], CODES[0] + "0", CODES[0].replace("MA", "IO"), "۰" * 18]
    assert refused(credit_code, mistyped + others) == []
    tried(2 * len(CODES) + len(mistyped) + len(others), "codes")


def test_telephones(tried: Any) -> None:
    right = {
        "13912345678": ("139 1234 5678", "139-1234-5678", "+86 13912345678", "008613912345678",
                        "１３９１２３４５６７８", "(+86)139-1234-5678"),
        "05633021234": ("0563-3021234", "0563 3021234", "（0563）3021234", "0563－3021234"),
        "12345": ("12345",), "110": ("110",), "3021234": ("3021234",),
    }  # fmt: skip
    for kept, ways in right.items():
        assert {phone(way) for way in ways} == {kept}
    assert refused(phone, list(REFUSED_PHONES)) == []
    tried(sum(map(len, right.values())) + len(REFUSED_PHONES), "numbers")
