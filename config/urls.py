"""Browser routes of all apps."""

from django.contrib import admin
from django.urls import include, path

from config import accounts, api, health, state

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include(accounts.urlpatterns)),
    path("api/", include(api.urlpatterns)),
    path("state/", state.state, name="system-state"),
    path("console/", admin.site.urls),
    path("", include("townships.urls")),
    path("", include("mandates.urls")),
]

handler400 = "config.views.bad_request"
handler403 = "config.views.forbidden"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"
