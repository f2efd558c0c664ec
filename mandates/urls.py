from django.urls import URLPattern, URLResolver, path

from mandates.views import deadlines, drafts, matters

app_name = "mandates"
urlpatterns: list[URLPattern | URLResolver] = [
    path("calls/new/", drafts.call_new, name="call-new"),
    path("calls/new/matters/", drafts.call_matters, name="call-matters"),
    path("calls/new/preview/", drafts.call_preview, name="call-preview"),
    path("calls/<uuid:uid>/edit/", drafts.call_edit, name="call-edit"),
    path("matters/", matters.entry_list, name="entry-list"),
    path("matters/<uuid:uid>/", matters.entry_detail, name="entry-detail"),
    path("deadlines/", deadlines.deadline, name="deadline"),
]
