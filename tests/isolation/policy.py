"""Whose everything is: the one policy of the isolation matrix.

Routes, tasks, commands, kinds of jobs, events and tables are found by their registries, not listed: what
no line here names fails the build. What is out of reach must answer exactly as what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories.calls import MONDAY

# Whose the object behind a route is. "call": of a township and the departments concerned.
# "county": everybody's of the county. "person": of the signed-in person. "public": of everybody
# signed in. "open": needs no signing in.
CALL, COUNTY, PERSON, PUBLIC, OPEN = "call", "county", "person", "public", "open"

POLICY: dict[str, str] = {
    "livez": OPEN,
    "readyz": OPEN,
    "api-schema": OPEN,
    "api-docs": OPEN,
    "api-token": OPEN,
    "api:nothing": OPEN,
    "townships:language": OPEN,
    # A person with an invitation has no password yet.
    "townships:join": OPEN,
    "townships:type-size": OPEN,
    # Between the password and being signed in.
    "mfa_authenticate": OPEN,
    # To the provider of single sign-on and back: tests/townships/test_sso.py.
    "sso_start": OPEN,
    "sso_callback": OPEN,
    # Whoever holds a report on paper may ask whether it is genuine.
    "mandates:accountability-verify": OPEN,
}


@dataclass(frozen=True)
class Route:
    """One pattern of the URL conf, with the names of what it takes."""

    name: str
    takes: tuple[str, ...]


def routes() -> list[Route]:
    return sorted(_walk(get_resolver().url_patterns), key=lambda route: route.name)


def _walk(
    patterns: list[URLPattern | URLResolver],
    spaces: tuple[str, ...] = (),
    above: tuple[str, ...] = (),
) -> Iterator[Route]:
    for pattern in patterns:
        takes = (*above, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            if pattern.app_name == "admin":
                continue  # the console is walked by its registry
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from _walk(pattern.url_patterns, inner, takes)
        elif pattern.name:
            yield Route(":".join((*spaces, pattern.name)), takes)


ROUTES = routes()


def kind_of(route: Route) -> str | None:
    """Say whose the object behind a route is; None where nobody has said so."""
    if route.name in POLICY:
        return POLICY[route.name]
    if route.name.startswith("account_"):
        return OPEN
    for prefix, kind in PREFIXES:
        if route.name.startswith(prefix):
            return kind
    return None


PREFIXES = (
    ("system-state", PUBLIC),
    # One's own, whatever post: tests/townships/test_factors.py.
    ("mfa_", PERSON),
    ("sso_", PERSON),
    # Of the county, or of the unit that issued it: tests/mandates/test_accountability.py.
    ("mandates:accountability-", CALL),
    ("api:accountability-", CALL),
    # What is to be drawn stands in the body: tests/mandates/test_accountability.py.
    ("mandates:paper-", PUBLIC),
    ("api:paper-", PUBLIC),
    ("mandates:call-", CALL),
    ("mandates:caller-", CALL),
    # Of the desk, the office and the leader: tests/mandates/test_personal_data.py.
    ("mandates:person-", COUNTY),
    # Of the applicant, those it concerns and those who review it.
    ("mandates:burden-", COUNTY),
    ("api:burden-", COUNTY),
    ("mandates:unlisted-", CALL),
    ("api:unlisted-", CALL),
    ("mandates:admission-", CALL),
    ("api:admission-", CALL),
    ("mandates:letter", CALL),
    ("mandates:board", COUNTY),
    ("mandates:appeal-", COUNTY),
    # Whose unit is assessed: tests/mandates/test_assessments.py.
    ("mandates:assessment-", COUNTY),
    ("api:assessment-", COUNTY),
    ("api:appeal-", COUNTY),
    ("mandates:entry-", COUNTY),
    ("mandates:precedent-", COUNTY),
    # Of posts of the county: tests/mandates/test_amendments.py.
    ("mandates:proposal-", COUNTY),
    ("mandates:overlap-", COUNTY),
    # Of the office and the leader of a county: tests/mandates/test_publications.py.
    ("mandates:publication-", COUNTY),
    ("mandates:import-", COUNTY),
    # What a township holds is its own and the county's: tests/mandates/test_empowerment.py.
    ("mandates:power", COUNTY),
    ("api:power", COUNTY),
    ("mandates:notice-", PERSON),
    # Of the system administrator alone: tests/mandates/test_deliveries.py.
    ("mandates:dead-letter-", PUBLIC),
    ("mandates:filter-", PERSON),
    # Of one's own unit: tests/mandates/test_answers.py.
    ("mandates:answer-", PERSON),
    ("mandates:search", PERSON),
    ("mandates:my-work", PERSON),
    ("mandates:deadline", PUBLIC),
    ("mandates:work-calendar", PUBLIC),
    ("townships:post-", PERSON),
    ("townships:profile", PERSON),
    ("townships:session-", PERSON),
    ("townships:job-", PERSON),
    ("townships:export-", PUBLIC),
    # Of the audit administrator alone: tests/townships/test_audit_pages.py.
    ("townships:audit-", PUBLIC),
    ("mandates:audit-", PUBLIC),
    # Of officers and administrators: tests/mandates/test_uploads_pages.py and test_start_page.py.
    ("mandates:upload", PUBLIC),
    ("mandates:start", PUBLIC),
    ("mandates:replay-", COUNTY),
    ("mandates:scenario-", COUNTY),
    ("mandates:staff-", PERSON),
    ("mandates:duty-", PUBLIC),
    ("api:call-", CALL),
    ("api:job-", PERSON),
    ("api:export-", PUBLIC),
    ("api:letter-", CALL),
    ("api:matter-", COUNTY),
    ("api:version-", COUNTY),
    ("api:list-", COUNTY),
    ("mandates:directory", COUNTY),
    ("api:directory-", COUNTY),
    # Of those who edit a county's lists: tests/mandates/test_imports_api.py.
    ("api:import-", COUNTY),
    # Of the office and of units that are asked: tests/mandates/test_reviews.py.
    ("mandates:draft-", COUNTY),
    # What a county shows to everybody: tests/mandates/test_public_lists.py.
    ("mandates:public-", OPEN),
    ("api:precedent-", COUNTY),
    ("api:proposal-", COUNTY),
    ("api:overlap-", COUNTY),
    ("api:statistics", COUNTY),
    # What stands in it follows from the post: tests/mandates/test_events_api.py.
    ("api:georeport-one", CALL),
    ("api:georeport-list", PERSON),
    ("api:event-", PERSON),
    # Nothing is behind them but what is sent: tests/mandates/test_intake.py.
    ("api:intake-", PERSON),
    ("api:division-", PUBLIC),
    # The directory of units: everybody must see who is responsible.
    ("api:department-", PUBLIC),
    ("api:deadline", PUBLIC),
    # Of the system that asks, and of no other.
    ("api:system-secret", PUBLIC),
)


def thing(route: Route) -> str:
    return route.name.rpartition(":")[2].split("-")[0]


# --- fields of text in which no canary is planted, with the reason -------------------------------

MACHINE = "a name that the machine reads, and nobody writes"
MADE = "made by the machine from what was written"
UNPLANTED: dict[str, str] = {
    **dict.fromkeys(
        ("*.algorithm", "*.calendar_version", "*.columns", "*.content_type", "*.error", "*.figure",
         "*.from_state", "*.grain", "*.kind", "*.limit_unit", "*.move", "*.origin", "*.role",
         "*.signature", "*.stage", "*.state", "*.to_state", "*.unit_kind", "*.urgency", "*.way",
         "mandates.Clock.basis", "mandates.EntryLimit.unit",
         "mandates.Call.level", "mandates.ListProposal.key", "mandates.ProposalEvidence.outcome",
         "mandates.SavedFilter.query", "mandates.Assessment.definitions", "mandates.DayKept.layout",
         "mandates.Disposal.basis"),
        MACHINE,
    ),
    **dict.fromkeys(
        ("*.after_mark", "*.answer_key", "*.base_mark", "*.body_hash", "*.digest", "*.etag",
         "*.hash", "*.id_number_index", "*.last_hash", "*.masked", "*.number_index", "*.path", "*.phone_index",
         "mandates.PersonSearch.wanted", "*.previous_hash", "*.received_sha256", "*.sha256", "*.source_hash",
         "mandates.AccountabilityReport.code", "mandates.Caller.key", "mandates.Citation.key", "mandates.Disposal.key"),
        MADE,
    ),
    # Encrypted: planted by the operation that writes it down (`things.py`).
    **dict.fromkeys(
        ("mandates.Caller.address", "mandates.Caller.id_number", "mandates.Caller.name",
         "mandates.Caller.phone", "common.MobileNumber.number"),
        "encrypted",
    ),
    "mandates.LegalBasis.text": "bound by its digest; the text of an entry holds one",
    "mandates.Matter.code": "the same in every county: matters are found by it",
    "mandates.PowerItem.code": "the same in every county",
}  # fmt: skip

# What a row made by looking at the model must have beside its defaults, by table; <…> is somebody or
# something of the tenant.
FILLED: dict[str, dict[str, object]] = {
    "common.MobileNumber": {"number": "13800000000"},
    "common.NoticeMail": {"notice_id": "<common.Notice>"},
    "common.CountyEvent": {"kind": "list.published"},
    "mandates.EntryLimit": {"kind": "close", "unit": "working_day"},
    "mandates.AdmissionVoice": {"kind": "legality", "verdict": "lawful"},
    "mandates.AssessmentAppeal": {
        "department": "<department>", "decided_at": MONDAY, "decided_by": "<user>",
    },
    "mandates.AssessmentScore": {"department": "<department>"},
    "mandates.CallerReveal": {"way": "call"},
    "mandates.CapabilityCheck": {"item": "<mandates.PowerItem>"},
    "mandates.Disposal": {"found_at": MONDAY},
    "mandates.Objection": {
        "decided_at": MONDAY,
    },
    "mandates.PersonSearch": {"kind": "phone"},
    "mandates.PowerAgreement": {
        "sealed_on": MONDAY.date(), "published_on": MONDAY.date(), "published_in": "x",
    },
    "mandates.PowerGrant": {
        "ended_by": "<user>", "ended_at": MONDAY,
        "valid_to": MONDAY.date(), "notified_on": MONDAY.date(),
    },
    "mandates.RatingAppeal": {
        "decided_at": MONDAY, "decided_by": "<user>",
    },
    "mandates.ReviewOpinion": {"department": "<department>"},
    "mandates.SchemeItem": {"floor": 0},
    "mandates.SchemeMember": {"department": "<department>"},
    "townships.Absence": {"deputy": "<deputy>"},
}  # fmt: skip
# Of these, what the database would do without, but not the pages, with the reason.
MEANT: dict[str, str] = {
    f"mandates.PowerAgreement.{name}": "what was published was agreed: a township may confirm it"
    for name in ("sealed_on", "published_on", "published_in")
} | {
    "common.CountyEvent.kind": "a feed reads what it knows the shape of",
    "mandates.EntryLimit.kind": "an entry's page reckons with it",
    "mandates.EntryLimit.unit": "an entry's page reckons with it",
}
# Tables in which no such row can be made, with the reason.
UNFILLED: dict[str, str] = {}

# --- what runs without anybody asking for a page ---------------------------------------------------

# Each task looks for itself at what is due of every tenant, a row at a time in that row's tenant, and
# takes no order: a ring says "look", never at whose.
TASKS: dict[str, str] = {
    "common.anchor_histories": "one root a history and tenant",
    "common.clear_expired": "sessions, tokens and kept answers that have run out, of everybody",
    "common.clear_orphans": "files that belong to no row",
    "common.encrypt_clear": "values that are still in clear, of every tenant, each in its own row",
    "common.drain_outbox": "the outbox is one queue; each row is worked on in its own tenant",
    "common.scan_waiting": "files that wait for the scanner, each by its own row",
    "common.verify_histories": "reads every chain; what is kept names rows by number",
    "mandates.count_days": "one cell a county and day",
    "mandates.find_due": "what each county's own rules say may be disposed of",
    "mandates.learn_words": "each county from its own calls",
    "mandates.propose_amendments": "each county from its own disputes",
    "mandates.send_digests": "each person of what reached this person",
    "mandates.send_mail": "each person of what reached this person",
    "mandates.sweep_admissions": "limits of every county's admissions",
    "mandates.sweep_clocks": "clocks of every tenant's calls",
    "mandates.tell_of_lists": "each list in the scope of its own county",
    "townships.clear_doors": "wrong tries and old sign-ins; no tenant's row",
    "townships.clear_jobs": "results that have run out",
    "townships.deliver_webhooks": "each receiver in the scope of its own system",
    "townships.forget_deliveries": "the log of deliveries; no tenant's row",
    "townships.tell_changes": "each person of their own way in; no tenant's row",
    "townships.run_jobs": "each job in the scope of who asked for it",
}

ONE, EVERY, NONE = "one county, named", "every county", "no tenant's rows"


@dataclass(frozen=True)
class Command:
    """Whose rows a command touches; ``asks`` how the tests run it, None where they do elsewhere."""

    reach: str
    asks: tuple[str, ...] | None = None
    why: str = ""


COMMANDS: dict[str, Command] = {
    "add_administrator": Command(NONE, why="an account without a county"),
    "anchor": Command(EVERY, (), "one root a history and tenant"),
    "build_aggregates": Command(EVERY, (), "one cell a county and day"),
    "collect_messages": Command(NONE, why="files of the code"),
    "compile_catalogues": Command(NONE, why="files of the code"),
    "dispatch": Command(EVERY, why="rings for every tenant's work, as the tasks do"),
    "due": Command(NONE, why="reckons with calendars; reads no call"),
    "export_anchors": Command(EVERY, why="roots and keys of every tenant, and no text"),
    "import_list": Command(ONE, why="tests/mandates/test_list_imports.py"),
    "learn_words": Command(EVERY, (), "each county from its own calls"),
    "load_calendar": Command(NONE, why="the State Council's calendar"),
    "load_departments": Command(EVERY, why="every county gets the units it lacks"),
    "load_directory": Command(NONE, why="the directory of a city, which all its counties read"),
    "load_divisions": Command(NONE, why="divisions of a city"),
    "load_limits": Command(EVERY, why="every county gets what it lacks"),
    "load_matters": Command(EVERY, why="the same list for counties named, or all"),
    "load_powers": Command(EVERY, why="the same catalogue for counties named, or all"),
    "metrics": Command(EVERY, ("--once",), "figures by fixed names; no text, no tenant"),
    "propose_amendments": Command(EVERY, (), "each county from its own disputes"),
    "recompute_assessment": Command(EVERY, (), "reads published assessments, says which differ"),
    "recompute_clocks": Command(ONE, ("{county}",)),
    "replay": Command(ONE, ("--county", "{county}", "--list", "1", "--begins", "2026-01-01",
                            "--ends", "2026-11-01")),
    "reseal_secrets": Command(NONE, why="secrets of systems"),
    "reset_second_factor": Command(NONE, why="the second factor of one account"),
    "rotate_keys": Command(EVERY, (), "encrypted columns; prints counts alone"),
    "rotate_secret": Command(NONE, why="the secret of one system"),
    "seed_demo": Command(EVERY, why="only into an empty database"),
    "start_prefecture": Command(EVERY, why="loads a new prefecture whole"),
    "suggest_matter": Command(NONE, why="the shipped list and texts; no database"),
    "verify_chain": Command(EVERY, why="rows by number; tests/common/test_evidence.py"),
    "verify_ledger": Command(EVERY, why="rows by number; tests/common/test_ledger.py"),
}  # fmt: skip


@dataclass(frozen=True)
class Work:
    """Who may ask for a kind of job, and for what: ``about`` names parameters and their things.

    ``hears``: the file holds texts of the asker's own tenant. ``closed``: why even the asker gets
    nothing on this stage.
    """

    by: str
    about: tuple[tuple[str, str], ...] = ()
    hears: bool = True
    closed: str = ""


JOBS: dict[str, Work] = {
    **{f"export_{name}": Work("desk") for name in (
        "calls", "matters", "overlaps", "unlisted", "burdens", "admissions", "powers",
        "power_grants", "proposals",
    )},
    "export_people": Work("desk", hears=False),  # names of people, in which nothing is planted
    "export_audit": Work("audit", hears=False),
    "export_steps": Work("audit", hears=False),
    "accountability_pdf": Work("clerk", (("uid", "accountability"),)),
    "bulletin_pdf": Work("desk", (("uid", "assessment"),), closed="not yet published"),
    "call_sheet_pdf": Work("clerk", (("uid", "call"),)),
    "comparison_pdf": Work("establishment", (("before", "version"), ("after", "version"))),
    "list_import_apply": Work("establishment", (("import", "import"),), closed="no reason given"),
    "list_import": Work("establishment", (("import", "import"),)),
    "person_file": Work("desk", hears=False),  # a person's own account, in which nothing is planted
    "replay": Work("establishment", (("replay", "replay"),)),
    "replay_file": Work("establishment", (("replay", "replay"),)),
    "export_anchors": Work("audit", hears=False),
    "verify_evidence": Work("audit", hears=False),
}  # fmt: skip

# Whom an event reaches, by the first word of its kind.
EVENTS: dict[str, str] = {
    "call": "the township and the departments concerned, their county, and who oversees all",
    "list": "everybody of the county",
}


@dataclass(frozen=True)
class Shared:
    """Who may hear of a table or field of another tenant, and why."""

    who: tuple[str, ...]
    why: str


# Exceptions, each with its reason.
SHARED: dict[str, Shared] = {
    name: Shared(
        ("lead", "lead-head", "assist"),
        "what becomes of a power given to a township is known to the county's departments",
    )
    for name in (
        "mandates.PowerAgreement", "mandates.PowerGrant", "mandates.PowerEvaluation",
        "mandates.PowerSwap",
    )
}  # fmt: skip

# Tables of townships of which a department reads rows of calls it has no part in, or writes them.
# Departments stand in the call and its parts: there the wall holds them apart, and whatever names a call
# is looked for through the call. Who asked, who looked at that, files and letters are held apart by row
# security as well. A department that assists, or has a part of a call, reads all of that call: it must see
# what was tried and by when. Steps and clocks of the others it does not see, though row security alone
# would let it: boards read clocks by the hundred thousand, and a condition that looks into the call of each
# would make them dear; a step is only ever added, so it could not keep up with whom the call concerns.
# Every route is listened to for the calls of another department (`stage.py`).
OF_A_CALL = "follows its call: found through it, and the call has a wall of its own"
OF_A_POWER = "what was granted to a township is known to the county's departments"
BESIDE: dict[str, str] = {
    **dict.fromkeys(
        ("mandates.CallRating", "mandates.Clock", "mandates.ClockAction", "mandates.ClockExtension",
         "mandates.ClockPause", "mandates.Objection", "mandates.RatingAppeal", "mandates.Step"),
        OF_A_CALL,
    ),
    **dict.fromkeys(
        ("mandates.CapabilityCheck", "mandates.PowerAgreement", "mandates.PowerEvaluation",
         "mandates.PowerGrant", "mandates.PowerSwap"),
        OF_A_POWER,
    ),
    "common.IdempotencyKey": "a key is found together with the client that sent it",
    "common.Notice": "a move of one unit tells people of others: one's own are found by the person",
    "common.NoticeMail": "written beside a notice, to whomever it is",
    "common.Outbox": "a move is queued in its call's township; workers alone look for it",
}  # fmt: skip

# What is answered to a stranger in other words than what never was, by the first word of the route.
ALIKE: dict[str, str] = {
    "matter": "codes of matters are the same in all counties: the answer is the own county's",
    "mfa_": "the password is asked for first, whosever the key; then one's own keys are found",
}


def alike(route: Route) -> str | None:
    """Return the entry of ALIKE that a route falls under."""
    return next((name for name in ALIKE if route.name.rpartition(":")[2].startswith(name)), None)


# Lines of `cells.txt` by which nobody gets in on this stage, with the reason.
SHUT: dict[str, str] = {
    **dict.fromkeys(
        (
            "api:admission-document get",
            "mandates:admission-paper get",
            "mandates:admission-paper-remove post",
            "mandates:admission-find-unlawful post",
            "mandates:admission-edit get",
            "mandates:admission-edit post",
        ),
        "the one on the stage is past that: tests/mandates/test_admissions.py",
    ),
    **dict.fromkeys(
        ("api:call-file get", "mandates:call-file get", "mandates:call-file-small get"),
        "no file lies behind the row: tests/mandates/test_pictures.py",
    ),
    **dict.fromkeys(
        ("api:directory-coverage get", "api:directory-detail get"),
        "no directory of a city is loaded: tests/mandates/test_directories.py",
    ),
    "api:version-changes get": "no version before it: tests/mandates/test_versions_compared.py",
    **dict.fromkeys(
        (
            "mandates:assessment-decide post",
            "mandates:assessment-pdf get",
            "mandates:assessment-xlsx get",
        ),
        "not yet published: tests/mandates/test_assessments.py",
    ),
    **dict.fromkeys(
        (
            "mandates:board-export get",
            "mandates:filter-change post",
            "mandates:entry-workbook get",
            "mandates:entry-compare-pdf get",
            "mandates:entry-compare-xlsx get",
            "mandates:paper-make post",
            "townships:post-switch post",
            "mandates:duty-copy post",
            "mandates:duty-remove post",
            "mandates:directory-match post",
            "mandates:directory-take-over post",
        ),
        "what is meant stands in the question or the form, and nothing is named there",
    ),
    "mandates:publication-decide post": "nothing is proposed: tests/mandates/test_publications.py",
    "mandates:call-bulk post": "no call is named, and no move",
    **dict.fromkeys(
        (
            "mandates:draft-answer post",
            "mandates:draft-close post",
            "mandates:draft-grid get",
            "mandates:draft-invite post",
            "mandates:draft-line get",
            "mandates:draft-line post",
            "mandates:draft-line-new post",
            "mandates:draft-review get",
            "mandates:draft-say post",
        ),
        "no draft on the stage: tests/mandates/test_reviews.py, test_draft_grid.py",
    ),
    **dict.fromkeys(
        (
            "mandates:person-decide post",
            "mandates:person-disposal get",
            "mandates:person-record-csv get",
            "mandates:person-record-pdf get",
        ),
        "no disposal of that number: tests/mandates/test_retention.py",
    ),
    "mandates:staff-absence-end post": "nobody of that number is away: tests/mandates/test_staff_pages.py",
    **dict.fromkeys(
        ("mfa_deactivate_totp get", "mfa_deactivate_totp post", "mfa_view_recovery_codes get"),
        "nobody on the stage has a second factor: tests/townships/test_factors.py",
    ),
    **dict.fromkeys(
        ("sso_index get", "sso_let_go post"),
        "no provider is set: tests/townships/test_sso.py",
    ),
}

# Operations of the API, and pages that are read, of which the right one gets no 2xx on this stage, though
# asked in order, with the reason. Of pages only GET is asked in order: their forms are sent with a word and
# no more, so that of a post it is only said who is let in as far as being told what is wrong.
UNSERVED: dict[str, str] = {
    **dict.fromkeys(
        ("api:import-apply post", "api:import-columns post", "api:import-undo post"),
        "no workbook lies behind the import on the stage: tests/mandates/test_imports_api.py",
    ),
    **dict.fromkeys(
        ("api:job-file get", "townships:job-file get"),
        "the job on the stage has made no file: tests/townships/test_jobs.py",
    ),
    "mandates:proposal-accept get": "its address says what is changed: tests/mandates/test_amendments.py",
}

# Pages of the console that the right officer sends back as they are, and that are not saved; by model, and
# whose row it is: near, far or own.
STILL: dict[str, str] = {"townships.Post own": "nobody changes or ends a post of their own"}
