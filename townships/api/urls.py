from rest_framework.routers import SimpleRouter

from townships.api.departments import DepartmentViewSet
from townships.api.divisions import DivisionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("divisions", DivisionViewSet, basename="division")
router.register("departments", DepartmentViewSet, basename="department")

# Included below /api/v1/ beside those of the other apps, under one namespace.
urlpatterns = router.urls
