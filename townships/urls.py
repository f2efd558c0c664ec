from django.urls import path

from townships.views import audit, joining, posts, profile

app_name = "townships"
urlpatterns = [
    path("posts/use/", posts.post_switch, name="post-switch"),
    path("posts/<uuid:uid>/use/", posts.post_use, name="post-use"),
    path("join/", joining.join, name="join"),
    path("audit/", audit.audit_list, name="audit-list"),
    path("audit/export/", audit.audit_export, name="audit-export"),
    path("profile/", profile.profile, name="profile"),
    path("type-size/", profile.type_size, name="type-size"),
    path("language/", profile.language, name="language"),
]
