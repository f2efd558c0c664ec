"""发起呼叫: find the matter, write it down, see what follows, send."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common import attachments
from common.display import moment_text
from common.errors import NotAllowed, Problem, Stale
from common.sent import typed_in
from common.workflow import MoveRefused
from mandates.forms.drafts import CallForm, as_typed, first_shown
from mandates.models import Call, CallFile, CallState, Step
from mandates.operations import calls, drafts, files
from mandates.permissions import Permission
from mandates.views.draft_parts import draft_files, parts
from townships.http import Member, MemberRequest

ADD = "add:"  # the button of a possible duplicate names the call
ADDED = ("title", "place", "body", "done_so_far")
LAST_STEPS = ("send_back_draft", "return_to_township")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def call_new(request: MemberRequest) -> HttpResponse:
    """Raise a call: the empty form, or what was sent of it."""
    member = _caller(request)
    if request.method == "POST":
        return _sent(request, member, None)
    start = {"token": uuid4(), **as_typed(request.GET, ("matter", "find"))}
    return _page(request, CallForm(initial=start), None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def call_edit(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Go on with a draft, also with one that was sent back."""
    member = _caller(request)
    call = Call.objects.visible_to(member).select_related("entry").filter(uid=uid).first()
    if call is None or call.township_id != member.township_id:
        raise Http404
    if request.method == "POST":
        return _sent(request, member, call)
    if call.state != CallState.DRAFT:
        messages.warning(request, _("Only a draft can be changed."))
        return redirect(call)
    matter = str(call.entry.uid) if call.entry else "unlisted"
    return _page(request, CallForm(initial=first_shown(call, matter=matter)), call)


@login_required
@require_GET
def call_matters(request: MemberRequest) -> HttpResponse:
    """The part of the form that offers matters, while somebody types."""
    member = _caller(request)
    form = CallForm(initial=as_typed(request.GET, ("find", "matter", "unlisted_reason")))
    context = parts(member, form, at=timezone.now(), only=("matters",))
    return render(request, "mandates/calls/_matters.html", {**context, "form": form})


@login_required
@require_GET
def call_preview(request: MemberRequest) -> HttpResponse:
    """What happens next, for the matter chosen; with limits and possible duplicates beside it."""
    member = _caller(request)
    typed = as_typed(request.GET, ("matter", "urgency"))
    matter_changed = typed_in(request.GET, "shown") != typed.get("matter", "")
    if matter_changed:
        typed.pop("urgency", None)  # the entry's own comes first
    beside = _uid(typed_in(request.GET, "call"))
    form = CallForm(initial=typed)
    context = parts(member, form, at=timezone.now(), beside=beside)
    context["swap_urgencies"] = matter_changed
    return render(request, "mandates/calls/_preview_answer.html", {**context, "form": form})


@login_required
@require_POST
def call_similar(request: MemberRequest) -> HttpResponse:
    """The part of the form that tells of possible duplicates, while somebody writes."""
    member = _caller(request)
    form = CallForm(initial=as_typed(request.POST, ("matter", "title", "place", "body")))
    beside = _uid(typed_in(request.POST, "call"))
    context = parts(member, form, at=timezone.now(), beside=beside, only=("duplicates",))
    return render(request, "mandates/calls/_duplicates.html", context)


def _caller(request: MemberRequest) -> Member:
    """Return the member, who must be of a township that may call. Raises NotAllowed."""
    member = request.member
    if member.township_id is None or not member.may(Permission.CALL_DRAFT):
        raise NotAllowed
    return member


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _page(
    request: HttpRequest, form: CallForm, call: Call | None, *, status: int = 200
) -> HttpResponse:
    member: Member = request.member  # type: ignore[attr-defined]
    now = timezone.now()
    context = {
        "form": form,
        "call": call,
        "draft_name": f"call-{call.uid if call else 'new'}",
        "files": draft_files(call) if call else [],
        "sent_back": _sent_back(call) if call else None,
        **parts(member, form, at=now, beside=call.uid if call else None),
        "find_url": reverse("mandates:call-matters"),
        "preview_url": reverse("mandates:call-preview"),
        "similar_url": reverse("mandates:call-similar"),
    }
    return render(request, "mandates/calls/form.html", context, status=status)


def _sent_back(call: Call) -> Step | None:
    """Return the words with which a draft came back, None for one that never left."""
    return Step.objects.filter(call=call, move__in=LAST_STEPS).order_by("-seq").first()


# --- Sending -------------------------------------------------------------------------------------


def _sent(request: MemberRequest, member: Member, call: Call | None) -> HttpResponse:
    do = typed_in(request.POST, "do")
    if do == "find":
        return _page(request, CallForm(initial=as_typed(request.POST, CallForm.base_fields)), call)
    form = CallForm(request.POST, request.FILES)
    if do.startswith(ADD):
        return _added(request, member, form, call, _uid(do.removeprefix(ADD)))
    if not form.is_valid():
        return _again(request, form, call)
    then = do if do in ("submit", "raise") else ""
    if then and _unseen_duplicates(request, member, form, call):
        form.add_error(
            None, _("Possible duplicates were found, see below. If it is not the same, send again.")
        )
        return _again(request, form, call)
    try:
        with transaction.atomic():
            written = _write(form, member, call, then)
    except Stale as problem:
        return _overtaken(request, form, call, problem)
    except Problem as problem:
        form.complain(problem)
        return _again(request, form, call)
    except IntegrityError as error:
        if "call_uid" not in str(error):
            raise
        return _sent_before(request, member, form)
    messages.success(request, _said(then))
    if then:
        return redirect(written)
    return redirect("mandates:call-edit", uid=written.uid)


def _added(
    request: MemberRequest,
    member: Member,
    form: CallForm,
    call: Call | None,
    other: UUID | None,
) -> HttpResponse:
    """补充到那一件: what was written goes to a call that is there already, instead of a new one."""
    form.full_clean()
    now = timezone.now()
    wrong = [name for name in ADDED if name in form.errors and form[name].value()]
    text = "\n".join(str(form.cleaned_data.get(name) or "") for name in ADDED).strip()
    if other is None or wrong or not text:
        for name in set(form.errors) - {"body", *wrong}:
            del form.errors[name]  # only what would be added counts here
        return _again(request, form, call)
    kept: list[CallFile] = []
    try:
        with transaction.atomic():
            if uploads := form.cleaned_data.get("files"):
                kept = files.attach(other, uploads, by=member, at=now).added
            files.add_facts(other, text, by=member, at=now)
    except Call.DoesNotExist as error:
        raise Http404 from error
    except Problem as problem:
        for one in kept:
            attachments.discard(one.path)
        form.complain(problem)
        return _again(request, form, call)
    told = _("Added to this call; the departments have a notice. No second call was made.")
    messages.success(request, told)
    return redirect("mandates:call-detail", other)


def _again(
    request: HttpRequest, form: CallForm, call: Call | None, *, status: int = 422
) -> HttpResponse:
    """Show the form with what was typed; nothing was written."""
    if request.FILES:
        form.add_error("files", _("Nothing was kept of the files: choose them again."))
    return _page(request, form, call, status=status)


def _unseen_duplicates(
    request: MemberRequest, member: Member, form: CallForm, call: Call | None
) -> bool:
    """Say whether there may be duplicates that the sender has not been shown."""
    if typed_in(request.POST, "shown") == form.chosen:
        return False
    # The same form sent twice is no duplicate of itself.
    beside = call.uid if call else form.cleaned_data["token"]
    found = parts(member, form, at=timezone.now(), beside=beside, only=("duplicates",))
    return bool(found["duplicates"])


def _write(form: CallForm, member: Member, call: Call | None, then: str) -> Call:
    """Write the draft, its files and the move, all or nothing. Raises Problem."""
    now = timezone.now()
    uploads = form.cleaned_data["files"]
    at_once = call is None and not uploads
    looked = attachments.look_at(uploads, by=member, at=now)  # before anybody waits for the call
    kept = []
    try:
        if call is None:
            work = drafts.draft(
                form.written(),
                by=member,
                at=now,
                then=then if at_once else "",
                uid=form.cleaned_data["token"],
            )
        else:
            version = form.cleaned_data["version"]
            work = drafts.revise(call.uid, form.written(), by=member, at=now, version=version)
        if uploads:
            kept = files.attach(work.call.uid, uploads, by=member, at=now, looked=looked).added
        if then and not at_once:
            work = calls.make(then, work.call.uid, by=member, at=now)
    except Exception:
        for one in kept:
            attachments.discard(one.path)
        raise
    return work.call


def _said(then: str) -> str:
    time = moment_text(timezone.now(), now=timezone.now())
    if then == "submit":
        return _("Submitted; the head of the township has a notice.")
    if then == "raise":
        return _("Raised. It is dispatched by itself in a moment.")
    return _("Draft saved %(time)s") % {"time": time}


def _overtaken(
    request: HttpRequest, form: CallForm, call: Call | None, problem: Problem
) -> HttpResponse:
    """Somebody else changed the draft: keep what was typed, and let it be sent knowingly."""
    assert call is not None
    data = request.POST.copy()
    data["version"] = str(call.version)
    renewed = CallForm(data, request.FILES)
    renewed.full_clean()
    renewed.complain(problem)
    renewed.add_error(None, _("Look at what stands there now; sending again replaces it."))
    return _again(request, renewed, call, status=problem.status)


def _sent_before(request: HttpRequest, member: Member, form: CallForm) -> HttpResponse:
    """The same form came twice: lead to what the first one made."""
    uid = form.cleaned_data["token"]
    made = Call.objects.visible_to(member).filter(uid=uid).first()
    if made is not None:
        messages.info(request, _("This form had been sent already; it was not made a second call."))
        return redirect(made)
    data = request.POST.copy()
    data["token"] = str(uuid4())
    renewed = CallForm(data, request.FILES)
    renewed.complain(MoveRefused(_("Please send it again."), code="token_taken"))
    return _again(request, renewed, None)
