"""The console, by its registry: every model, every page, everybody; and blind to other counties."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.forms import ModelChoiceField
from django.http import HttpResponse
from django.urls import reverse

from common import tenancy
from tests.isolation import cells
from tests.isolation.stage import CLOSED, WIDE, Asking, Said, Stage, kept_body, told, writes

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OWNED = [model for model in REGISTERED if issubclass(model, tenancy.Owned)]
NOWHERE = 987654321
NEVER = ("add", "added", "changed", "delete", "deleted")  # of what the console only shows
# Who has a post in the console; the rest are asked page by page for what `cells.txt` says.
OFFICERS = ("establishment", "next-establishment", "system", "security", "audit")


def each(registered: list[Any]) -> Any:
    return pytest.mark.parametrize("model", registered, ids=lambda model: model._meta.label)


def address(model: Any, what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def ways(model: Any, key: Any) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, address and form of everything the console does with a model, by its name."""
    found: dict[str, tuple[str, str, dict[str, Any]]] = {
        "list": ("get", address(model, "changelist"), {}),
        "popup": ("get", address(model, "changelist"), {"_popup": "1", "q": "1"}),
        "add": ("get", address(model, "add"), {}),
        "change": ("get", address(model, "change", key), {}),
        "history": ("get", address(model, "history", key), {}),
        "delete": ("get", address(model, "delete", key), {}),
        "added": ("post", address(model, "add"), {}),
        "changed": ("post", address(model, "change", key), {}),
        "deleted": ("post", address(model, "delete", key), {"post": "yes"}),
    }
    actions = admin.site._registry[model].actions or ()
    for name in sorted(
        {"delete_selected", *(str(getattr(one, "__name__", one)) for one in actions)}
    ):
        form = {"action": name, "_selected_action": [str(key)]}
        found[f"action:{name}"] = ("post", address(model, "changelist"), form)
    return found


def key_of(stage: Stage, model: Any, *, abroad: bool = False) -> Any:
    """A row of a county, or of nobody in particular."""
    with tenancy.everywhere(reason="a test looks"):
        rows = model._base_manager.order_by("pk")
        if issubclass(model, tenancy.Owned):
            rows = rows.filter(county=(stage.other if abroad else stage.world).county)
        return rows.values_list("pk", flat=True).first() or NOWHERE


def do(client: Asking, method: str, url: str, form: dict[str, Any]) -> Any:
    """Ask, and undo whatever that has done."""
    with transaction.atomic():
        answer = getattr(client, method)(url, form)
        transaction.set_rollback(True)
    return answer


@pytest.fixture
def _refusals_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.views.render", lambda *_given, status: HttpResponse(status=status))


@each(REGISTERED)
@pytest.mark.usefixtures("_refusals_are_not_drawn")
def test_the_right_posts_use_the_console_and_nobody_else(stage: Stage, model: Any) -> None:
    name = f"console:{model._meta.label}"
    if cells.is_noted(name):
        return
    people = [one for one, client in stage.clients.items() if not client.is_system]
    asked = ways(model, key_of(stage, model))
    if cells.FOLDER:
        written = {}
        for way, question in asked.items():
            said = {who: do(stage.clients[who], *question) for who in people}
            assert [who for who, one in said.items() if one.status_code >= 500] == [], way
            written[way] = [who for who, one in said.items() if cells.enters(one)]
        cells.note(name, written)
        return
    known, wrong = cells.of(name), []
    assert known.keys() == asked.keys(), f"{name}: make isolation WRITE=1"
    for way in known:
        if not known[way] and way not in NEVER and key_of(stage, model) != NOWHERE:
            wrong.append(f"{way}: nobody gets in, and there is a row")
    for way, question in asked.items():
        # One who has some post there, and is refused this, tells more than a clerk does.
        who_may = known[way]
        picked = cells.chosen(f"{name} {way}", people, who_may)
        others = [one for one in OFFICERS if one not in who_may]
        for who in dict.fromkeys((*picked, *(others if WIDE else others[:1]))):
            answer = do(stage.clients[who], *question)
            wrong += cells.judged(answer, who, way, who_may)
    assert wrong == [], told(wrong)


@each(OWNED)
def test_the_console_shows_nothing_of_another_county(stage: Stage, model: Any) -> None:
    key, officer, wrong = key_of(stage, model), stage.clients["next-establishment"], []
    assert key != NOWHERE, f"the stage holds no {model._meta.label}"
    there, nothing = ways(model, key), ways(model, NOWHERE)
    for way in there.keys() - {"list", "popup", "add", "added"}:
        with writes() as written:
            theirs = do(officer, *there[way])
        said, of_nothing = Said.by(theirs), Said.by(do(officer, *nothing[way]))
        if written:
            wrong.append(f"{way}: wrote {sorted(written)}")
        if way.startswith("action:"):
            continue  # nothing was chosen of what this one sees: the list is shown again
        if theirs.status_code not in (302, *CLOSED) or said.status != of_nothing.status:
            wrong.append(f"{way}: {theirs.status_code}/{of_nothing.status}")
    listed = do(officer, "get", address(model, "changelist"), {"id__exact": key})
    if listed.status_code == 200 and [row.pk for row in listed.context["cl"].result_list]:
        wrong.append("a condition of the list finds it")
    assert wrong == [], told(wrong)


# --- what may be chosen --------------------------------------------------------------------------------


class Selects(HTMLParser):
    """The values that a page lets somebody choose, by the name of the field."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self.inside = given.get("name") or ""
        elif tag == "option" and self.inside and given.get("value"):
            self.found.setdefault(self.inside, []).append(str(given["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.inside = ""


def choices(answer: Any) -> Iterator[tuple[str, str, Any]]:
    """Return name, name on the page and model of every field that is chosen among a tenant's rows."""
    sets = [one.formset for one in answer.context.get("inline_admin_formsets", ())]
    forms = [answer.context["adminform"].form, *(f for s in sets for f in (*s.forms, s.empty_form))]
    for form in forms:
        for name, field in form.fields.items():
            if isinstance(field, ModelChoiceField) and issubclass(
                field.queryset.model, tenancy.Owned
            ):
                yield name, form.add_prefix(name), field.queryset.model


@each(REGISTERED)
def test_nothing_foreign_may_be_chosen_in_the_console(stage: Stage, model: Any) -> None:
    """In the boxes of a form, nor by whoever sends what was not in them."""
    wrong = []
    for who in OFFICERS[:2]:
        client, is_next = stage.clients[who], who.startswith("next")
        for url in (
            address(model, "add"),
            address(model, "change", key_of(stage, model, abroad=is_next)),
        ):
            answer = do(client, "get", url, {})
            if answer.status_code != 200:
                continue
            offered = Selects(kept_body(answer).decode()).found
            with tenancy.everywhere(reason="the fields of an empty form look at their choices"):
                asked = list(choices(answer))
            for name, on_page, chosen_of in asked:
                with tenancy.everywhere(reason="a test looks"):
                    county = (stage.other if is_next else stage.world).county
                    rows = chosen_of._base_manager.filter(county=county)
                    own = {str(pk) for pk in rows.values_list("pk", flat=True)}
                if foreign := set(offered.get(on_page, ())) - own:
                    wrong.append(f"{who} {url} {on_page} offers {sorted(foreign)}")
                with writes() as written:
                    key = key_of(stage, chosen_of, abroad=not is_next)
                    sent = do(client, "post", url, {on_page: key})
                if sent.status_code == 200 and on_page == name:
                    errors = sent.context["adminform"].form.errors.get(name)
                    if errors is None or "invalid_choice" not in {e.code for e in errors.as_data()}:
                        wrong.append(f"{who} {url} {on_page} takes {key}")
                elif sent.status_code not in (200, *CLOSED):
                    wrong.append(f"{who} {url} {on_page}: {sent.status_code}")
                if written:
                    wrong.append(f"{who} {url} {on_page}: wrote {sorted(written)}")
    assert wrong == [], told(wrong)


LOOKED_UP = [
    (kind.model, name)
    for options in admin.site._registry.values()
    for kind in (options, *options.inlines)
    for name in (*kind.autocomplete_fields, *kind.raw_id_fields)
]


@pytest.mark.parametrize(("model", "name"), LOOKED_UP, ids=str)
@pytest.mark.usefixtures("_refusals_are_not_drawn")
def test_a_lookup_answers_to_those_who_see_the_list(stage: Stage, model: Any, name: str) -> None:
    """Of tenants' rows it finds those of the own county; of units too."""
    field = model._meta.get_field(name)
    asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name,
             "field_name": field.name}  # fmt: skip
    entered, lists = set(), set()
    people = [one for one, client in stage.clients.items() if not client.is_system]
    for who in people if WIDE else (*OFFICERS, "desk", "clerk", "nobody"):
        client = stage.clients[who]
        answer = do(client, "get", reverse("admin:autocomplete"), asked)
        if answer.status_code == 200:
            entered.add(who)
            if issubclass(field.related_model, tenancy.Owned):
                sees = stage.tenants
                ids = [int(one["id"]) for one in answer.json()["results"]]
                with tenancy.everywhere(reason="a test looks"):
                    rows = field.related_model._base_manager.filter(pk__in=ids)
                    met = set(rows.values_list("county_id", flat=True))
                assert met <= {sees[letter][0] for letter in client.sees}, who
        if do(client, "get", address(field.related_model, "changelist"), {}).status_code == 200:
            lists.add(who)
    assert entered
    assert entered <= lists
