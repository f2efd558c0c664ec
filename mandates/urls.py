from django.urls import URLPattern, URLResolver, path

from mandates.models.moves import MOVES
from mandates.views import (
    board,
    calls,
    compare,
    deadlines,
    drafts,
    filters,
    matters,
    moves,
    notices,
    search,
    sheet,
    staff,
    start,
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
urlpatterns: list[URLPattern | URLResolver] = [
    path("", work.my_work, name="my-work"),
    path("board/", board.board_page, name="board"),
    path("board/wall/", board.board_wall, name="board-wall"),
    path("board/export/", board.board_export, name="board-export"),
    path("board/definitions/", board.board_definitions, name="board-definitions"),
    path("calls/", calls.call_list, name="call-list"),
    path("calls/counts/", calls.call_counts, name="call-counts"),
    path("calls/filters/", filters.filter_list, name="filter-list"),
    path("calls/filters/<uuid:uid>/", filters.filter_change, name="filter-change"),
    path("calls/filters/<uuid:uid>/delete/", filters.filter_delete, name="filter-delete"),
    path("calls/new/", drafts.call_new, name="call-new"),
    path("calls/new/matters/", drafts.call_matters, name="call-matters"),
    path("calls/new/preview/", drafts.call_preview, name="call-preview"),
    path("calls/new/similar/", drafts.call_similar, name="call-similar"),
    path("calls/<uuid:uid>/edit/", drafts.call_edit, name="call-edit"),
    path("calls/<uuid:uid>/", calls.call_detail, name="call-detail"),
    path("calls/<uuid:uid>/files/", moves.attach, name="call-attach"),
    path("calls/<uuid:uid>/files/<uuid:file>/", calls.call_file, name="call-file"),
    path("calls/<uuid:uid>/sheet/", sheet.call_sheet, name="call-sheet"),
    path("calls/<uuid:uid>/sheet.pdf", sheet.call_sheet_pdf, name="call-sheet-pdf"),
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
    path("notices/", notices.notice_list, name="notice-list"),
    path("notices/read/", notices.notice_read_all, name="notice-read-all"),
    path("notices/settings/", notices.notice_settings, name="notice-settings"),
    path("notices/<uuid:uid>/", notices.notice_read, name="notice-read"),
    path("matters/", matters.entry_list, name="entry-list"),
    path("matters/compare/", compare.compare, name="entry-compare"),
    path("matters/compare/list.pdf", compare.compare_pdf, name="entry-compare-pdf"),
    path("matters/<uuid:uid>/", matters.entry_detail, name="entry-detail"),
    path("deadlines/", deadlines.deadline, name="deadline"),
    path("calendar/", deadlines.work_calendar, name="work-calendar"),
]
