"""实施依据: a legal basis as counties write it, read into the laws and articles that it cites.

Pure functions of the text; the same text is always read the same. What a cell holds: titles in
《》, numbers of documents (国办发〔2021〕16号), places (第十六条第二款第三项, 第65条, 第七十三条至第七十六条),
clauses quoted behind a colon, several of each. Nothing is guessed: what names no law stays as it is
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

LONGEST_TITLE, LONGEST_NUMBER = 200, 60  # characters
MOST_NUMBER = 9999
UNITS = "编章节条款项目"  # from the largest to the smallest
_STATE = "中华人民共和国"

_N = r"(?:[0-9０-９]{1,4}|[〇零一二两三四五六七八九十百千]{1,9})"
_TO = r"(?:至|到|[-–—－~～]{1,2})"
_OR = r"(?:[、,，和及与或]|以及)"
_ITEM = rf"[（(]\s*{_N}\s*[)）]"
_YEAR = r"(?:19|20)[0-9]{2}"
_ORDER = rf"[一-龥]{{1,20}}(?:令|公告)\s*(?:{_YEAR}\s*年\s*)?第?\s*{_N}\s*号"
_TITLE = rf"《(?P<law>(?:[^《》\n]|《[^《》\n]*》){{1,{LONGEST_TITLE}}})》"
# A title without 《》, where a place follows at once: 物业管理条例第10条.
_KINDS = r"(?:法|法典|条例|办法|规定|细则|规则|决定|通则|规程)"
_BARE = rf"|(?P<bare>[一-龥]{{2,30}}?{_KINDS})(?=\s*第\s*{_N}\s*条)"
_NUMBER = (
    rf"|(?P<number>[一-龥]{{1,15}}\s*[〔［\[（(【]\s*{_YEAR}\s*[〕］\]）)】]\s*第?\s*[0-9]{{1,5}}\s*号"
    rf"|{_ORDER})"
)
_PLACES = (
    rf"|第\s*[（(]?\s*(?P<places>{_N}(?:\s*(?:{_OR}|{_TO})\s*第?\s*{_N})*)\s*[)）]?\s*(?P<unit>[{UNITS}])"
    rf"(?:之(?P<sub>{_N}))?"
    rf"|第?\s*(?P<items>{_ITEM}(?:\s*(?:{_OR}|{_TO})?\s*第?\s*{_ITEM})*)\s*项"
)
# Looking for either at every character takes most of the time: only where one can be.
_TOKENS = {
    (number, bare): re.compile(
        _TITLE + (_NUMBER if number else "") + _PLACES + (_BARE if bare else "")
    )
    for number in (True, False)
    for bare in (True, False)
}
_IS_BARE = re.compile(rf"{_KINDS}\s*第")
_NO_TITLE = re.compile(r"^(?:本|该|此|同|前|有关|相关|上述|其他|法律|国家)")
_BY = re.compile(r"根据|依据|依照|按照|参照")
_BRACKET = re.compile(r"\s*[（(](?P<inside>[^（）()\n]{1,80})[)）]")
_NUMBER_INSIDE = re.compile(
    rf"[一-龥]{{1,15}}\s*[〔［\[【]\s*{_YEAR}\s*[〕］\]】]\s*第?\s*[0-9]{{1,5}}\s*号"
    rf"|{_ORDER}"
)
_PLACE = re.compile(rf"第\s*[（(]?\s*{_N}")
_OPENS = re.compile(r"\s*(?:的?规定)?\s*[：:]\s*|\s*的?规定\s*[，,]\s*|\s*(?=[“「])")
_QUOTED = re.compile(r"“(?P<a>[^”]+)”|「(?P<b>[^」]+)」|\"(?P<c>[^\"\n]+)\"")
_MARK = r"(?:[0-9]{1,2}\s*[.．、]|[（(]?[一二三四五六七八九十0-9]{1,3}[)）、]|[①-⑳])?\s*"
_ENDS = re.compile(rf"\n|[；;。]\s*{_MARK}(?:依据|根据)?\s*《|[；;]\s*\Z|\Z")
_NUMERALS = re.compile(rf"(?P<by>{_OR}|{_TO}|)\s*第?\s*[（(]?\s*(?P<n>{_N})")
_LED_BY = re.compile(r"^(?:根据|依据|依照|按照|参照|以及|及|和|与|或|见|等)+")
_JOINS = re.compile(r"\s*(?:文件)?[，,]?\s*")
_APART = re.compile(rf"\s*{_OR}?\s*")
_BETWEEN = re.compile(r"[^；;\n]+")
_EDITION = re.compile(r"\((?:[0-9]{4}年?)?[^()]*(?:修正|修订|修改)[^()]*\)$")
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}


class Cited(NamedTuple):
    """One place of one law or document: either ``law`` or ``document_no`` is said, or ``wording``.

    ``article`` is the place in Chinese numerals, "" where the whole is cited; ``clause`` is what
    the text quotes of it; ``wording`` is a text that names no law.
    """

    law: str = ""
    document_no: str = ""
    article: str = ""
    clause: str = ""
    wording: str = ""

    def __str__(self) -> str:
        return self.wording or f"{self.source}{self.article}"

    @property
    def source(self) -> str:
        """The law or document itself."""
        if self.law and self.document_no:
            return f"《{self.law}》（{self.document_no}）"
        return f"《{self.law}》" if self.law else self.document_no

    @property
    def names_law(self) -> bool:
        return not self.wording

    @property
    def key(self) -> str:
        """By which the same law is known again, however its title is written."""
        return law_key(self.law) if self.law else self.document_no

    @property
    def numbers(self) -> tuple[int, int]:
        """First and last article (条); 0, 0 where none is cited."""
        return numbers_of(self.article)


class Asked(NamedTuple):
    """A law that is asked for: the whole ``key`` or a part of it, and a place or "" for any."""

    key: str
    is_whole: bool
    article: str = ""


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Cited, ...]:
    """Read what a legal basis cites, in its order, each once; nothing of an empty text."""
    if not text.strip():
        return ()
    reader = _Reader(text)
    reader.run()
    return tuple(dict.fromkeys(reader.found())) or (Cited(wording=text.strip()),)


def write(cited: Iterable[Cited]) -> str:
    """Write citations as a text that `read` reads as these."""
    parts = [f"{one}：“{one.clause}”" if one.clause else str(one) for one in cited]
    return "；".join(parts)


def in_lines(text: str) -> str:
    """Say what a legal basis cites, a law and place a line, without what it quotes of them."""
    return "\n".join(dict.fromkeys(str(one) for one in read(text)))


def words(text: str) -> str:
    """Return what a legal basis speaks of: titles and quoted clauses, no numbers of articles."""
    found = (piece for one in read(text) for piece in (one.wording or one.key, one.clause))
    return " ".join(dict.fromkeys(piece for piece in found if piece))


def law_key(title: str) -> str:
    """Return a title without what is written now so, now so: the state's name, edition, blanks."""
    plain = re.sub(r"\s", "", title).replace("（", "(").replace("）", ")")
    plain = _EDITION.sub("", plain) or plain
    return (plain.removeprefix(_STATE) or plain)[:LONGEST_TITLE]


def numbers_of(article: str) -> tuple[int, int]:
    """Return the lowest and the highest article (条) of a place as `read` writes it."""
    found = [number_of(one) for one in re.findall(r"第([^第至]+?)条", article)]
    return (min(found), max(found)) if found else (0, 0)


def asked(text: str) -> Asked | None:
    """Read a law that somebody asks for: 《水法》第十六条, 水法16条, 国办发〔2021〕16号. None for nothing."""
    first = next(iter(read(text)), None)
    if first is None:
        return None
    if first.names_law:
        return Asked(first.key, bool(first.law) or bool(first.document_no), first.article)
    bare = re.fullmatch(rf"(?P<law>.+?)\s*(?P<place>(?:第?\s*{_N}\s*条).*)?", text.strip())
    assert bare is not None  # `.+?` takes whatever is there
    place = bare["place"] or ""
    told = read(f"《法》{place if place.startswith('第') else f'第{place}'}") if place else ()
    return Asked(law_key(bare["law"]), False, told[0].article if told else "")


def number_of(text: str) -> int:
    """Read 六十五, 一百零二 or 65; 0 for what is no number."""
    if text.isdecimal():
        return int(text)
    total, digit = 0, 0
    for char in text:
        if char in _TENS:
            total, digit = total + (digit or 1) * _TENS[char], 0
        elif char in _DIGITS:
            digit = digit * 10 + _DIGITS[char] if digit else _DIGITS[char]
        else:
            return 0
    return total + digit


def numeral(n: int) -> str:
    """Write 1 to 9999 in Chinese numerals, as laws number their articles."""
    text, gap = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = n // place % 10
        if digit:
            text += ("零" if gap else "") + "零一二三四五六七八九"[digit] + unit
        gap = bool(text) and not digit
    return text.removeprefix("一") if text.startswith("一十") else text


# --- reading ---------------------------------------------------------------------------------------


@dataclass
class _Place:
    """One place within a law: a step down each, the last one up to ``until`` where it is a range."""

    path: list[tuple[str, str]]  # 十六 or 十六之一 … and the unit
    until: str = ""
    clause: str = ""

    def __str__(self) -> str:
        text = "".join(f"第{n}{unit}" for n, unit in self.path)
        text = re.sub(r"第([^第]+)之([^第之]+)条", r"第\1条之\2", text)
        return f"{text}至第{self.until}{self.path[-1][1]}" if self.until else text


@dataclass
class _Source:
    """One law or document as it stands in the text, with its places."""

    at: int
    law: str = ""
    document_no: str = ""
    clause: str = ""
    places: list[_Place] = field(default_factory=list)

    def cited(self) -> Iterator[Cited]:
        if self.clause or not self.places:
            yield Cited(self.law, self.document_no, "", self.clause)
        for one in self.places:
            yield Cited(self.law, self.document_no, str(one), one.clause)


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sources: list[_Source] = []
        self.used: list[tuple[int, int]] = []
        self.ended = 0  # where the last token ends

    def run(self) -> None:
        at = 0
        tokens = _TOKENS["号" in self.text, _IS_BARE.search(self.text) is not None]
        while token := tokens.search(self.text, at):
            told = token.groupdict()
            if told["law"] or told.get("bare"):
                at = self._law(token)
            elif told.get("number"):
                at = self._number(token)
            else:
                at = self._places(token)
            if self.sources:
                self.used.append((token.start(), at))
            self.ended = at

    def found(self) -> Iterator[Cited]:
        """Yield what was read, and between it the stretches that name no law."""
        if not self.sources:
            return
        told: list[tuple[int, Sequence[Cited]]] = [
            (one.at, list(one.cited())) for one in self.sources
        ]
        for piece in _BETWEEN.finditer(self.text):
            if any(a < piece.end() and b > piece.start() for a, b in self.used):
                continue
            words = piece[0].strip()
            if len(re.findall(r"[^\W\d_]", words)) >= 2:
                told.append((piece.start(), [Cited(wording=words)]))
        for _at, some in sorted(told, key=lambda one: one[0]):
            yield from some

    def _law(self, token: re.Match[str]) -> int:
        title = (token["law"] or _without_lead(token["bare"])).strip()
        if not title or len(title) > LONGEST_TITLE:
            return token.end()
        before = self.sources[-1] if self.sources else None
        source = _Source(token.start(), title)
        if (
            before is not None
            and not before.law
            and not (before.places or before.clause)
            and _JOINS.fullmatch(self.text, self.ended, token.start())
        ):
            source.document_no, source.at = before.document_no, before.at
            self.sources.pop()
        self.sources.append(source)
        at = token.end()
        bracket = _BRACKET.match(self.text, at)
        if bracket and not _PLACE.search(_NUMBER_INSIDE.sub("", bracket["inside"])):
            inside = _NUMBER_INSIDE.search(bracket["inside"])
            if inside and not source.document_no:
                source.document_no = _number_text(inside[0])
            at = bracket.end()
        return self._clause(at, source)

    def _number(self, token: re.Match[str]) -> int:
        number = _number_text(token["number"])
        last = self.sources[-1] if self.sources else None
        if (
            last is not None
            and last.law
            and not (last.document_no or last.places or last.clause)
            and _JOINS.fullmatch(self.text, self.ended, token.start())
        ):
            last.document_no = number
            return self._clause(token.end(), last)
        self.sources.append(_Source(token.start(), document_no=number))
        return self._clause(token.end(), self.sources[-1])

    def _places(self, token: re.Match[str]) -> int:
        if not self.sources:
            return token.end()
        source = self.sources[-1]
        unit, numbers, ranged = _numbers(token)
        if not numbers:
            return token.end()
        between = self.text[self.ended : token.start()]
        last = source.places[-1] if source.places else None
        if last and re.fullmatch(rf"\s*{_TO}\s*", between) and last.path[-1][1] == unit:
            last.until = numbers[-1]
            return self._clause(token.end(), last)
        deeper = last is not None and UNITS.index(unit) > UNITS.index(last.path[-1][1])
        if last and deeper and not between.strip() and not last.until:
            path = last.path
            source.places.pop()
        elif last and UNITS.index(unit) > UNITS.index("条") and _APART.fullmatch(between):
            path = [one for one in last.path if UNITS.index(one[1]) < UNITS.index(unit)]
        else:
            path = []
        for n, number in enumerate(numbers):
            source.places.append(_Place([*path, (number, unit)]))
            if n in ranged:
                source.places[-2:] = [_Place([*path, (numbers[n - 1], unit)], until=number)]
        return self._clause(token.end(), source.places[-1])

    def _clause(self, at: int, of: _Source | _Place) -> int:
        """Take in what is quoted behind a place or a law; return where reading goes on."""
        opens = _OPENS.match(self.text, at)
        if opens is None or of.clause:
            return at
        if quoted := _QUOTED.match(self.text, opens.end()):
            of.clause = (quoted["a"] or quoted["b"] or quoted["c"]).strip()
            return quoted.end()
        if _PLACE.match(self.text, opens.end()) or opens.end() == opens.start():
            return at
        ends = _ENDS.search(self.text, opens.end())
        assert ends is not None  # the end of the text is one
        at = ends.start() + self.text.startswith("。", ends.start())
        of.clause = self.text[opens.end() : at].strip()
        return at


def _numbers(token: re.Match[str]) -> tuple[str, list[str], set[int]]:
    """Return the unit, the numbers in Chinese numerals, and which of them end a range."""
    unit = token["unit"] or "项"
    found: list[str] = []
    ranged: set[int] = set()
    for piece in _NUMERALS.finditer(token["places"] or token["items"]):
        n = number_of(piece["n"])
        if not 0 < n <= MOST_NUMBER:
            continue
        if piece["by"] and re.fullmatch(_TO, piece["by"]) and found:
            ranged.add(len(found))
        found.append(numeral(n))
    if found and token["sub"] and (n := number_of(token["sub"])):
        found[-1] += f"之{numeral(n)}"
    return unit, found, ranged


def _without_lead(bare: str) -> str:
    """Return the title in words that lead to it; "" where they name no law: 依照本法 names none."""
    title = _LED_BY.sub("", _BY.split(bare)[-1])
    if _NO_TITLE.match(title) or re.fullmatch(_KINDS, title):
        return ""
    return title


def _number_text(text: str) -> str:
    """Write a document's number in its usual form: 国办发〔2021〕16号."""
    plain = re.sub(r"\s", "", text)
    plain = re.sub(r"[［\[（(【〔]((?:19|20)[0-9]{2})[］\]）)】〕]第?", r"〔\1〕", plain)
    return (_LED_BY.sub("", plain) or plain)[-LONGEST_NUMBER:]
