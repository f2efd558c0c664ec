"""The story of one call: who does what with it, and when, through the operations people use."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from common import tenancy, worktime
from common.worktime import Unit
from config.demo import texts
from config.demo.plan import Begun, CountyPlan
from mandates.models import Call, CallState, Origin, Part, Rating, Urgency
from mandates.models.limits import ON_SITE
from mandates.operations import calls, drafts, files
from mandates.operations.casework import Casework, local_day
from mandates.operations.making import Given
from mandates.operations.writing import Draft
from mandates.queries.rulebook import EntryFacts
from townships.http import Member
from townships.roles import Role

if TYPE_CHECKING:
    from config.demo.year import Running, Year

Said = TypeVar("Said")
SOON = timedelta(seconds=95)  # routing is done by then
# Calls that are to stand at a point today come there without delay.
QUICK = frozenset(
    (
        "handling", "replied", "asked", "extension", "assists", "on_site", "answered", "rework",
        "objected",
    )
)  # fmt: skip
QUICKLY = 0.2
SHORT_TIME = 45  # minutes of office time: with less, people count plain minutes

# How often things happen, of a hundred times. Made up: no county's figures.
LATE = {"approve": 5, "dispatch": 8, "accept": 7, "ruling": 10, "reply": 6, "answer": 9}
LATE |= {"supply": 10, "decide": 8, "rework": 12, "feed_back": 8}
STAYS_DRAFT, SENT_BACK_DRAFT, WITHDRAWN, RETURNED = 1, 5, 2, 25
OBJECTS, UPHELD, ASKS, EXTENDS, GRANTED = 6, 55, 7, 6, 80
OVERRIDES, SILENT, REWORK, UNSATISFIED, MOSTLY = 12, 7, 6, 4, 24
APPEALED, DECIDED, EXCLUDED = 60, 70, 40
WHISTLED, NOT_IN_TIME = 30, 12


class Story:
    """One call. ``stop`` is where it stands still; without it, it takes its course."""

    call: Call
    running: Running

    def __init__(self, year: Year, plan: CountyPlan, begun: Begun) -> None:
        self.year, self.begun, self.stop = year, begun, begun.stop
        self.now = begun.at
        self.dice = random.Random(begun.seed)
        self.book = year.books[plan.county_id]
        self.villages = plan.villages.get(begun.township_id, ())
        self.entry: EntryFacts | None = None

    # --- acting --------------------------------------------------------------------------------

    def chance(self, percent: int) -> bool:
        return self.dice.random() * 100 < percent

    def say(self, choices: tuple[Said, ...]) -> Said:
        return self.dice.choice(choices)

    def staff(self, role: Role) -> Member:
        return self.year.staff.find(role, self.begun.township_id)

    @property
    def desk(self) -> Member:
        return self.year.staff.find(Role.COUNTY_DESK, self.book.county_id)

    def officer(self, department: int) -> Member:
        return self.year.staff.find(Role.DEPARTMENT_OFFICER, department)

    @property
    def lead(self) -> int:
        return next(unit for unit, part in self.running.parts if part == Part.LEAD)

    @property
    def assists(self) -> list[int]:
        return [unit for unit, part in self.running.parts if part == Part.ASSIST]

    def make(self, name: str, by: Member, **given: Any) -> None:
        with acting(by):
            work = calls.make(name, self.call.uid, by=by, at=self.now, given=Given(**given))
        self._took(work)

    def _took(self, work: Casework) -> None:
        self.call = work.call
        self.running = self.year.watch(work)
        if self.call.state == CallState.RAISED and self.call.entry_id:
            self.year.route_soon(self.call.pk, self.now)

    # --- time ----------------------------------------------------------------------------------

    def later(self, minutes: float) -> datetime:
        """Return the instant after so many minutes of office time, at no round second."""
        due = worktime.due(
            self.now, max(1, round(minutes)), Unit.WORKING_MINUTE, calendar=self.book.calendar
        )
        return due.at - timedelta(seconds=self.dice.randrange(1, 50))

    def within(
        self, kind: str, department: int | None = None, *, late: int = 0, early: float = 1.0
    ) -> datetime:
        """Return when somebody acts whose clock runs: mostly in good time, sometimes too late."""
        due = self.running.due(kind, department)
        if self.stop in QUICK:
            late, early = 0, early * QUICKLY
        if due is None or due <= self.now:
            return self.later(self.dice.expovariate(1 / 90))
        if self.chance(late):
            behind = min(self.dice.expovariate(1 / 400) + 6, 3000)
            held, self.now = self.now, due
            try:
                return self.later(behind) if not self._is_emergency else due + _minutes(behind / 8)
            finally:
                self.now = held
        share = self.dice.betavariate(1.4, 2.6) * early
        office = worktime.elapsed_minutes(
            self.now, due, Unit.WORKING_MINUTE, calendar=self.book.calendar
        )
        if office < SHORT_TIME or self._is_emergency:
            return self.now + (due - self.now) * max(share, 0.05)
        return max(self.later(office * share), self.now + timedelta(seconds=30))

    @property
    def _is_emergency(self) -> bool:
        return self.call.urgency == Urgency.EMERGENCY

    # --- the story -----------------------------------------------------------------------------

    def life(self) -> Iterator[datetime]:
        """Act, and say each time when the story goes on."""
        yield from self.in_the_township()
        if self.call.state != CallState.RAISED:
            return
        if not self.call.entry_id:
            yield from self.at_the_desk()
            if self.call.state != CallState.ROUTED:
                return
        yield self.now + SOON
        yield from self.being_accepted()
        if self.call.state != CallState.HANDLING:
            return
        yield from self.on_site()
        if self.stop in ("on_site", "duplicate", "split"):
            yield from self.with_others()
            return
        yield from self.being_handled()
        if self.call.state != CallState.ANSWERED or self.stop == "answered":
            return
        yield from self.being_rated()

    def in_the_township(self) -> Iterator[datetime]:
        writer = self.write()
        if self.call.state != CallState.DRAFT or self.stop == "draft":
            return
        if not self.stop and self.chance(STAYS_DRAFT):
            return
        yield self.later(self.dice.expovariate(1 / 25) + 2)
        self.make("submit", writer)
        if self.stop == "submitted":
            return
        head = self.staff(Role.TOWNSHIP_HEAD)
        yield self.within("approve", late=LATE["approve"])
        if not self.stop and self.chance(SENT_BACK_DRAFT):
            self.make("send_back_draft", head, note=self.say(texts.SENT_BACK_DRAFT))
            yield self.later(self.dice.expovariate(1 / 60) + 5)
            self.make("submit", writer)
            yield self.within("approve")
        self.make("raise", head)

    def write(self) -> Member:
        """Write the call down; an emergency is raised at once, and so is what a head writes."""
        entry = self._entry()
        self.entry = entry
        urgent = entry is not None and entry.urgency == Urgency.EMERGENCY
        role, then = Role.TOWNSHIP_CLERK, "raise" if urgent else ""
        workers = self.year.staff.all_of(Role.GRID_WORKER, self.begun.township_id)
        if workers and not urgent and self.chance(25):
            role = Role.GRID_WORKER
        elif self.stop not in ("draft", "submitted") and not urgent and self.chance(10):
            role, then = Role.TOWNSHIP_HEAD, "raise"
        writer = self.staff(role)
        with acting(writer):
            work = drafts.draft(self._written(entry), by=writer, at=self.now, then=then)
        self._took(work)
        return writer

    def _entry(self) -> EntryFacts | None:
        day = local_day(self.now)
        return next((e for e in self.book.in_force(day) if e.code == self.begun.code), None)

    def _written(self, entry: EntryFacts | None) -> Draft:
        place = texts.place(self.villages, self.dice)
        origin = self.dice.choices(list(Origin.values)[:4], weights=(50, 25, 18, 7))[0]
        done = self.say(texts.DONE_SO_FAR) if self.chance(70) else ""
        if entry is None:
            text, reason = self.dice.choice(texts.UNLISTED)
            return Draft(
                title=f"{place}：{text.partition('，')[0]}", body=f"{text}。", place=place,
                unlisted_reason=reason, done_so_far=done, origin=origin,
            )  # fmt: skip
        sample = self.dice.choice(texts.samples()[entry.code])
        return Draft(
            title=f"{place}：{sample.title}", body=sample.text, place=place, entry=entry.uid,
            done_so_far=done, origin=origin,
        )  # fmt: skip

    def at_the_desk(self) -> Iterator[datetime]:
        """On no list: the desk finds somebody, or gives it back."""
        if self.stop == "unlisted":
            return
        yield self.within("dispatch", late=LATE["dispatch"])
        if self.stop == "returned" or (not self.stop and self.chance(RETURNED)):
            self.make("return_to_township", self.desk, note=self.say(texts.RETURNED))
            if self.stop == "returned":
                yield self.later(120)
                clerk = self.staff(Role.TOWNSHIP_CLERK)
                self.make("withdraw", clerk, note=self.say(texts.WITHDRAWN))
            return
        lead, assist = self.dice.sample(self._units(), 2)
        self.make(
            "dispatch", self.desk, lead=lead, assists=[assist] if self.chance(30) else (),
            note=self.say(texts.DISPATCHED),
        )  # fmt: skip

    def _units(self) -> list[Any]:
        """Name the departments that lead anything on the list."""
        leads = {entry.lead_id for entry in self.book.entries.values()}
        units = (self.book.units[key] for key in sorted(one for one in leads if one))
        return [unit.uid for unit in units]

    def being_accepted(self) -> Iterator[datetime]:
        if self.stop == "routed":
            return
        if self.stop == "withdrawn" or (not self.stop and self.chance(WITHDRAWN)):
            yield self.within("accept", early=0.5)
            self.make("withdraw", self.staff(Role.TOWNSHIP_CLERK), note=self.say(texts.WITHDRAWN))
            return
        objects = not self.stop and not self._is_emergency and self.chance(OBJECTS)
        if objects or self.stop in ("objected", "upheld", "rejected"):
            yield from self.being_disputed()
            if self.call.state != CallState.ROUTED:
                return
        yield self.within("accept", self.lead, late=LATE["accept"])
        self.make("accept", self.officer(self.lead))

    def being_disputed(self) -> Iterator[datetime]:
        """The lead says "not ours"; the desk rules."""
        lead = self.lead
        yield self.within("object", early=0.8)
        note, law, article = self.dice.choice(texts.OBJECTIONS)
        other = self.dice.choice([uid for uid in self._units() if uid != self.book.units[lead].uid])
        cites: dict[str, Any] = {"law": law, "article": article}
        if self.entry is not None and self.chance(50):
            cites = {"entry": self.entry.uid}
        self.make("object", self.officer(lead), note=note, proposed=other, **cites)
        if self.stop == "objected":
            return
        yield self.within("ruling", late=LATE["ruling"])
        if self.stop == "upheld" or (self.stop != "rejected" and self.chance(UPHELD)):
            self.make("uphold", self.desk, note=self.say(texts.UPHELD), lead=other)
        else:
            self.make("reject", self.desk, note=self.say(texts.REJECTED))

    # --- with the departments ------------------------------------------------------------------

    def on_site(self) -> Iterator[datetime]:
        """The township whistles for what is urgent; most departments come in time, one by one."""
        dice = random.Random(self.begun.seed + 1)  # leaves the story's own as they fell
        shown = self.stop == "on_site"
        if self.call.urgency not in ON_SITE or (self.stop and not shown):
            return
        if not shown and dice.random() * 100 >= WHISTLED:
            return
        head, place = self.staff(Role.TOWNSHIP_HEAD), self.call.place
        self.make("call_on_site", head, place=place, note=dice.choice(texts.WHISTLES))
        todo: list[tuple[datetime, int]] = []
        for unit in (self.lead, *self.assists):
            due = self.running.due("report", unit)
            assert due is not None
            is_late = unit != self.lead if shown else dice.random() * 100 < NOT_IN_TIME
            share = dice.uniform(1.05, 1.8) if is_late else dice.uniform(0.25, 0.95)
            todo.append((self.now + (due - self.now) * share, unit))
        for at, unit in sorted(todo):
            yield at
            people = dice.choice(texts.CAME)
            self.make("report_on_site", self.officer(unit), people=people)

    def with_others(self) -> Iterator[datetime]:
        """The same is called a second time and linked, or something separate is split off."""
        clerk = self.staff(Role.TOWNSHIP_CLERK)
        if self.stop == "split":
            yield self.later(30)
            title, note, reason = self.say(texts.SPLIT)
            self.make("split", clerk, title=title, note=note, unlisted_reason=reason)
        elif self.stop == "duplicate":
            yield self.later(60)
            head = self.staff(Role.TOWNSHIP_HEAD)
            with acting(head):
                again = drafts.draft(self._again(), by=head, at=self.now, then="raise")
            self.year.watch(again)
            self.year.route_soon(again.call.pk, self.now)
            yield self.now + SOON
            given = Given(original=str(self.call.uid), note=self.say(texts.CALLED_TWICE))
            with acting(clerk):
                self.year.watch(
                    calls.make("link", again.call.uid, by=clerk, at=self.now, given=given)
                )

    def _again(self) -> Draft:
        """Write down once more what the call says, as somebody does who does not know of it."""
        call = self.call
        return Draft(
            title=call.title, body=call.body, place=call.place, origin=Origin.RESIDENT,
            entry=self.entry.uid if self.entry else None, unlisted_reason=call.unlisted_reason,
        )  # fmt: skip

    def being_handled(self) -> Iterator[datetime]:
        """The lead works towards its answer, the others give theirs, in order of time."""
        lead = self.officer(self.lead)
        answer_at = self.within("close", self.lead, late=LATE["answer"])
        todo: list[tuple[datetime, int, str, int]] = []
        for number, unit in enumerate(self.assists):
            accept_at = self.within("accept", unit, late=LATE["accept"])
            if self.stop != "assists":
                heapq.heappush(todo, (accept_at, number, "accept", unit))
        reply_at = self.within("first_reply", self.lead, late=LATE["reply"])
        if self.stop not in ("handling", "asked", "extension") and (
            reply_at < answer_at or self.chance(30)
        ):
            heapq.heappush(todo, (reply_at, 100, "reply", self.lead))
        asks = self.stop == "asked" or (not self.stop and self.chance(ASKS))
        extends = self.stop == "extension" or (not self.stop and not asks and self.chance(EXTENDS))
        if asks or extends:
            early = self.within("close", self.lead, early=0.4)
            name = "ask_information" if asks else "ask_extension"
            heapq.heappush(todo, (early, 101, name, self.lead))
        while todo and (todo[0][0] < answer_at or todo[0][2] != "accept" or self.stop):
            at, number, name, unit = heapq.heappop(todo)
            yield max(at, self.now + timedelta(seconds=20))
            for follows in self._does(name, unit):
                if isinstance(follows, datetime):
                    yield follows
                else:
                    heapq.heappush(todo, (follows[0], number, follows[1], unit))
            if name.startswith("ask_") and self.stop not in ("asked", "extension"):
                answer_at = self.within("close", self.lead, late=LATE["answer"])
        if self.stop in ("handling", "replied", "asked", "extension", "assists"):
            return
        yield max(answer_at, self.now + timedelta(minutes=4))
        if self.chance(4):
            self.make("urge", self.staff(Role.TOWNSHIP_HEAD), note=self.say(texts.URGES))
            yield self.later(30)
        yield from self.answering(lead)

    def _does(self, name: str, unit: int) -> Iterator[Any]:
        """Make one move of a department; yield instants to wait for, and moves that follow."""
        officer = self.officer(unit)
        if name == "accept":
            self.make("accept", officer)
            yield self.within("close", unit, late=LATE["feed_back"], early=0.7), "feed_back"
        elif name == "feed_back":
            self.make("feed_back", officer, note=self.say(texts.ASSISTING))
        elif name == "reply":
            self.make("reply", officer, note=self.say(texts.REPLIES))
        elif name == "ask_information":
            self.make("ask_information", officer, note=self.say(texts.QUESTIONS))
            if self.stop != "asked":
                yield self.within("supply", late=LATE["supply"])
                clerk = self.staff(Role.TOWNSHIP_CLERK)
                self.make("supply_information", clerk, note=self.say(texts.SUPPLIED))
        else:
            amount = self.dice.randrange(1, 2 + self._closing_amount() // 2)
            self.make("ask_extension", officer, amount=amount, note=self.say(texts.EXTENSIONS))
            if self.stop != "extension":
                yield self.within("extension", late=LATE["decide"])
                if self.chance(GRANTED):
                    self.make("grant_extension", self.staff(Role.TOWNSHIP_HEAD))
                else:
                    note = self.say(texts.EXTENSION_REFUSED)
                    self.make("refuse_extension", self.desk, note=note)

    def _closing_amount(self) -> int:
        return self.book.period(self.call.urgency, "close", self.entry).amount

    def answering(self, lead: Member) -> Iterator[datetime]:
        """Hand in what the matter asks for, and answer."""
        if self.entry is not None and self.entry.evidence_files:
            with acting(lead):
                files.attach(self.call.uid, [texts.evidence(self.dice)], by=lead, at=self.now)
            self.year.untold += 1
            yield self.now + timedelta(minutes=self.dice.randrange(1, 9))
        code = self.entry.code if self.entry else ""
        override = self.say(texts.OVERRIDES) if self.assists else ""
        self.make("answer", lead, note=texts.answer(code, self.dice), override=override)

    def being_rated(self) -> Iterator[datetime]:
        if self.stop == "unrated" or (not self.stop and self.chance(SILENT)):
            return
        clerk = self.staff(Role.TOWNSHIP_CLERK)
        yield self.within("rate")
        rating, note = self._rating()
        final = rating == Rating.UNSATISFIED  # only a second rating ends with it
        if final or self.stop == "rework" or (not self.stop and self.chance(REWORK)):
            first = {"rating": Rating.UNSATISFIED, "note": self.say(texts.SENT_BACK)}
            self.make("rate", clerk, **first, **self._dimensions(Rating.UNSATISFIED))
            if self.stop == "rework":
                return
            yield self.within("rework", late=LATE["rework"])
            yield from self.answering(self.officer(self.lead))
            yield self.within("rate")
        self.make("rate", clerk, rating=rating, note=note, **self._dimensions(rating))
        if final and self.chance(APPEALED):
            yield from self.appealing()

    def _dimensions(self, rating: str) -> dict[str, str]:
        """Most people say little more than the whole; what is bad is said of one part."""
        if rating == Rating.UNSATISFIED:
            return {"speed": Rating.MOSTLY, "quality": Rating.UNSATISFIED}
        return {"speed": rating, "quality": rating, "attitude": Rating.SATISFIED}

    def appealing(self) -> Iterator[datetime]:
        """The lead appeals against the final rating; the desk decides on most appeals."""
        yield self.later(self.dice.randrange(60, 700))
        self.make("appeal_rating", self.officer(self.lead), note=self.say(texts.APPEALS))
        if not self.chance(DECIDED):
            return
        yield self.later(self.dice.randrange(200, 1200))
        if self.chance(EXCLUDED):
            note, evidence = self.say(texts.EXCLUDED), texts.EVIDENCE_OF_DECISION
            self.make("exclude_rating", self.desk, note=note, evidence=evidence)
        else:
            self.make("keep_rating", self.desk, note=self.say(texts.KEPT))

    def _rating(self) -> tuple[str, str]:
        given = self.stop if self.stop in Rating.values else ""
        if given == Rating.UNSATISFIED or (not given and self.chance(UNSATISFIED)):
            return Rating.UNSATISFIED, self.say(texts.UNSATISFIED)
        if given == Rating.MOSTLY or (not given and self.chance(MOSTLY)):
            return Rating.MOSTLY, self.say(texts.FINE)
        return Rating.SATISFIED, self.say(texts.PRAISE)


def acting(member: Member) -> AbstractContextManager[Any]:
    """Open the scope of whoever acts, as a request does."""
    assert member.scope is not None
    return tenancy.scope(member.scope)


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
