"""What somebody changes who may do everything in the database is found, and its place is named."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from common import anchors, hashing, tenancy, verifying
from common.histories import all_histories
from common.models import Anchor, AuditEntry, Verification
from common.rls import APP
from common.tenancy import Scope
from common.workflow import chain_hash
from mandates.models import Call, Step
from mandates.queries.chain import step_facts
from tests.factories.admissions import make_office
from tests.factories.calls import World, at, make_world

NOW = at(3, 20)
SEED = 20260320
KEYS = {"a": "a" * 40, "b": "b" * 40}


@pytest.fixture
def world(transactional_db: None, settings: Any) -> World:
    """A county with some calls and an admission; the first half hashed by SHA-256, the rest by SM3."""
    settings.ANCHOR_KEYS = [f"a:{KEYS['a']}"]
    settings.CHAIN_ALGORITHM = "sha256"
    world = make_world()
    first = world.handling()
    second = world.routed()
    make_office(world).consulted()
    AuditEntry.objects.create(at=NOW, action="sign_in", actor="王", target="王")
    anchors.anchor(at=at(3, 4))
    settings.CHAIN_ALGORITHM = "sm3"
    world.make("answer", first, by=world.officer(), when=at(3, 4), note="已查处", override="已反馈")
    world.make("rate", first, by=world.clerk, when=at(3, 5), rating="satisfied")
    world.make("accept", second, by=world.officer(), when=at(3, 4))
    anchors.anchor(at=NOW)
    return world


STEPS, ANCHORS = "mandates_step", "common_anchor"
Tamper = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def tampering(bench: Any) -> Tamper:
    """Own the tables, with their triggers and walls off; afterwards they are as they were."""

    @contextmanager
    def owner(*tables: str) -> Iterator[Any]:
        def run(*statements: str) -> None:
            bench.log_in(bench.access.owner)
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements:
                    for table in tables:
                        cursor.execute(statement.format(table))

        run(
            "alter table {0} disable trigger user",
            "alter table {0} no force row level security",
            "create table kept_{0} as select * from {0}",
        )
        try:
            yield connection.cursor()
        finally:
            run(
                "delete from {0}",
                "insert into {0} overriding system value select * from kept_{0}",
                "drop table kept_{0}",
                "set constraints all immediate",
                "alter table {0} enable trigger user",
            )
            bench.log_in(bench.access.app)

    return owner


@pytest.fixture
def found(bench: Any) -> Callable[..., list[tuple[str, str, int]]]:
    """Verify as the application does; return what is wrong, of which history, at which step."""

    def verified(file: list[str] | None = None) -> list[tuple[str, str, int]]:
        was_owner = connection.settings_dict["USER"] != APP
        bench.log_in(bench.access.app)
        done = verifying.verify(file=file)
        if was_owner:
            bench.log_in(bench.access.owner)
        return [(one["what"], one["history"], one["seq"]) for one in done.findings]

    return verified


def exported(**after: int) -> list[str]:
    return list(anchors.lines(at=NOW, **after))


def another(value: Any) -> Any:
    """Return a value that differs in its last bit or letter."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1_000_000
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, dict):
        return {**value, "_": 1}
    return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"


@pytest.mark.assurance("E3")
def test_one_bit_of_any_column_is_found(world: World, tampering: Tamper, found: Any) -> None:
    dice = random.Random(SEED)
    history = all_histories()["call"]
    with tampering(STEPS) as cursor:
        cursor.execute(
            "select conname from pg_constraint where conrelid = %s::regclass and contype in ('f', 'c')",
            [STEPS],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'alter table {STEPS} drop constraint "{name}"')
        for column in history.model._meta.concrete_fields:
            cursor = connection.cursor()
            cursor.execute(f"select id, {column.column} from {STEPS}")
            key, value = dice.choice(cursor.fetchall())
            new = another(
                json.loads(value) if isinstance(value, str) and value[:1] == "{" else value
            )
            new = json.dumps(new) if isinstance(new, dict) else 4711 if new is True else new
            cursor.execute(f"update {STEPS} set {column.column} = %s where id = %s", [new, key])
            assert cursor.rowcount == 1
            told = found()
            assert told, f"{column.column} of step {key} was changed from {value} to {new}"
            key = new if column.primary_key else key
            connection.cursor().execute(
                f"update {STEPS} set {column.column} = %s where id = %s", [value, key]
            )
        assert found() == []


def hashed_anew(cursor: Any, call: Call) -> None:
    """Work out the whole chain of a call anew, as somebody who can read our code would."""
    with tenancy.imagining(Scope("all")):
        steps = list(Step.objects.filter(call=call).order_by("seq"))
    previous = ""
    for number, step in enumerate(steps, start=1):
        step.seq, step.previous_hash = number, previous
        step.hash = previous = chain_hash(
            previous, step_facts(step, call), algorithm=step.algorithm
        )
        cursor.execute(
            "update mandates_step set seq = %s, previous_hash = %s, hash = %s where id = %s",
            [step.seq, step.previous_hash, step.hash, step.pk],
        )
    cursor.execute(
        "update mandates_call set step_count = %s, last_hash = %s, state = %s where id = %s",
        [len(steps), previous, steps[-1].to_state, call.pk],
    )


def rooted_anew(cursor: Any) -> None:
    """Make the anchors of the database fit it again, without knowing the key."""
    history = all_histories()["call"]
    for one in Anchor.objects.filter(history="call"):
        with tenancy.imagining(Scope("all")):
            keys = [leaf.id for leaf in anchors.unpack(bytes(one.leaves))]
            rows = list(
                anchors.rows_of(
                    history, history.rows.filter(pk__in=keys).order_by("pk"), columns=[],
                    algorithm=one.algorithm,
                )
            )  # fmt: skip
        leaves = anchors.pack(rows)
        cursor.execute(
            "update common_anchor set leaves = %s, root = %s, count = %s where id = %s",
            [leaves, anchors.root_of(leaves, one.algorithm), len(rows), one.pk],
        )


@pytest.mark.assurance("E3")
def test_what_a_superuser_does_is_found_and_named(
    world: World, tampering: Tamper, found: Any, bench: Any
) -> None:
    file = exported()
    assert found(file) == found() == []
    with tenancy.everywhere(reason="a test looks"):
        call = Call.objects.order_by("pk")[0]
        ids = list(Step.objects.filter(call=call).order_by("seq").values_list("pk", flat=True))
    last = len(ids)

    with tampering(STEPS, "mandates_call", "mandates_letter") as cursor:
        # A step in the middle is changed, and nothing else.
        cursor.execute("update mandates_step set note = '改过' where id = %s", [ids[1]])
        assert found() == [("changed", "call", 2)]
        # The whole chain is hashed anew: it fits itself, but not what was anchored.
        hashed_anew(connection.cursor(), call)
        assert found()[0] == ("rewritten", "call", 2)
        bench.log_in(bench.access.app)
        done = verifying.verify()
        assert done.found == last - 1  # every step after it has another hash
        named = verifying.sentence(verifying.Finding(**done.findings[0]))
        assert str(call) in named
        assert str(call.uid) in named

    with tampering(STEPS, "mandates_call", ANCHORS) as cursor:
        # The anchors are made to fit as well, by somebody who does not know the key.
        cursor.execute("update mandates_step set note = '改过' where id = %s", [ids[1]])
        hashed_anew(cursor, call)
        rooted_anew(cursor)
        assert {what for what, *_place in found()} == {"anchor_forged"}
        assert ("rewritten", "call", 2) in found(file)

    with tampering(STEPS, "mandates_call", ANCHORS) as cursor:
        # All anchors are thrown away and made anew, with the key: only what is kept elsewhere tells.
        cursor.execute("update mandates_step set note = '改过' where id = %s", [ids[1]])
        hashed_anew(cursor, call)
        cursor.execute("delete from common_anchor")
        assert found() == []
        told = found(file)
        assert ("rewritten", "call", 2) in told
        assert sum(what == "anchor_gone" for what, *_place in told) == len(file) - 2

    with tampering(STEPS, "mandates_call", ANCHORS) as cursor:
        # The last anchor is taken away, another in the middle.
        cursor.execute(
            "delete from common_anchor where number = (select max(number) from common_anchor)"
        )
        assert found() == []
        assert [what for what, *_place in found(file)] == ["anchor_gone"]
        connection.cursor().execute("delete from common_anchor where number = 2")
        assert [what for what, *_place in found()] == ["anchor_number"]


@pytest.mark.assurance("E3")
def test_rows_taken_away_put_in_and_exchanged_are_found(
    world: World, tampering: Tamper, found: Any
) -> None:
    with tenancy.everywhere(reason="a test looks"):
        call = Call.objects.order_by("pk")[1]
        ids = list(Step.objects.filter(call=call).order_by("seq").values_list("pk", flat=True))
        trail = AuditEntry.objects.get(actor="王")
    last = len(ids)

    with tampering(STEPS, "mandates_call", "mandates_letter") as cursor:
        cursor.execute("delete from mandates_letter")
        cursor.execute("delete from mandates_step where id = %s", [ids[2]])
        assert found() == [("deleted", "call", 3), ("missing", "call", 3)]
        # The gap is closed, and everything after it hashed anew.
        hashed_anew(connection.cursor(), call)
        assert ("deleted", "call", 3) in found()

    with tampering(STEPS, "mandates_call", "mandates_letter") as cursor:
        cursor.execute("delete from mandates_letter")
        cursor.execute("delete from mandates_step where id = %s", [ids[-1]])
        assert found() == [("deleted", "call", last), ("head", "call", last - 1)]
        hashed_anew(connection.cursor(), call)
        assert found() == [("deleted", "call", last)]
        # The call goes altogether.
        cursor = connection.cursor()
        cursor.execute("delete from mandates_step where call_id = %s", [call.pk])
        assert ("deleted", "call", 1) in found()

    with tampering(STEPS, "mandates_call") as cursor:
        cursor.execute("update mandates_step set seq = 99 where id = %s", [ids[1]])
        cursor.execute("update mandates_step set seq = 2 where id = %s", [ids[2]])
        cursor.execute("update mandates_step set seq = 3 where id = %s", [ids[1]])
        assert ("rewritten", "call", 2) in found()

    with tampering(STEPS, "mandates_call") as cursor:
        cursor.execute(
            "insert into mandates_step (county_id, township_id, call_id, assignment_id, seq, move, "
            "from_state, to_state, role, unit, actor, at, recorded_at, note, data, algorithm, "
            "previous_hash, hash) select county_id, township_id, call_id, assignment_id, seq + 1, "
            "move, from_state, to_state, role, unit, actor, at, recorded_at, '伪造', data, algorithm, "
            "hash, repeat('0', 64) from mandates_step where id = %s",
            [ids[-1]],
        )
        assert found() == [("changed", "call", last + 1)]

    with tampering("common_auditentry") as cursor:
        cursor.execute("update common_auditentry set actor = '李' where id = %s", [trail.pk])
        assert found() == [("changed", "audit", 0)]
        connection.cursor().execute("delete from common_auditentry where id = %s", [trail.pk])
        assert found() == [("deleted", "audit", 0)]


def test_keys_change_and_old_anchors_are_still_believed(world: World, settings: Any) -> None:
    before = exported()
    settings.ANCHOR_KEYS = [f"b:{KEYS['b']}", f"a:{KEYS['a']}"]
    world.routed(when=at(3, 6))
    made = anchors.anchor(at=NOW)
    assert made.rows > 0
    assert verifying.verify().found == 0
    with tenancy.everywhere(reason="a test looks"):
        assert set(Anchor.objects.values_list("key", "algorithm")) == {
            ("a", "sha256"), ("a", "sm3"), ("b", "sm3"),
        }  # fmt: skip
    # Files of both keys, one after the other.
    later = exported(after=len(before) - 2)
    assert verifying.verify(file=[*before, *later]).found == 0
    settings.ANCHOR_KEYS = [f"b:{KEYS['b']}"]
    assert {one["what"] for one in verifying.verify().findings} == {"anchor_key"}
    with pytest.raises(anchors.UnknownKey):
        verifying.verify(file=before)


def test_the_key_of_the_secret_is_believed_for_what_it_signed_before_there_were_others(
    transactional_db: None, settings: Any
) -> None:
    settings.ANCHOR_KEYS = []
    world = make_world()
    world.routed(when=at(3, 3))
    anchors.anchor(at=at(3, 4))
    settings.ANCHOR_KEYS = [f"a:{KEYS['a']}"]
    world.routed(when=at(3, 4))
    assert anchors.anchor(at=at(3, 5)).rows > 0
    assert verifying.verify().found == 0
    # Somebody who knows SECRET_KEY signs for later rows: no key of this installation's did.
    settings.ANCHOR_KEYS = []
    world.routed(when=at(3, 5))
    assert anchors.anchor(at=at(3, 6)).rows > 0
    settings.ANCHOR_KEYS = [f"a:{KEYS['a']}"]
    assert {one["what"] for one in verifying.verify().findings} == {"anchor_forged"}


def test_a_row_is_anchored_once_however_often_and_whatever_came_late(world: World) -> None:
    assert anchors.anchor(at=NOW, everything=True).rows == 0
    history = all_histories()["call"]
    with history.reading():
        rows = set(history.rows.values_list("pk", flat=True))
    with tenancy.everywhere(reason="a test looks"):
        held = [
            leaf.id
            for one in Anchor.objects.filter(history="call")
            for leaf in anchors.unpack(bytes(one.leaves))
        ]
    assert sorted(held) == sorted(rows)
    counts = verifying.verify().counts
    assert counts["call"]["rows"] == counts["call"]["anchored"] == len(rows)
    assert counts["call"]["sha256"] > 0
    assert counts["call"]["sm3"] > 0


def test_a_file_that_was_changed_or_cut_off_is_not_believed(world: World) -> None:
    file = exported()
    told = json.loads(file[1])
    for changed, what in (
        (file[:-1], "cut_off"),
        ([*file[:1], *file[2:]], "lines_changed"),
        ([file[0], json.dumps({**told, "root": "0" * 64}), *file[2:]], "lines_changed"),
        (file[1:], "unknown_format"),
        (["?"], "not_an_anchor"),
        ([], "cut_off"),
        ([*file[:-1], file[-1].replace('"mac":"', '"mac":"0')], "not_signed"),
        ([file[0], "[]"], "not_an_anchor"),
        ([file[0], json.dumps({**told, "leaves": "AA=="})], "not_an_anchor"),
    ):
        with pytest.raises(anchors.BadFile) as refused:
            verifying.verify(file=changed)
        assert refused.value.what == what


def test_the_commands_write_and_hold_against_a_file(
    world: World, tmp_path: Path, settings: Any, tampering: Tamper, bench: Any
) -> None:
    settings.ANCHOR_FOLDER = str(tmp_path / "kept")

    def run(*arguments: str) -> str:
        out = StringIO()
        try:
            call_command(*arguments, stdout=out, stderr=StringIO())
        except CommandError as error:
            return f"{out.getvalue()}\n{error}"
        return out.getvalue()

    run("anchor", "--everything")
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert anchors.hand_out(at=NOW) is None  # nothing new
    path = tmp_path / "all.jsonl"
    assert "SHA-256" in run("export_anchors", str(path))
    assert path.read_text() != ""
    assert "已存在" in run("export_anchors", str(path))
    assert "没有发现篡改" in run("verify_chain", "--anchors", str(path))
    assert "没有发现篡改" in run("verify_chain", "--anchors", str(tmp_path / "kept"))
    assert "没有发现篡改" in run("verify_chain", "--state", str(tmp_path / "state"))
    with tampering(STEPS) as cursor:
        cursor.execute("update mandates_step set actor = '某某' where seq = 2")
        bench.log_in(bench.access.app)
        said = run("verify_chain", "--anchors", str(path))
    assert "第 2 步" in said
    assert "被改动" in said
    with tenancy.everywhere(reason="a test looks"):
        kept = list(Verification.objects.order_by("pk"))
    assert [one.found > 0 for one in kept] == [False, False, False, True]
    assert kept[0].file_name == "all.jsonl"
    assert len(kept[0].file_sha256) == 64
    path.write_text("?")
    assert "第 1 行" in run("verify_chain", "--anchors", str(path))
    assert "没有文件" in run("verify_chain", "--anchors", str(tmp_path / "none"))


def test_a_verification_goes_on_where_it_stood(world: World) -> None:
    seen: list[str] = []

    class Cut(Exception):
        pass

    state: list[str] = []

    def cut(done: verifying.Progress) -> None:
        state.append(json.dumps(done.__dict__))
        if done.phase == "chain call":
            raise Cut

    with pytest.raises(Cut):
        verifying.verify(tell=cut)
    done = verifying.verify(
        progress=verifying.Progress(**json.loads(state[-1])),
        tell=lambda one: seen.append(one.phase),
    )
    whole = verifying.verify()
    assert "anchors" not in seen
    assert (done.counts, done.anchors) == (whole.counts, whole.anchors)


def test_only_known_algorithms_make_a_hash() -> None:
    # GB/T 32905-2016, annex A: the hash of "abc".
    known = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert hashing.digest(b"abc", "sm3").hex() == known
    for name in ("md5", "none", ""):
        with pytest.raises(hashing.UnknownAlgorithm):
            hashing.digest(b"abc", name)
    # RFC 6962, section 2.1: a leaf and a node never have the same hash.
    leaves = [bytes([n]) * 60 for n in range(7)]
    assert len({hashing.root(leaves[:n], "sha256") for n in range(8)}) == 8
    assert hashing.root([b"".join(leaves)], "sha256") != hashing.root(leaves, "sha256")


def test_every_table_to_which_rows_are_only_added_is_anchored(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    anchored = {history.model._meta.db_table for history in all_histories().values()}
    # Anchors hold each other, by their numbers and by the one before.
    assert tables - anchored == {"common_anchor"}
    assert anchored <= tables
