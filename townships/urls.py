from django.urls import path

from townships.views import posts

app_name = "townships"
urlpatterns = [
    path("posts/<uuid:uid>/use/", posts.post_use, name="post-use"),
]
