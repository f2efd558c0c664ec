from django.urls import URLPattern, URLResolver, path

from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.models.burdens import BURDEN_MOVES
from mandates.models.moves import MOVES
from mandates.models.unlisted import UNLISTED_MOVES
from mandates.views import (
    accountability,
    admissions,
    amendments,
    answers,
    appeals,
    assessments,
    board,
    bulk,
    bulletin,
    burdens,
    calls,
    compare,
    dead_letters,
    deadlines,
    directories,
    drafts,
    empowerment,
    filters,
    following,
    letters,
    list_imports,
    matters,
    moves,
    notice_settings,
    notices,
    overlaps,
    papers,
    powers,
    precedents,
    public,
    recalculating,
    replays,
    reviews,
    search,
    sheet,
    staff,
    start,
    taking_back,
    unlisted,
    uploads,
    work,
)

app_name = "mandates"
MAKE = [
    path(
        f"calls/<uuid:uid>/{name.replace('_', '-')}/",
        moves.make,
        {"move": name},
        name=f"call-{name.replace('_', '-')}",
    )
    for name, move in MOVES.items()
    if move.by_people
]
ADMIT = [
    path(
        f"admissions/<uuid:uid>/{name.replace('_', '-')}/",
        admissions.admission_move,
        {"move": name},
        name=f"admission-{name.replace('_', '-')}",
    )
    for name, move in ADMISSION_MOVES.items()
    if move.by_people
]
DECIDE = [
    path(
        f"unlisted-tasks/<uuid:uid>/{name.replace('_', '-')}/",
        unlisted.unlisted_move,
        {"move": name},
        name=f"unlisted-{name.replace('_', '-')}",
    )
    for name in UNLISTED_MOVES
]
WEIGH = [
    path(f"burdens/<uuid:uid>/{name}/", burdens.burden_move, {"move": name}, name=f"burden-{name}")
    for name in BURDEN_MOVES
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", work.my_work, name="my-work"),
    path("board/", board.board_page, name="board"),
    path("board/wall/", board.board_wall, name="board-wall"),
    path("board/export/", board.board_export, name="board-export"),
    path("board/definitions/", board.board_definitions, name="board-definitions"),
    path("accountability/", accountability.accountability_list, name="accountability-list"),
    path("accountability/issue/", accountability.accountability_issue, name="accountability-issue"),
    path(
        "accountability/verify/",
        accountability.accountability_verify,
        name="accountability-verify",
    ),
    path(
        "accountability/<uuid:uid>/",
        accountability.accountability_detail,
        name="accountability-detail",
    ),
    path(
        "accountability/<uuid:uid>.pdf",
        accountability.accountability_pdf,
        name="accountability-pdf",
    ),
    path("admissions/", admissions.admission_list, name="admission-list"),
    path("admissions/new/", admissions.admission_new, name="admission-new"),
    path("admissions/<uuid:uid>/", admissions.admission_detail, name="admission-detail"),
    path("admissions/<uuid:uid>/edit/", admissions.admission_edit, name="admission-edit"),
    *ADMIT,
    path("unlisted-tasks/", unlisted.unlisted_list, name="unlisted-list"),
    path("unlisted-tasks/new/", unlisted.unlisted_new, name="unlisted-new"),
    path("unlisted-tasks/counts/", unlisted.unlisted_counts, name="unlisted-counts"),
    path("unlisted-tasks/<uuid:uid>/", unlisted.unlisted_detail, name="unlisted-detail"),
    *DECIDE,
    path("burdens/", burdens.burden_list, name="burden-list"),
    path("burdens/new/", burdens.burden_new, name="burden-new"),
    path("burdens/trend/", burdens.burden_trend, name="burden-trend"),
    path("burdens/<uuid:uid>/", burdens.burden_detail, name="burden-detail"),
    *WEIGH,
    path("assessments/", assessments.assessment_list, name="assessment-list"),
    path("assessments/<uuid:uid>/", assessments.assessment_detail, name="assessment-detail"),
    path("assessments/<uuid:uid>/appeal/", assessments.assessment_appeal, name="assessment-appeal"),
    path(
        "assessments/<uuid:uid>/appeals/<uuid:appeal>/",
        assessments.assessment_decide,
        name="assessment-decide",
    ),
    path(
        "assessments/<uuid:uid>/publish/",
        assessments.assessment_publish,
        name="assessment-publish",
    ),
    *(
        path(
            f"assessments/<uuid:uid>/bulletin.{kind}",
            bulletin.assessment_bulletin,
            {"kind": kind},
            name=f"assessment-{kind}",
        )
        for kind in bulletin.TYPES
    ),
    path("calls/", calls.call_list, name="call-list"),
    path("calls/bulk/", bulk.bulk, name="call-bulk"),
    path("calls/counts/", calls.call_counts, name="call-counts"),
    path("calls/appeals/", appeals.appeal_list, name="appeal-list"),
    path("calls/filters/", filters.filter_list, name="filter-list"),
    path("calls/filters/<uuid:uid>/", filters.filter_change, name="filter-change"),
    path("calls/filters/<uuid:uid>/delete/", filters.filter_delete, name="filter-delete"),
    path("calls/<uuid:uid>/follow/", following.follow, name="call-follow"),
    path("answers/", answers.answer_list, name="answer-list"),
    path("answers/new/", answers.answer_edit, name="answer-new"),
    path("answers/<uuid:uid>/", answers.answer_edit, name="answer-edit"),
    path("answers/<uuid:uid>/delete/", answers.answer_delete, name="answer-delete"),
    path("calls/new/", drafts.call_new, name="call-new"),
    path("calls/new/matters/", drafts.call_matters, name="call-matters"),
    path("calls/new/preview/", drafts.call_preview, name="call-preview"),
    path("calls/new/similar/", drafts.call_similar, name="call-similar"),
    path("calls/<uuid:uid>/edit/", drafts.call_edit, name="call-edit"),
    path("calls/<uuid:uid>/", calls.call_detail, name="call-detail"),
    path("calls/<uuid:uid>/files/", moves.attach, name="call-attach"),
    path("calls/<uuid:uid>/files/<uuid:file>/", calls.call_file, name="call-file"),
    path(
        "calls/<uuid:uid>/files/<uuid:file>/small/", calls.call_file_small, name="call-file-small"
    ),
    path("papers/<slug:kind>/", papers.paper_make, name="paper-make"),
    path("calls/<uuid:uid>/sheet/", sheet.call_sheet, name="call-sheet"),
    path("calls/<uuid:uid>/sheet.pdf", sheet.call_sheet_pdf, name="call-sheet-pdf"),
    path("calls/<uuid:uid>/letters/<uuid:letter>/", letters.letter, name="letter"),
    path("calls/<uuid:uid>/letters/<uuid:letter>.pdf", letters.letter_pdf, name="letter-pdf"),
    path("letters/", letters.letter_list, name="letter-list"),
    path("calls/<uuid:uid>/notes/", moves.note, name="call-note"),
    *MAKE,
    path("people/", staff.staff_list, name="staff-list"),
    path("people/absences/", staff.staff_absence, name="staff-absence"),
    path("people/absences/<uuid:uid>/end/", staff.staff_absence_end, name="staff-absence-end"),
    path("people/<uuid:uid>/hand-over/", staff.staff_hand_over, name="staff-hand-over"),
    path("duty/", staff.duty_roster, name="duty-roster"),
    path("duty/set/", staff.duty_set, name="duty-set"),
    path("duty/remove/", staff.duty_remove, name="duty-remove"),
    path("duty/copy/", staff.duty_copy, name="duty-copy"),
    path("start/", start.start, name="start"),
    path("uploads/<slug:kind>/", uploads.upload, name="upload"),
    path("uploads/<slug:kind>/template/", uploads.upload_template, name="upload-template"),
    path("search/", search.search, name="search"),
    path("notices/laid-aside/", dead_letters.dead_letter_list, name="dead-letter-list"),
    path("notices/", notices.notice_list, name="notice-list"),
    path("notices/read/", notices.notice_read_all, name="notice-read-all"),
    path("notices/settings/", notice_settings.notice_settings, name="notice-settings"),
    path("notices/<uuid:uid>/", notices.notice_read, name="notice-read"),
    path("replays/", replays.replay_list_page, name="replay-list"),
    path("replays/scenarios/new/", replays.scenario_new, name="scenario-new"),
    path("replays/scenarios/<uuid:uid>/", replays.scenario_edit, name="scenario-edit"),
    path("replays/scenarios/<uuid:uid>/run/", replays.scenario_run, name="scenario-run"),
    path("replays/scenarios/<uuid:uid>/delete/", replays.scenario_delete, name="scenario-delete"),
    path("replays/<uuid:uid>/file/", replays.replay_file, name="replay-file"),
    path("replays/<uuid:uid>/", replays.replay_detail, name="replay-detail"),
    path("powers/", powers.power_list, name="power-list"),
    path("powers/ask/", powers.power_ask, name="power-ask"),
    path("powers/today/", powers.power_today, name="power-today"),
    path("powers/townships/", powers.power_townships, name="power-townships"),
    path("powers/batches/", empowerment.powerbatch_list, name="powerbatch-list"),
    path("powers/batches/new/", empowerment.powerbatch_new, name="powerbatch-new"),
    path("powers/batches/<uuid:uid>/", empowerment.powerbatch_detail, name="powerbatch-detail"),
    *(
        path(
            f"powers/batches/<uuid:uid>/{step}/",
            empowerment.powerbatch_step,
            {"step": step},
            name=f"powerbatch-{step}",
        )
        for step in empowerment.STEPS
    ),
    path("powers/swaps/<uuid:uid>/", empowerment.powerswap_decide, name="powerswap-decide"),
    path("powers/<uuid:uid>/", powers.power_detail, name="power-detail"),
    path("powers/<uuid:uid>/score/", powers.power_score, name="power-score"),
    path("precedents/", precedents.precedent_list, name="precedent-list"),
    path("precedents/<uuid:uid>/", precedents.precedent_detail, name="precedent-detail"),
    path("proposals/", amendments.proposal_list, name="proposal-list"),
    path("proposals/new/", amendments.proposal_new, name="proposal-new"),
    path("proposals/<uuid:uid>/", amendments.proposal_detail, name="proposal-detail"),
    path("proposals/<uuid:uid>/accept/", amendments.proposal_accept, name="proposal-accept"),
    path("proposals/<uuid:uid>/reject/", amendments.proposal_reject, name="proposal-reject"),
    path("overlaps/", overlaps.overlap_list, name="overlap-list"),
    path("overlaps/new/", overlaps.overlap_new, name="overlap-new"),
    path("overlaps/<uuid:uid>/", overlaps.overlap_detail, name="overlap-detail"),
    path("matters/", matters.entry_list, name="entry-list"),
    path("matters/compare/", compare.compare, name="entry-compare"),
    path("matters/compare/list.pdf", compare.compare_pdf, name="entry-compare-pdf"),
    path("matters/compare/list.xlsx", compare.compare_xlsx, name="entry-compare-xlsx"),
    path("matters/<uuid:uid>/take-back/", taking_back.entry_take_back, name="entry-take-back"),
    path("drafts/<uuid:uid>/review/", reviews.draft_review, name="draft-review"),
    path("drafts/<uuid:uid>/review/invite/", reviews.draft_invite, name="draft-invite"),
    path("drafts/<uuid:uid>/review/<uuid:opinion>/say/", reviews.draft_say, name="draft-say"),
    path(
        "drafts/<uuid:uid>/review/<uuid:opinion>/answer/", reviews.draft_answer, name="draft-answer"
    ),
    path("drafts/<uuid:uid>/review/<uuid:review>/close/", reviews.draft_close, name="draft-close"),
    path("directory/", directories.directory_page, name="directory"),
    path("directory/derive/", directories.directory_derive, name="directory-derive"),
    path("directory/match/", directories.directory_match, name="directory-match"),
    path("directory/take-over/", directories.directory_take_over, name="directory-take-over"),
    path("public/lists/<uuid:uid>/", public.public_list, name="public-list"),
    path("public/lists/<uuid:uid>.json", public.public_json, name="public-json"),
    path("public/lists/<uuid:uid>/<int:number>/", public.public_list, name="public-version"),
    path(
        "public/lists/<uuid:uid>/<int:number>.json", public.public_json, name="public-version-json"
    ),
    path(
        "public/lists/<uuid:uid>/<int:number>/<uuid:entry>.svg",
        public.public_flow,
        name="public-flow",
    ),
    path("matters/<uuid:uid>/flow.svg", matters.entry_flow, name="entry-flow"),
    path("matters/list.xlsx", list_imports.entry_workbook, name="entry-workbook"),
    path("matters/imports/", list_imports.import_list, name="import-list"),
    path("matters/imports/<uuid:uid>/", list_imports.import_detail, name="import-detail"),
    path("matters/imports/<uuid:uid>/columns/", list_imports.import_columns, name="import-columns"),
    path("matters/imports/<uuid:uid>/apply/", list_imports.import_apply, name="import-apply"),
    path("matters/imports/<uuid:uid>/undo/", list_imports.import_undo, name="import-undo"),
    path("matters/imports/<uuid:uid>/rows.csv", list_imports.import_rows, name="import-rows"),
    path("matters/<uuid:uid>/", matters.entry_detail, name="entry-detail"),
    path("matters/<uuid:uid>/history/", amendments.entry_history, name="entry-history"),
    path("deadlines/", deadlines.deadline, name="deadline"),
    path("deadlines/recalculate/", recalculating.recalculate, name="deadline-recalculate"),
    path("calendar/", deadlines.work_calendar, name="work-calendar"),
]
