"""Code that would let a request write SQL: none stands anywhere (B7), and the check sees what does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_repository import ROOT, sources

# Where SQL by hand stands beside `queries/sql.py`, and why there.
BY_HAND = {
    "common/anchors.py": "locks the anchors of a county",
    "common/bulk.py": "writes many rows in one statement",
    "common/checks.py": "asks what the server is",
    "common/ledger.py": "holds rows against each other",
    "common/management/commands/dispatch.py": "listens, and asks the server's clock",
    "common/metrics.py": "asks what the server is",
    "common/reference.py": "reads the version of reference data with the scope",
    "common/tasks.py": "asks the server's clock",
    "common/tenancy.py": "enters the role of a scope",
    "config/health.py": "asks the server's clock",
    "config/state.py": "asks what the server is",
    "townships/operations/doors.py": "takes one lock for each name that is tried",
    "townships/tasks.py": "asks the server's clock",
}
PIECES = {"common/tenancy.py": "the statements that enter a scope: constants, ids as numbers"}
RUNS_SQL = {"execute", "executemany", "raw", "RawSQL", "extra", "mogrify", "copy_expert"}
ASKS = {
    "filter", "exclude", "get", "annotate", "alias", "aggregate", "update", "values", "values_list",
    "order_by", "distinct", "Q", "only", "defer", "select_related", "prefetch_related", "dates", "F",
    "get_or_create", "update_or_create", "create",
}  # fmt: skip
SENT = {"GET", "POST", "data", "query_params", "COOKIES", "META", "headers", "body", "initial_data"}


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each place where a request could come into a statement: its line, and what it is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        if ast.unparse(node.func).startswith("schema_editor."):
            continue  # migrations: names of tables
        if name in RUNS_SQL and node.args and is_joined(node.args[0]):
            yield node.lineno, f"SQL of {name} is put together from pieces"
        if name in ASKS:
            names = [one.value for one in node.keywords if one.arg is None]
            names += [one.value for one in node.args if isinstance(one, ast.Starred)]
            names += node.args if name in ("order_by", "F", "values", "values_list", "only") else []
            if any(comes_from_a_request(one) for one in names):
                yield node.lineno, f"names of {name} come from a request"


def is_joined(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return not all(isinstance(one, ast.Name) and one.id.isupper() for one in parts)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod | ast.Add) and not all(
            isinstance(side, ast.Constant | ast.Name) for side in (node.left, node.right)
        )
    return isinstance(node, ast.Call) and called(node) in ("format", "join", "replace")


def comes_from_a_request(node: ast.expr) -> bool:
    return any(
        isinstance(one, ast.Attribute) and one.attr in SENT and "request" in ast.unparse(one.value)
        for one in ast.walk(node)
    )


@pytest.mark.assurance("B7")
def test_no_statement_is_put_together_from_what_somebody_sent() -> None:
    found, by_hand = [], set()
    for path in sources():
        name, text = str(path.relative_to(ROOT)), path.read_text()
        if "demo" in path.parts:
            continue
        wrong = [f"{name}:{line}: {what}" for line, what in faults(ast.parse(text))]
        assert bool(wrong) or name not in PIECES, f"{name} needs no exception any more"
        found += [] if name in PIECES else wrong
        if "cursor()" in text or "RawSQL" in text or ".raw(" in text or ".extra(" in text:
            by_hand.add(name)
    assert found == []
    # Both ways: what is named here and does not do so any more is struck out.
    assert {name for name in by_hand if not name.endswith("/queries/sql.py")} == set(BY_HAND)


@pytest.mark.parametrize(
    "code",
    [
        'cursor.execute(f"select {name} from t")',
        'cursor.execute("select * from t where a = %s" % request.GET["a"])',
        'cursor.execute("select " + ", ".join(names))',
        'Call.objects.raw("select {}".format(name))',
        "Call.objects.filter(**request.GET)",
        "Call.objects.filter(**dict(request.query_params.items()))",
        "Call.objects.filter(Q(**self.request.data))",
        'Call.objects.order_by(request.GET.get("order"))',
        'Call.objects.values_list(*request.POST.getlist("fields"))',
        'Call.objects.annotate(**{request.GET["name"]: Count("pk")})',
    ],
)
def test_the_check_sees(code: str) -> None:
    assert list(faults(ast.parse(code)))


def test_the_check_lets_be() -> None:
    fine = (
        'cursor.execute("select 1 where a = %s", [request.GET["a"]])\n'
        'Call.objects.filter(title=request.GET["a"])\n'
        'request.session.get("a", **options)\n'
    )
    assert list(faults(ast.parse(fine))) == []
    assert Path(ROOT / "mandates/queries/sql.py").exists()


# Only what is done anyway when the hook is lost: files without a row are laid aside every night.
HINTS = {"mandates/operations/admission_files.py"}


@pytest.mark.assurance("F9")
def test_no_work_hangs_on_a_hook_after_commit() -> None:
    """A process may die between COMMIT and the hook; what follows from a record is a row beside it."""
    hooked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "on_commit"
    ]
    others = [place for place in hooked if place.partition(":")[0] not in HINTS]
    assert others == [], "work is written into the outbox, not hung on on_commit"
    assert {place.partition(":")[0] for place in hooked} == HINTS


READS = {"get", "dict", "items", "pop"}


def read_raw(tree: ast.AST) -> Iterator[int]:
    """Yield each line where a value is taken out of what a page was sent, past `common.sent`."""
    for node in ast.walk(tree):
        found = None
        if isinstance(node, ast.Subscript):
            found = node.value
        elif isinstance(node, ast.Call) and called(node) in READS:
            found = getattr(node.func, "value", None)
        if isinstance(found, ast.Attribute) and found.attr in ("GET", "POST"):
            yield node.lineno


@pytest.mark.assurance("B2")
def test_what_a_page_was_sent_is_read_by_a_form_or_in_the_one_way_that_leaves_nul_out() -> None:
    raw = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        for line in read_raw(ast.parse(path.read_text()))
    ]
    assert raw == [], "read it by a form, or by common.sent"
    for seen in ('request.POST.get("a")', 'self.request.GET["a"]', "request.POST.dict()"):
        assert list(read_raw(ast.parse(seen)))


def test_each_check_of_an_installation_has_an_id_of_its_own() -> None:
    """Whoever silences one, or looks it up, silences and finds that one."""
    given = [
        one.value.value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and called(node) in ("Error", "Warning", "Critical", "Info")
        for one in node.keywords
        if one.arg == "id" and isinstance(one.value, ast.Constant)
    ]
    numbers = [one.removeprefix("huying.")[1:] for one in given if one.startswith("huying.")]
    assert len(given) == len(numbers) > 20
    assert sorted(set(given)) == sorted(given)
