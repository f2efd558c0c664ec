"""准入规则: what every county starts with until it sets its own: limits, and who reviews."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mandates.models import AdmissionBody, AdmissionLimit, AdmissionTask
from mandates.models.admission_parts import USUAL_LIMITS
from townships.models import County, Department

# By the codes of departments; a county that names others in the console keeps its own.
USUAL_BODIES = {
    AdmissionTask.LEGALITY: ("justice",),
    AdmissionTask.RESOURCES: ("finance", "human_resources"),
    AdmissionTask.MEETING: ("justice", "finance", "human_resources", "civil_affairs"),
}


def lay(county: County) -> None:
    """Give a county the limits of admissions and the reviewing departments it lacks."""
    source = _("sample default, to be replaced")
    AdmissionLimit.objects.bulk_create(
        [
            AdmissionLimit(county=county, kind=kind, amount=amount, unit=unit, source=source)
            for kind, (amount, unit) in USUAL_LIMITS.items()
        ],
        ignore_conflicts=True,
    )
    named = set(AdmissionBody.objects.filter(county=county).values_list("task", flat=True))
    for task, codes in USUAL_BODIES.items():
        if task not in named:
            units = Department.objects.filter(county=county, code__in=codes, valid_to=None)
            AdmissionBody.objects.bulk_create(
                AdmissionBody(county=county, task=task, department=unit)
                for unit in units.order_by("code")
            )
