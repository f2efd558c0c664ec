"""What people of the demonstration write: composed samples, set in places that exist.

No text is a real case, and no figure in it is anybody's.
"""

from __future__ import annotations

import csv
import random
import re
import struct
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

DATA = Path(__file__).parent / "data"

DONE_SO_FAR = (
    "已到现场劝阻并拍照留存。",
    "已安排网格员值守，设置警示标志。",
    "村“两委”已上门做工作，当事人情绪稳定。",
    "已口头责令停止，制作了巡查记录。",
    "已登记台账，现场无法处置。",
)
UNLISTED = (
    ("集镇路灯大面积不亮，夜间出行不便，产权单位不明", "清单中没有对应事项，产权单位不明确"),
    ("跨河通信光缆垂落水面，影响行洪和行船安全", "涉及多家通信企业，清单未列"),
    ("废弃铁塔倾斜，离最近住户不足三十米", "不知道属于哪个部门管理，清单查不到"),
    ("流浪犬只聚集，已发生两起伤人", "犬只管理职责分散，清单未列明牵头部门"),
    ("卫星导航把大货车引到村道，多次堵塞", "导航路线调整不在清单内"),
    ("旅游高峰期游客车辆占用消防通道和农田", "涉及多个部门，清单没有单独事项"),
)
SENT_BACK_DRAFT = (
    "请补充具体位置和当事人情况。",
    "请写明本镇已做的工作再报。",
    "请核对事项是否选对。",
)
REPLIES = (
    "已安排人员，拟于近两日到现场核查。",
    "已到现场初步核查，正在固定证据、核对审批档案。",
    "已与乡镇联系，约定明日上午联合到场。",
    "已立案，正在按程序办理。",
)
ASSISTING = (
    "已配合现场核查，我局职责范围内的意见：情况属实，无异议。",
    "已核对本单位档案并出具意见，详见牵头单位答复。",
    "已派员配合处置，未发现其他需本单位处理的问题。",
)
OVERRIDES = ("协办单位已口头反馈意见，书面材料后补。", "协办事项不影响结论，先行答复。")
WHISTLES = (
    "请带执法记录仪和测距工具到场，联合核查固定证据。",
    "现场有人聚集，请立即到场处置。",
    "请派员携带检测设备到场，共同认定。",
)
CAME = ("执法人员2人", "带队负责人及执法人员共3人", "值班人员2人、技术人员1人")
QUESTIONS = (
    "请补充现场坐标、照片和当事人身份信息。",
    "请说明事发时间和已采取的措施，并补充四至范围。",
    "请补充涉及面积和是否位于保护范围内的核查情况。",
)
SUPPLIED = (
    "坐标、照片已补充，当事人为本村村民，已做谈话记录。",
    "已补充现场情况说明和位置示意图。",
)
EXTENSIONS = (
    "需委托检测，报告出具尚需时日。",
    "涉及多户，需逐户核实，申请延长。",
    "连续降雨无法现场施工，申请延长。",
)
EXTENSION_REFUSED = ("群众反映强烈，请按期办结。", "理由不充分，请克服困难按期答复。")
OBJECTIONS = (
    (
        "该事项按现行规定由其他部门主管，我单位不具备执法主体资格。",
        "本县部门“三定”规定",
        "主要职责条款",
    ),
    ("现场不在我单位管理范围内，应由对口部门处理。", "《中华人民共和国行政处罚法》", "第二十二条"),
    ("所涉地类和违法行为与派单事项不符，请改派。", "《中华人民共和国行政许可法》", "第二十五条"),
)
UPHELD = ("经核对职责，异议成立，改派。", "现场复核后确认派单有误，改由对口部门牵头。")
REJECTED = ("清单已明确由你单位牵头，异议不成立，请按期办理。", "职责清楚，请继续办理。")
DISPATCHED = ("清单未列，按职责相近原则派单。", "经与相关单位会商，由该部门牵头处理。")
RETURNED = ("清单中已有对应事项，请选择事项后重新发起。", "请先核清产权归属再报。")
WITHDRAWN = (
    "情况已自行解决，撤回。",
    "与另一件重复，撤回。",
    "当事人已主动整改，不再需要县级部门到场。",
)
CALLED_TWICE = ("同一地点、同一情况，村里又报了一次，请一并办理。",)
SPLIT = (
    (
        "路面积水",
        "现场另发现排水沟堵塞、路面积水，与本件不是一回事，请另行派单。",
        "清单中没有对应事项",
    ),
)
SENT_BACK = ("现场回看，问题没有解决，请重新办理。", "答复内容与现场不符，整改不到位。")
UNSATISFIED = ("超期较久，群众意见大。", "二次办理后仍有反弹。")
APPEALS = (
    "二次办理已按要求完成，有验收照片，评价所述问题不在本单位职责范围。",
    "现场已整改到位，反弹属新发情况，请复核。",
)
EXCLUDED = ("经复核，评价所述情况与现场不符，该评价不计入统计。",)
KEPT = ("经复核，问题确未解决，评价维持。", "申诉材料不足以证明，评价维持。")
EVIDENCE_OF_DECISION = "复核笔录、复核照片（示例）"
PRAISE = ("", "", "", "到场及时，处理到位。", "处理结果群众认可。", "答复清楚，问题已解决。")
FINE = ("", "", "办理时间偏长，结果可以。", "基本解决，后续请加强巡查。")
URGES = ("群众多次询问，请尽快处理。", "现场风险仍在，请抓紧。")
NOTES_TOWNSHIP = ("已电话告知反映人进展。", "注意回访，当事人有反复。", "材料原件在党政办。")
NOTES_DEPARTMENT = ("与所里沟通过，下周安排车辆。", "档案已调，注意时效。", "领导批示：优先办理。")
_ENDINGS = re.compile(r"(社区居委会|居委会|村委会|居民委员会|村民委员会)$")
_CLAUSE = re.compile(r"[，。；：、]")
TITLE_LENGTH = 28


@dataclass(frozen=True)
class Sample:
    """One composed text, with the code of its matter."""

    code: str
    text: str

    @property
    def title(self) -> str:
        """Return its first clauses, as somebody in a hurry would name it."""
        title = ""
        for clause in _CLAUSE.split(self.text):
            joined = f"{title}，{clause}" if title else clause
            if title and len(joined) > TITLE_LENGTH:
                break
            title = joined
            if len(title) >= 12:
                break
        return title[:60]


@cache
def samples() -> dict[str, tuple[Sample, ...]]:
    """Return the texts by the code of their matter."""
    with (Path(settings.BASE_DIR) / "mandates/data/matters.csv").open(
        encoding="utf-8-sig"
    ) as lines:
        codes = {row["no"]: row["code"] for row in csv.DictReader(lines)}
    found: dict[str, list[Sample]] = defaultdict(list)
    with (DATA / "texts.csv").open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            code = codes[row["matter_no"]]
            found[code].append(Sample(code, row["text"]))
    return {code: tuple(rows) for code, rows in found.items()}


@cache
def answers() -> dict[str, tuple[str, ...]]:
    """Return what departments answer by the code of the matter; "" fits every one."""
    found: dict[str, list[str]] = defaultdict(list)
    with (DATA / "answers.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["code"]].append(row["answer"])
    return {code: tuple(rows) for code, rows in found.items()}


def answer(code: str, dice: random.Random) -> str:
    fitting = answers().get(code, ())
    return dice.choice(fitting if fitting and dice.random() < 0.8 else answers()[""])


def village(name: str) -> str:
    """Return a village's name as people say it: 龙潭村, not 龙潭村村委会."""
    return _ENDINGS.sub("", name) or name


def place(villages: tuple[str, ...], dice: random.Random) -> str:
    """Name a place; the number of the group is made up."""
    if not villages:
        return "集镇"
    where = dice.choice(villages)
    return where if dice.random() < 0.3 else f"{where}{dice.choice('一二三四五六七八九')}组"


@cache
def photo(kind: int) -> bytes:
    """Return a small picture in plain colours that stands for a photograph of the scene."""
    width, height = 320, 240
    sky, ground = ((188, 208, 226), (226, 232, 236))[kind % 2], (120 + 20 * (kind % 4), 128, 96)
    rows = b"".join(
        b"\0" + bytes(sky if line < height * 2 // 5 else ground) * width for line in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def evidence(dice: random.Random) -> Any:
    """Return a file as a department hands it in."""
    name = dice.choice(("现场核查照片（示例）", "整改后照片（示例）", "处理结果（示例）"))
    return SimpleUploadedFile(f"{name}.png", photo(dice.randrange(8)), content_type="image/png")
