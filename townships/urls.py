from django.urls import path

from townships.views import audit, evidence, exports, jobs, joining, posts, profile, signing

app_name = "townships"
urlpatterns = [
    path("posts/use/", posts.post_switch, name="post-switch"),
    path("posts/<uuid:uid>/use/", posts.post_use, name="post-use"),
    path("join/", joining.join, name="join"),
    path("audit/", audit.audit_list, name="audit-list"),
    path("audit/evidence/", evidence.state, name="audit-evidence"),
    path("audit/evidence/verify/", evidence.verify, name="audit-verify"),
    path("audit/evidence/anchors/", evidence.export, name="audit-anchors"),
    path("exports/<slug:table>/", exports.export_new, name="export-new"),
    path("jobs/", jobs.job_list, name="job-list"),
    path("jobs/<uuid:uid>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("jobs/<uuid:uid>/file/", jobs.job_file, name="job-file"),
    path("sessions/", signing.session_list, name="session-list"),
    path("sessions/end-others/", signing.session_end_others, name="session-end-others"),
    path("sessions/<uuid:uid>/end/", signing.session_end, name="session-end"),
    path("profile/", profile.profile, name="profile"),
    path("type-size/", profile.type_size, name="type-size"),
    path("language/", profile.language, name="language"),
]
