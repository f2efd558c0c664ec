from django.urls import path

from townships.views import posts, profile

app_name = "townships"
urlpatterns = [
    path("posts/use/", posts.post_switch, name="post-switch"),
    path("posts/<uuid:uid>/use/", posts.post_use, name="post-use"),
    path("profile/", profile.profile, name="profile"),
    path("language/", profile.language, name="language"),
]
