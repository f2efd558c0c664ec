"""A legal basis is read into laws and articles: what is found, and that it can be written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mandates.rules.citations import (
    MOST_NUMBER,
    Asked,
    Cited,
    asked,
    law_key,
    number_of,
    numeral,
    read,
    words,
    write,
)

WATER, FIRE = "中华人民共和国水法", "消防法"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("《中华人民共和国水法》第十六条第二款", [(WATER, "第十六条第二款")]),
        ("《消防法》第32条、第36条；《森林防火条例》", [
            (FIRE, "第三十二条"), (FIRE, "第三十六条"), ("森林防火条例", "")]),
        ("《消防法》第3条第3款、第4款，第5条第1款", [
            (FIRE, "第三条第三款"), (FIRE, "第三条第四款"), (FIRE, "第五条第一款")]),
        ("《消防法》第七十三条至第七十六条", [(FIRE, "第七十三条至第七十六条")]),
        ("《消防法》第二十至二十三条、第四、五条", [
            (FIRE, "第二十条至第二十三条"), (FIRE, "第四条"), (FIRE, "第五条")]),
        ("《消防法》第三条第（一）（二）项", [(FIRE, "第三条第一项"), (FIRE, "第三条第二项")]),
        ("《消防法》第一百三十三条之一第一款", [(FIRE, "第一百三十三条之一第一款")]),
        ("依照物业管理条例第10条和消防法第4条", [("物业管理条例", "第十条"), (FIRE, "第四条")]),
        ("《某镇配合事项清单》第1项（公开的清单）", [("某镇配合事项清单", "第一项")]),
        ("《关于贯彻《水法》的通知》", [("关于贯彻《水法》的通知", "")]),
    ],
)  # fmt: skip
def test_laws_and_places_are_read(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.law, one.article) for one in read(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("国办发[2021] 16号", [("", "国办发〔2021〕16号", "")]),
        ("根据国办发〔2021〕16号《关于某事的意见》第二条", [
            ("关于某事的意见", "国办发〔2021〕16号", "第二条")]),
        ("《某条例》（国务院令第682号）第三条", [("某条例", "国务院令第682号", "第三条")]),
        ("《某法》（2016年修正）第三条", [("某法", "", "第三条")]),
    ],
)  # fmt: skip
def test_numbers_of_documents_are_read(text: str, found: list[tuple[str, str, str]]) -> None:
    assert [(one.law, one.document_no, one.article) for one in read(text)] == found


def test_quoted_clauses_belong_to_their_article_and_cite_nothing_themselves() -> None:
    text = (
        "1.《水法》第六十七条：“依照《行政处罚法》第三条；处罚。”\n"
        "2.《实施办法》第五条规定：乡镇应当巡查。\n3.《消防法》第四条"
    )
    assert [(str(one), one.clause) for one in read(text)] == [
        ("《水法》第六十七条", "依照《行政处罚法》第三条；处罚。"),
        ("《实施办法》第五条", "乡镇应当巡查。"),
        ("《消防法》第四条", ""),
    ]


@pytest.mark.parametrize("text", ["按三定方案办理", "依照本法第五条", "没有书名号的依据第5条"])
def test_what_names_no_law_stays_whole(text: str) -> None:
    assert read(f" {text}\n") == (Cited(wording=text),)
    assert not read(text)[0].names_law


def test_words_beside_a_law_are_kept_in_their_place() -> None:
    found = read("部门三定规定；《水法》第三条；会议纪要")
    assert [str(one) for one in found] == ["部门三定规定", "《水法》第三条", "会议纪要"]
    assert words("《中华人民共和国水法》第三条：“兴修水利”；《水法》第四条") == "水法 兴修水利"


def test_one_law_is_known_in_every_writing() -> None:
    titles = ("水法", "中华人民共和国水法", "中华人民共和国 水法（2016年修正）")
    assert {law_key(title) for title in titles} == {"水法"}
    assert law_key("社会救助暂行办法（试行）") == "社会救助暂行办法(试行)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("《中华人民共和国水法》第十六条", Asked("水法", True, "第十六条")),
        ("水法", Asked("水法", False)),
        ("防洪 第3条第2款", Asked("防洪", False, "第三条第二款")),
        ("国办发（2021）16号", Asked("国办发〔2021〕16号", True)),
        (" ", None),
    ],
)
def test_a_law_is_asked_for_in_every_writing(text: str, found: Asked | None) -> None:
    assert asked(text) == found


# --- properties ----------------------------------------------------------------------------------

NUMBERS = st.integers(1, MOST_NUMBER).map(numeral)
TITLES = st.text("水法防洪河道管理办条例安徽省", min_size=1, max_size=12)
CLAUSES = st.one_of(st.just(""), st.text("县乡应当，、；。《》第一条", min_size=1, max_size=20))
DOCUMENTS = st.one_of(st.just(""), st.integers(1, 999).map(lambda n: f"皖政〔2021〕{n}号"))


@st.composite
def citations(draw: st.DrawFn) -> Cited:
    place = f"第{draw(NUMBERS)}条" if draw(st.booleans()) else ""
    if place and draw(st.booleans()):
        place += f"第{draw(NUMBERS)}款"
    law, number = draw(TITLES), draw(DOCUMENTS)
    return Cited("" if number and draw(st.booleans()) else law, number, place, draw(CLAUSES))


@given(st.integers(1, MOST_NUMBER))
def test_numerals_are_read_as_they_are_written(n: int) -> None:
    assert number_of(numeral(n)) == n == number_of(str(n))


@given(st.lists(citations(), min_size=1, max_size=5, unique=True))
def test_what_is_written_is_read_again(cited: list[Cited]) -> None:
    assert list(read(write(cited))) == cited


@given(st.text("《》（）〔〕第条款项至、；：“”号令一二十0 \n水法规定国发2021年", max_size=60))
def test_any_text_is_read_and_nothing_is_made_up(text: str) -> None:
    found = read(text)
    assert bool(found) == bool(text.strip())
    for one in found:
        assert one.names_law != bool(one.wording)
        assert one.law in text
        assert one.clause in text
        assert one.wording in text
        assert bool(one.key) == one.names_law
        first, last = one.numbers
        assert 0 <= first <= last <= MOST_NUMBER
        assert len(one.law) <= 200
        assert len(one.document_no) <= 60
        assert len(one.article) <= 150
