from django.urls import path
from rest_framework.routers import SimpleRouter

from townships.api.departments import DepartmentViewSet
from townships.api.divisions import DivisionViewSet
from townships.api.exports import Exports
from townships.api.jobs import JobCancel, JobDetail, JobFile, JobList
from townships.api.secrets import SystemSecret
from townships.api.security import BearerScheme

router = SimpleRouter(use_regex_path=False)
router.register("divisions", DivisionViewSet, basename="division")
router.register("departments", DepartmentViewSet, basename="department")

# Importing the scheme makes it known to whoever describes the API.
__all__ = ["BearerScheme", "urlpatterns"]
# Included below /api/v1/ beside those of the other apps, under one namespace.
urlpatterns = [
    *router.urls,
    path("exports/", Exports.as_view(), name="export-list"),
    path("jobs/", JobList.as_view(), name="job-list"),
    path("jobs/<uuid:uid>/", JobDetail.as_view(), name="job-detail"),
    path("jobs/<uuid:uid>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("jobs/<uuid:uid>/file/", JobFile.as_view(), name="job-file"),
    path("system/secret/", SystemSecret.as_view(), name="system-secret"),
]
