"""What the API shows and takes of duty admissions: shapes alone, no rules."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from common.api import Strict
from common.workflow import Move
from mandates.api.shapes import UnitShape
from mandates.models import (
    Admission,
    AdmissionFile,
    AdmissionFileKind,
    AdmissionState,
    Evaluation,
    HandingMode,
    Verdict,
    VoiceKind,
)
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.models.admission_parts import FINDINGS, OPINIONS, VOTES
from mandates.operations.admission_drafts import NEEDED, TEXT_LENGTH
from mandates.operations.admission_list import CODE_LENGTH
from mandates.operations.admitting import MINUTES_LENGTH, NOTE_LENGTH
from mandates.queries.admissions import SHOWS

MOST_TOWNSHIPS = 100
UID = "5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10"
NEW: dict[str, Any] = {
    "name": "小型水库日常巡查",
    "category": "水利",
    "lead": UID,
    "legal_basis": "《水库大坝安全管理条例》第十九条",
    "reason": "小型水库点多面广，需就近巡查。",
    "township_duty": "每周巡查一次，发现险情即报。",
    "department_duty": "制定巡查标准，处置险情。",
    "targets": [UID],
    "people": "每镇核增事业编制 1 名",
    "money": "每镇每年 6 万元",
    "term": "三年",
}
EXAMPLES: dict[str, Any] = {
    "note": "已会同有关单位核实。",
    "verdict": "agree",
    "township": UID,
    "entry": UID,
    "mode": "support",
    "held_on": "2026-03-20",
    "minutes": "会议认为事项边界清楚，保障到位。",
    "votes": [{"department": UID, "vote": "for"}],
    "document_no": "试编〔2026〕5号",
    "filing_no": "市编备〔2026〕9号",
    "code": "SL-90",
    "outcome": "keep",
}


AS_OF = serializers.DateField(
    required=False,
    help_text="a day up to today: where each stood at its end, told by `as_of`; `state` and `show` "
    "are of that day then",
)


class AdmissionThen(Strict):
    """Of which day a record is asked besides."""

    as_of = serializers.DateField(
        required=False, help_text="a day up to today: where it stood at its end, told by `as_of`"
    )


class StandingThen(serializers.Serializer[Any]):
    """Where an admission stood at the end of a day, from its history."""

    day = serializers.SerializerMethodField()
    state = serializers.ChoiceField(
        AdmissionState.choices, source="then_state", allow_null=True,
        help_text="null: nothing had been written down yet",
    )  # fmt: skip
    seq = serializers.IntegerField(
        source="then_seq", allow_null=True, help_text="the last step of `steps` by then"
    )
    since = serializers.DateTimeField(
        source="then_at", allow_null=True, help_text="when that step was made"
    )

    @extend_schema_field(serializers.DateField())
    def get_day(self, one: Admission) -> str:
        return str(self.context["as_of"].isoformat())


class AdmissionQuery(Strict):
    """What the list may be narrowed by."""

    q = serializers.CharField(required=False, max_length=100, help_text="words of the application")
    state = serializers.ChoiceField(AdmissionState.choices, required=False)
    show = serializers.ChoiceField(
        [(one, one) for one in SHOWS], required=False,
        help_text="mine: what waits for the reader's unit; late: what is overdue",
    )  # fmt: skip
    as_of = AS_OF
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class AdmissionRow(serializers.Serializer[Any]):
    """An application in a list."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    number = serializers.CharField(help_text="given when it is first submitted; empty before")
    name = serializers.CharField()
    category = serializers.CharField()
    state = serializers.ChoiceField(AdmissionState.choices)
    version = serializers.IntegerField(help_text="the ETag, to be sent back in If-Match")
    applicant = UnitShape(help_text="a department or a township")
    lead = UnitShape(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="of the step at hand")
    is_late = serializers.SerializerMethodField()
    has_package = serializers.BooleanField(help_text="false: it cannot be approved")
    submitted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    as_of = serializers.SerializerMethodField(
        help_text="null unless it was asked for; the other fields are of now"
    )

    @extend_schema_field(StandingThen(allow_null=True))
    def get_as_of(self, one: Admission) -> Any:
        return StandingThen(one, context=self.context).data if self.context.get("as_of") else None

    def get_url(self, one: Admission) -> str:
        request = self.context["request"]
        return str(reverse("api:admission-detail", args=[one.uid], request=request))

    def get_is_late(self, one: Admission) -> bool:
        return one.due_at is not None and one.due_at <= self.context["at"]


class VoiceShape(serializers.Serializer[Any]):
    """What one unit said in the round at hand."""

    kind = serializers.ChoiceField(VoiceKind.choices)
    verdict = serializers.ChoiceField(Verdict.choices)
    township = UnitShape(source="area", allow_null=True)
    department = UnitShape(allow_null=True)
    text = serializers.CharField()
    at = serializers.DateTimeField()


class AdmissionStepShape(serializers.Serializer[Any]):
    """One step of the history; ``hash`` protects it and all before it."""

    seq = serializers.IntegerField()
    move = serializers.CharField()
    to = serializers.ChoiceField(AdmissionState.choices, source="to_state")
    unit = serializers.CharField()
    actor = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()
    hash = serializers.CharField()


class AdmissionFileShape(serializers.Serializer[Any]):
    """A document, without its content."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(AdmissionFileKind.choices)
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="in bytes")
    sha256 = serializers.CharField(help_text="of what is kept: photographs are drawn anew")
    received_sha256 = serializers.CharField(help_text="of what was handed in")
    taken_with = serializers.IntegerField(
        allow_null=True, help_text="the step that took it up: it stays; null while it waits for it"
    )
    unit = serializers.CharField()
    at = serializers.DateTimeField()

    def get_url(self, one: AdmissionFile) -> str:
        path = [one.admission.uid, one.uid]
        return str(reverse("api:admission-document", path, request=self.context["request"]))


class AdmissionFilesNew(Strict):
    """Documents of one step of the way."""

    kind = serializers.ChoiceField(AdmissionFileKind.choices)
    files = serializers.ListField(child=serializers.FileField(), max_length=10)


class AdmissionFilesAdded(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="of the admission: the ETag")
    files = AdmissionFileShape(many=True)


class AdmissionFull(AdmissionRow):
    """An application with everything that belongs to it."""

    round = serializers.IntegerField(help_text="how often it was submitted")
    legal_basis = serializers.CharField()
    reason = serializers.CharField()
    township_duty = serializers.CharField()
    department_duty = serializers.CharField()
    targets = serializers.SerializerMethodField()
    people = serializers.CharField()
    money = serializers.CharField()
    equipment = serializers.CharField()
    training = serializers.CharField()
    systems = serializers.CharField()
    term = serializers.CharField()
    mode = serializers.ChoiceField(HandingMode.choices, allow_blank=True)
    held_on = serializers.DateField(allow_null=True)
    minutes = serializers.CharField()
    document_no = serializers.CharField()
    filing_no = serializers.CharField()
    matter = serializers.CharField(
        source="matter.code", default=None, allow_null=True, help_text="code in the list"
    )
    evaluate_from = serializers.DateTimeField(allow_null=True)
    evaluation = serializers.ChoiceField(Evaluation.choices, allow_blank=True)
    voices = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    available_moves = serializers.SerializerMethodField()

    @extend_schema_field(UnitShape(many=True))
    def get_targets(self, one: Admission) -> Any:
        return UnitShape(self.context["record"].targets, many=True).data

    @extend_schema_field(VoiceShape(many=True))
    def get_voices(self, one: Admission) -> Any:
        return VoiceShape(self.context["record"].voices, many=True).data

    @extend_schema_field(AdmissionFileShape(many=True))
    def get_files(self, one: Admission) -> Any:
        return AdmissionFileShape(
            self.context["record"].files, many=True, context=self.context
        ).data

    @extend_schema_field(AdmissionStepShape(many=True))
    def get_steps(self, one: Admission) -> Any:
        return AdmissionStepShape(self.context["record"].steps, many=True).data

    @extend_schema_field(
        serializers.ListField(
            child=serializers.ChoiceField(
                [(name, name) for name, move in ADMISSION_MOVES.items() if move.by_people]
            )
        )
    )
    def get_available_moves(self, one: Admission) -> Any:
        return self.context["moves"]


class AdmissionPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AdmissionRow(many=True)


def _text(name: str) -> serializers.CharField:
    needed = name in NEEDED
    options: dict[str, Any] = {} if needed else {"required": False, "allow_blank": True}
    return serializers.CharField(max_length=Admission.length_of(name) or TEXT_LENGTH, **options)


class AdmissionWritten(Strict):
    """An application as it is written down."""

    name = _text("name")
    category = _text("category")
    lead = serializers.UUIDField(
        required=False, help_text="a department; left out: the one that applies"
    )
    legal_basis = _text("legal_basis")
    reason = _text("reason")
    township_duty = _text("township_duty")
    department_duty = _text("department_duty")
    targets = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MOST_TOWNSHIPS,
        help_text="the townships it concerns",
    )  # fmt: skip
    people = _text("people")
    money = _text("money")
    equipment = _text("equipment")
    training = _text("training")
    systems = _text("systems")
    term = _text("term")


class VoteGiven(Strict):
    department = serializers.UUIDField()
    vote = serializers.ChoiceField([(one.value, one.label) for one in VOTES])


def _field(name: str, move: Move) -> serializers.Field[Any, Any, Any, Any]:
    needed = name in move.needs
    own: dict[str, Any] = {"required": needed}
    text = {**own, "allow_blank": not needed}
    verdicts = OPINIONS if move.name == "give_opinion" else FINDINGS
    choices: dict[str, Any] = {
        "verdict": [(one.value, one.label) for one in verdicts],
        "mode": HandingMode.choices,
        "outcome": Evaluation.choices,
    }
    if name in choices:
        return serializers.ChoiceField(choices[name], **own)
    match name:
        case "township":
            return serializers.UUIDField(**own, help_text="whose objection is answered")
        case "entry":
            return serializers.UUIDField(**own, help_text="the line in force that covers it")
        case "held_on":
            return serializers.DateField(**own)
        case "votes":
            return serializers.ListField(
                child=VoteGiven(), **own, help_text="one for each member of the joint meeting"
            )
    longest = {"minutes": MINUTES_LENGTH, "note": NOTE_LENGTH, "code": CODE_LENGTH}.get(name, 60)
    return serializers.CharField(max_length=longest, **text)


def shape_of(move: Move) -> type[Strict]:
    """Make what comes with a move out of its row of the table."""
    fields = {name: _field(name, move) for name in (*move.needs, *move.takes)}
    name = "".join(part.capitalize() for part in move.name.split("_"))
    about = {"__doc__": f"What comes with {move.name}.", "__module__": __name__}
    return type(f"Admission{name}Given", (Strict,), {**fields, **about})
