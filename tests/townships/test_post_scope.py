"""The door: who a request is, in which post, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse
from oauth2_provider.models import AccessToken, Application
from rest_framework.response import Response
from rest_framework.views import APIView

from common import tenancy
from common.errors import NotAllowed
from common.models import AuditEntry
from common.tenancy import Scope
from config.urls import urlpatterns as real
from tests.factories.townships import PostFactory, UserFactory, system_token
from townships.models import Post, SystemAccount, Township, User
from townships.roles import Role

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in Shanghai


def who(request: HttpRequest) -> dict[str, Any]:
    member = request.member  # type: ignore[attr-defined]
    opened = tenancy.current()
    with connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('app.townships', true)")
        role, townships = cursor.fetchone()
    return {
        "user": request.user.pk,
        "post": member.post_id if member else None,
        "scope": opened.kind if opened else None,
        "role": role,
        "townships": townships,
    }


def page(request: HttpRequest) -> HttpResponse:
    return JsonResponse(who(request))


def lazy_page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string("{% for one in rows %}{{ one.name }}{% endfor %}")
    return TemplateResponse(request, template, {"rows": Scoped()})  # type: ignore[arg-type]


class Scoped:
    """Something a template reads only while it is rendered."""

    def __iter__(self) -> Iterator[dict[str, str]]:
        opened = tenancy.current()
        yield {"name": opened.kind if opened else "none"}


def writing(request: HttpRequest, how: str) -> HttpResponse:
    UserFactory(username="written", password="x")
    if how == "crash":
        raise RuntimeError
    if how == "missing":
        raise Http404
    if how == "refused":
        raise NotAllowed
    return HttpResponse(status=int(how))


class ApiPage(APIView):
    read_scope = "calls.read"
    write_scope = "calls.write"

    def get(self, request: Any) -> Response:
        return Response(who(request._request))

    post = get


urlpatterns = [
    path("who/", login_required(page)),
    path("anybody/", page),
    path("lazy/", lazy_page),
    path("write/<str:how>/", writing),
    path("api/v1/who/", ApiPage.as_view()),
    path("", include(real)),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def post() -> Post:
    made: Post = PostFactory(valid_from=date(2026, 1, 1))
    return made


@pytest.fixture
def signed_in(client: Client, post: Post) -> Client:
    client.force_login(post.user)
    client.get("/who/")  # the first request stamps the session
    return client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def statements(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured.captured_queries]


# --- Sessions ----------------------------------------------------------------------------------


def test_a_page_runs_inside_the_scope_of_the_post(signed_in: Client, post: Post) -> None:
    answer = signed_in.get("/who/").json()

    assert answer == {
        "user": post.user_id,
        "post": post.pk,
        "scope": "township",
        "role": "huying_township",
        "townships": f"{{{post.township_id}}}",
    }
    assert tenancy.current() is None


def test_a_template_is_rendered_inside_the_scope(signed_in: Client) -> None:
    assert signed_in.get("/lazy/").content == b"township"


@pytest.mark.assurance("T13")
def test_answers_to_members_are_kept_by_nobody(signed_in: Client, client: Client) -> None:
    assert signed_in.get("/who/")["Cache-Control"] == "private, no-store"
    assert "Cache-Control" not in Client().get("/anybody/")


def test_nobody_has_no_scope(client: Client) -> None:
    answer = client.get("/anybody/").json()

    assert (answer["user"], answer["scope"], answer["role"]) == (None, None, "huying_app")
    assert client.get("/who/").status_code == 302


@pytest.mark.assurance("A4", "T15")
def test_somebody_disabled_is_nobody(signed_in: Client, post: Post) -> None:
    User.objects.filter(pk=post.user_id).update(is_active=False)

    assert signed_in.get("/anybody/").json()["user"] is None


@pytest.mark.parametrize(
    ("begins", "ends", "status"),
    [
        (date(2026, 3, 2), None, 200),
        (date(2026, 3, 3), None, 403),
        (date(2026, 1, 1), date(2026, 3, 3), 200),
        (date(2026, 1, 1), date(2026, 3, 2), 403),
    ],
)
def test_a_post_counts_from_its_first_day_to_the_day_before_its_last(
    client: Client, begins: date, ends: date | None, status: int
) -> None:
    post = PostFactory(valid_from=begins, valid_to=ends)
    client.force_login(post.user)

    answer = client.get("/who/")

    assert answer.status_code == status
    if status == 403:
        assert "no_post.html" in [used.name for used in answer.templates]


def test_the_day_is_that_of_shanghai(client: Client, clock: time_machine.Traveller) -> None:
    post = PostFactory(valid_from=date(2026, 3, 3))
    clock.move_to(datetime(2026, 3, 2, 16, 0, tzinfo=UTC))  # 00:00 of the 3rd there
    client.force_login(post.user)

    assert client.get("/who/").status_code == 200


def test_somebody_without_a_post_may_still_sign_out(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)

    assert client.get("/who/").status_code == 403
    assert client.get("/api/v1/who/").json()["code"] == "no_post"
    assert client.post(reverse("account_logout")).status_code == 302
    assert client.get("/who/").status_code == 302


# --- Changing posts ----------------------------------------------------------------------------


def test_a_person_changes_between_posts(signed_in: Client, post: Post) -> None:
    other = PostFactory(user=post.user, role=Role.COUNTY_DESK, valid_from=date(2026, 2, 1))

    answer = signed_in.post(reverse("townships:post-use", args=[other.uid]))

    assert answer.status_code == 302
    assert signed_in.get("/who/").json()["role"] == "huying_county"
    with transaction.atomic():
        signed_in.post(reverse("townships:post-use", args=[post.uid]))
    assert signed_in.get("/who/").json()["post"] == post.pk


def test_a_change_of_post_is_recorded(signed_in: Client, post: Post) -> None:
    other = PostFactory(user=post.user, role=Role.COUNTY_DESK)
    before = AuditEntry.objects.values("id").count()

    signed_in.post(reverse("townships:post-use", args=[other.uid]))

    assert AuditEntry.objects.values("id").count() == before + 1


@pytest.mark.assurance("A7")
@pytest.mark.parametrize("whose", ["another's", "ended", "nobody's"])
def test_a_post_not_held_cannot_be_used(signed_in: Client, post: Post, whose: str) -> None:
    fields = {"user": post.user, "valid_to": date(2026, 2, 1)} if whose == "ended" else {}
    uid = PostFactory(**fields).uid if whose != "nobody's" else UserFactory().uid

    assert signed_in.post(reverse("townships:post-use", args=[uid])).status_code == 404
    assert signed_in.get("/who/").json()["post"] == post.pk


@pytest.mark.assurance("T15")
@pytest.mark.parametrize("chosen", ["foreign", "ended", "gone", "nonsense"])
def test_a_post_that_no_longer_holds_gives_way_to_the_first_valid_one(
    signed_in: Client, post: Post, chosen: str
) -> None:
    key: object = {
        "foreign": lambda: PostFactory().pk,
        "ended": lambda: PostFactory(user=post.user, valid_to=date(2026, 2, 1)).pk,
        "gone": lambda: 10**9,
        "nonsense": lambda: "x",
    }[chosen]()
    session = signed_in.session
    session["post"] = key
    session.save()

    assert signed_in.get("/who/").json()["post"] == post.pk


# --- Sessions end, passwords change, languages --------------------------------------------------


@pytest.mark.assurance("A4")
def test_a_session_ends_after_a_time_without_use(
    signed_in: Client, settings: Any, clock: time_machine.Traveller
) -> None:
    settings.IDLE_TIMEOUT_SECONDS = 600
    clock.shift(timedelta(seconds=600))
    assert signed_in.get("/who/").status_code == 200

    clock.shift(timedelta(seconds=601))

    assert signed_in.get("/who/").status_code == 302
    assert "sessionid" not in signed_in.cookies or not signed_in.cookies["sessionid"].value


def test_a_session_is_stamped_once_a_minute(
    signed_in: Client, clock: time_machine.Traveller
) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as captured:
            signed_in.get("/who/")
        return sum('UPDATE "django_session"' in sql for sql in statements(captured))

    clock.shift(timedelta(seconds=59))
    assert writes() == 0
    clock.shift(timedelta(seconds=1))
    assert writes() == 1
    assert writes() == 0


def test_a_first_password_is_changed_first(client: Client, settings: Any) -> None:
    post = PostFactory(user=UserFactory(must_change_password=True))
    client.force_login(post.user)
    change = reverse("account_change_password")

    assert client.get("/who/")["Location"] == change
    assert client.get("/api/v1/who/").json()["code"] == "password_change_required"
    answer = client.post(
        change,
        {
            "oldpassword": "correct horse battery",
            "password1": "vermilion-staple-9",
            "password2": "vermilion-staple-9",
        },
    )

    assert answer.status_code == 302
    post.user.refresh_from_db()
    assert (post.user.must_change_password, post.user.password_changed_at) == (False, NOON)
    assert client.get("/who/").status_code == 200


def test_the_demonstration_may_keep_its_passwords(client: Client, settings: Any) -> None:
    settings.FORCE_PASSWORD_CHANGE = False
    post = PostFactory(user=UserFactory(must_change_password=True))
    client.force_login(post.user)

    assert client.get("/who/").status_code == 200


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_persons_language_goes_before_the_browsers(client: Client, language: str) -> None:
    post = PostFactory(user=UserFactory(language=language))
    client.force_login(post.user)
    other = "en" if language == "zh-hans" else "zh-hans"

    answer = client.get("/who/", headers={"Accept-Language": other})

    assert answer["Content-Language"] == language


# --- What is written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "status", "kept"),
    [
        ("200", 200, True),
        ("409", 409, True),
        ("500", 500, False),
        ("503", 503, False),
        ("missing", 404, False),
        ("refused", 403, False),
        ("crash", 500, False),
    ],
)
@pytest.mark.parametrize("member", [True, False])
def test_what_a_failed_request_wrote_is_undone(
    client: Client, post: Post, member: bool, how: str, status: int, kept: bool
) -> None:
    client.raise_request_exception = False
    if member:
        client.force_login(post.user)

    answer = client.get(f"/write/{how}/")

    assert answer.status_code == status
    assert User.objects.filter(username="written").exists() is kept
    assert tenancy.current() is None


# --- Systems -----------------------------------------------------------------------------------


def test_a_token_opens_the_scope_of_its_post(client: Client, post: Post) -> None:
    token = system_token(post)

    answer = client.get("/api/v1/who/", headers=bearer(token))

    assert answer.json()["post"] == post.pk
    assert answer.json()["role"] == "huying_township"
    assert answer["Cache-Control"] == "private, no-store"


def break_expired(account: SystemAccount) -> None:
    AccessToken.objects.update(expires=NOON)


def break_revoked(account: SystemAccount) -> None:
    AccessToken.objects.get().revoke()


def break_account(account: SystemAccount) -> None:
    SystemAccount.objects.update(is_active=False)


def break_user(account: SystemAccount) -> None:
    User.objects.update(is_active=False)


def break_post(account: SystemAccount) -> None:
    Post.objects.update(valid_to=date(2026, 3, 2))


def break_binding(account: SystemAccount) -> None:
    Post.objects.update(user=UserFactory())


def break_application(account: SystemAccount) -> None:
    SystemAccount.objects.all().delete()


@pytest.mark.assurance("A6")
@pytest.mark.parametrize(
    "spoil",
    [
        break_expired,
        break_revoked,
        break_account,
        break_user,
        break_post,
        break_binding,
        break_application,
    ],
)
def test_a_token_counts_only_while_all_of_it_is_valid(
    client: Client, post: Post, spoil: Any
) -> None:
    token = system_token(post)
    assert client.get("/api/v1/who/", headers=bearer(token)).status_code == 200

    spoil(SystemAccount.objects.get())

    answer = client.get("/api/v1/who/", headers=bearer(token))
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.assurance("A6")
@pytest.mark.parametrize("token", ["", "x", "é", "\0", "a" * 5000])
def test_a_made_up_token_is_nobody(client: Client, token: str) -> None:
    assert client.get("/api/v1/who/", headers=bearer(token)).status_code == 401


def test_a_token_goes_before_a_session_and_opens_no_pages(signed_in: Client, post: Post) -> None:
    system = PostFactory(role=Role.COUNTY_DESK)
    token = system_token(system)

    assert signed_in.get("/api/v1/who/", headers=bearer(token)).json()["post"] == system.pk
    assert Client().get("/who/", headers=bearer(token)).status_code == 302


@pytest.mark.assurance("A6")
@pytest.mark.parametrize(
    ("scopes", "allowed", "read", "write"),
    [
        ("calls.read calls.write", "calls.read calls.write", 200, 200),
        ("calls.read", "calls.read calls.write", 200, 403),
        ("calls.read calls.write", "calls.read", 200, 403),
        ("reference.read", "calls.read", 403, 403),
    ],
)
def test_a_token_reaches_as_far_as_its_scopes(
    client: Client, post: Post, scopes: str, allowed: str, read: int, write: int
) -> None:
    token = system_token(post, scopes=scopes, allowed=allowed)

    assert client.get("/api/v1/who/", headers=bearer(token)).status_code == read
    assert client.post("/api/v1/who/", headers=bearer(token)).status_code == write


def test_a_system_gets_a_token_by_its_secret(client: Client, post: Post) -> None:
    application = Application(
        name="other system",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_secret="a secret of the other system",
    )
    application.save()
    SystemAccount.objects.create(
        application=application,
        user=post.user,
        post=post,
        source_system="other",
        allowed_scopes="calls.read",
    )

    answer = client.post(
        reverse("api-token"),
        {
            "grant_type": "client_credentials",
            "client_id": application.client_id,
            "client_secret": "a secret of the other system",
            "scope": "calls.read",
        },
    )

    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    assert client.get("/api/v1/who/", headers=bearer(token)).json()["post"] == post.pk
    assert list(AccessToken.objects.values_list("token")) == [("",)]  # a checksum is kept
    application.refresh_from_db()
    assert "secret of the other" not in application.client_secret


@pytest.mark.assurance("A5")
def test_a_session_at_the_api_must_prove_its_origin(post: Post) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(post.user)

    assert client.get("/api/v1/who/").status_code == 200
    refused = client.post("/api/v1/who/")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert "CSRF Failed" not in refused.json()["detail"]


def test_a_machine_does_not_use_pages(client: Client) -> None:
    post = PostFactory(user=UserFactory(is_machine=True))
    client.force_login(post.user)

    assert client.get("/who/").status_code == 403


# --- Round trips -------------------------------------------------------------------------------


def test_a_system_costs_a_token_a_transaction_and_a_scope(client: Client, post: Post) -> None:
    token = system_token(post)

    with CaptureQueriesContext(connection) as captured:
        client.get("/api/v1/who/", headers=bearer(token))

    sent = statements(captured)
    assert "oauth2_provider_accesstoken" in sent[0]
    assert sent[1].startswith("SAVEPOINT")  # BEGIN, outside of a test
    assert sent[2].startswith("SET LOCAL ROLE")
    assert "current_user" in sent[3]  # the view


def test_a_person_costs_session_user_posts_a_transaction_and_a_scope(signed_in: Client) -> None:
    PostFactory(user=Post.objects.get().user, role=Role.COUNTY_DESK)

    with CaptureQueriesContext(connection) as captured:
        signed_in.get("/who/")

    sent = statements(captured)
    assert [sql.split('FROM "')[1].split('"')[0] for sql in sent[:3]] == [
        "django_session",
        "townships_user",
        "townships_post",
    ]
    assert sent[3].startswith("SAVEPOINT")
    assert sent[4].startswith("SET LOCAL ROLE")
    assert "current_user" in sent[5]


def test_health_asks_nothing(client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        client.get("/livez")

    assert not captured.captured_queries


def test_a_member_of_the_whole_city_reads_everywhere(client: Client) -> None:
    post = PostFactory(role=Role.CITY_OVERSEER)
    client.force_login(post.user)

    assert client.get("/who/").json()["role"] == "huying_all"
    assert Scope("all").is_wide
    assert Township.objects.count() == 0


# --- What people set for themselves -------------------------------------------------------------


def test_a_person_sets_language_and_type_size(signed_in: Client, post: Post) -> None:
    answer = signed_in.post(
        reverse("townships:profile"),
        {"language": "en", "type_size": "xlarge", "next": "/who/?a=1"},
    )

    assert answer["Location"] == "/who/?a=1"
    post.user.refresh_from_db()
    assert (post.user.language, post.user.type_size) == ("en", "xlarge")


@pytest.mark.assurance("A11")
def test_unknown_settings_and_foreign_addresses_are_left_out(signed_in: Client, post: Post) -> None:
    answer = signed_in.post(
        reverse("townships:profile"),
        {"language": "fr", "type_size": "\0", "next": "https://elsewhere.example/"},
    )

    assert answer["Location"] == "/"
    post.user.refresh_from_db()
    assert (post.user.language, post.user.type_size) == ("zh-hans", "standard")


@pytest.mark.parametrize("sent", ["", "x", "\0", "00000000-0000-0000-0000-000000000000"])
def test_a_menu_that_names_no_post_of_ones_own_is_refused(signed_in: Client, sent: str) -> None:
    assert signed_in.post(reverse("townships:post-switch"), {"post": sent}).status_code == 404


def test_a_menu_changes_the_post(signed_in: Client, post: Post) -> None:
    other = PostFactory(user=post.user, role=Role.COUNTY_DESK)

    signed_in.post(reverse("townships:post-switch"), {"post": str(other.uid)})

    assert signed_in.get("/who/").json()["post"] == other.pk
