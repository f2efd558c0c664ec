from django.urls import path

from mandates.api import (
    accountability,
    admissions,
    amendments,
    appeals,
    assessments,
    bulk,
    burdens,
    callers,
    calls,
    deadlines,
    directories,
    events,
    files,
    georeport,
    imports,
    intake,
    lists,
    matters,
    overlaps,
    papers,
    powers,
    precedents,
    reviews,
    similar,
    statistics,
    suggest,
    unlisted,
    versions,
)

# Included below /api/v1/ beside those of the other apps, under one namespace.
urlpatterns = [
    path(
        "accountability/", accountability.AccountabilityList.as_view(), name="accountability-list"
    ),
    path(
        "accountability/verify/",
        accountability.AccountabilityVerify.as_view(),
        name="accountability-verify",
    ),
    path(
        "accountability/<uuid:uid>/",
        accountability.AccountabilityDetail.as_view(),
        name="accountability-detail",
    ),
    path(
        "accountability/<uuid:uid>.pdf",
        accountability.AccountabilityPdf.as_view(),
        name="accountability-pdf",
    ),
    path("admissions/", admissions.AdmissionList.as_view(), name="admission-list"),
    path("admissions/<uuid:uid>/", admissions.AdmissionDetail.as_view(), name="admission-detail"),
    path(
        "admissions/<uuid:uid>/files/",
        admissions.AdmissionFiles.as_view(),
        name="admission-documents",
    ),
    path(
        "admissions/<uuid:uid>/files/<uuid:file>/",
        admissions.AdmissionFileContent.as_view(),
        name="admission-document",
    ),
    path("assessments/", assessments.AssessmentList.as_view(), name="assessment-list"),
    path(
        "assessments/<uuid:uid>/",
        assessments.AssessmentDetail.as_view(),
        name="assessment-detail",
    ),
    path("calls/", calls.CallList.as_view(), name="call-list"),
    path("calls/bulk/", bulk.CallBulk.as_view(), name="call-bulk"),
    path("calls/appeals/", appeals.AppealList.as_view(), name="appeal-list"),
    path("calls/similar/", similar.CallSimilar.as_view(), name="call-similar"),
    path("calls/<uuid:uid>/", calls.CallDetail.as_view(), name="call-detail"),
    path("calls/<uuid:uid>/files/", files.CallFiles.as_view(), name="call-files"),
    path("calls/<uuid:uid>/files/<uuid:file>/", files.CallFileContent.as_view(), name="call-file"),
    path("calls/<uuid:uid>/additions/", similar.CallAdditions.as_view(), name="call-additions"),
    path("calls/<uuid:uid>/sheet.pdf", files.CallSheet.as_view(), name="call-sheet"),
    path(
        "calls/<uuid:uid>/letters/<uuid:letter>.pdf", files.LetterPdf.as_view(), name="letter-pdf"
    ),
    path("calls/<uuid:uid>/caller/", callers.CallCaller.as_view(), name="call-caller"),
    path("calls/<uuid:uid>/notes/", files.CallNotes.as_view(), name="call-notes"),
    path("papers/", papers.Papers.as_view(), name="paper-list"),
    path("directory/", directories.DirectoryView.as_view(), name="directory-detail"),
    path(
        "directory/coverage/",
        directories.DirectoryCoverage.as_view(),
        name="directory-coverage",
    ),
    path("imports/", imports.ImportList.as_view(), name="import-list"),
    path("imports/<uuid:uid>/", imports.ImportDetail.as_view(), name="import-detail"),
    path("imports/<uuid:uid>/columns/", imports.ImportColumns.as_view(), name="import-columns"),
    path("imports/<uuid:uid>/rows/", imports.ImportRows.as_view(), name="import-rows"),
    path("imports/<uuid:uid>/apply/", imports.ImportApply.as_view(), name="import-apply"),
    path("imports/<uuid:uid>/undo/", imports.ImportUndo.as_view(), name="import-undo"),
    path("lists/", lists.DutyLists.as_view(), name="list-list"),
    path("matters/", matters.MatterList.as_view(), name="matter-list"),
    path("matters/suggest/", suggest.MatterSuggest.as_view(), name="matter-suggest"),
    path("matters/<str:code>/", matters.MatterDetail.as_view(), name="matter-detail"),
    path("matters/<str:code>/history/", amendments.MatterHistory.as_view(), name="matter-history"),
    path("proposals/", amendments.ProposalList.as_view(), name="proposal-list"),
    path("proposals/<uuid:uid>/", amendments.ProposalDetail.as_view(), name="proposal-detail"),
    path("overlaps/", overlaps.OverlapList.as_view(), name="overlap-list"),
    path("powers/", powers.PowerList.as_view(), name="power-list"),
    path("powers/may/", powers.PowerMay.as_view(), name="power-may"),
    path("powers/batches/", powers.BatchList.as_view(), name="powerbatch-list"),
    path("powers/batches/<uuid:uid>/", powers.BatchDetail.as_view(), name="powerbatch-detail"),
    path("powers/grants/", powers.GrantList.as_view(), name="powergrant-list"),
    path("precedents/", precedents.PrecedentList.as_view(), name="precedent-list"),
    path("precedents/<uuid:uid>/", precedents.PrecedentDetail.as_view(), name="precedent-detail"),
    path("versions/", versions.VersionList.as_view(), name="version-list"),
    path("versions/<uuid:uid>/", versions.VersionDetail.as_view(), name="version-detail"),
    path(
        "versions/<uuid:uid>/workbook/", imports.VersionWorkbook.as_view(), name="version-workbook"
    ),
    path("versions/<uuid:uid>/review/", reviews.VersionReview.as_view(), name="version-review"),
    path("versions/<uuid:uid>/changes/", versions.VersionChanges.as_view(), name="version-changes"),
    path("intake/calls/", intake.CALLS.as_view(), name="intake-calls"),
    path("intake/hotline-orders/", intake.HOTLINE.as_view(), name="intake-hotline"),
    path("intake/city-cases/", intake.CITY.as_view(), name="intake-city"),
    path("georeport/requests.json", georeport.ServiceRequests.as_view(), name="georeport-list"),
    path(
        "georeport/requests/<uuid:uid>.json",
        georeport.ServiceRequestOne.as_view(),
        name="georeport-one",
    ),
    path("unlisted-tasks/", unlisted.UnlistedList.as_view(), name="unlisted-list"),
    path("unlisted-tasks/counts/", unlisted.UnlistedCountsView.as_view(), name="unlisted-counts"),
    path("unlisted-tasks/<uuid:uid>/", unlisted.UnlistedDetail.as_view(), name="unlisted-detail"),
    path("burdens/", burdens.BurdenList.as_view(), name="burden-list"),
    path("burdens/trend/", burdens.BurdenTrend.as_view(), name="burden-trend"),
    path("burdens/<uuid:uid>/", burdens.BurdenDetail.as_view(), name="burden-detail"),
    path("events/", events.EventFeed.as_view(), name="event-list"),
    path("statistics/", statistics.Statistics.as_view(), name="statistics"),
    path("deadlines/preview/", deadlines.DeadlinePreview.as_view(), name="deadline-preview"),
]
# Every move that people make has its address: call-answer, call-ask-extension …
for _name, _view in calls.MOVE_VIEWS.items():
    _verb = _name.replace("_", "-")
    urlpatterns.append(path(f"calls/<uuid:uid>/{_verb}/", _view.as_view(), name=f"call-{_verb}"))
urlpatterns += [
    path(
        f"admissions/<uuid:uid>/{name.replace('_', '-')}/",
        view.as_view(),
        name=f"admission-{name.replace('_', '-')}",
    )
    for name, view in admissions.MOVE_VIEWS.items()
]
urlpatterns += [
    path(
        f"unlisted-tasks/<uuid:uid>/{name.replace('_', '-')}/",
        view.as_view(),
        name=f"unlisted-{name.replace('_', '-')}",
    )
    for name, view in unlisted.MOVE_VIEWS.items()
]
urlpatterns += [
    path(f"burdens/<uuid:uid>/{name}/", view.as_view(), name=f"burden-{name}")
    for name, view in burdens.MOVE_VIEWS.items()
]
