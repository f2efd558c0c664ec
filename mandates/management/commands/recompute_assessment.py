"""Work published assessments out anew, and tell what is not as it was published."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.tenancy import everywhere
from mandates.models import Assessment, AssessmentState
from mandates.queries.assessing import differences


class Command(BaseCommand):
    help = "Verify that published assessments follow from their counts, and these from the calls."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uid", nargs="*", type=UUID, help="assessments; all that are published")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["uid"]
        with everywhere(reason="published assessments of every county are verified"):
            rows = Assessment.objects.filter(state=AssessmentState.PUBLISHED)
            if wanted:
                rows = rows.filter(uid__in=wanted)
            found = list(rows.select_related("scheme").order_by("id"))
            if len(found) < len(set(wanted)):
                raise CommandError("no published assessment of that uid")
            bad = 0
            for number, one in enumerate(found, start=1):
                wrong = differences(one)
                bad += bool(wrong)
                said = "as published" if not wrong else f"{len(wrong)} differences"
                self.stdout.write(f"{number}/{len(found)} {one} {one.uid}: {said}")
                for line in wrong:
                    self.stdout.write(f"  {line}")
        if bad:
            raise CommandError(f"{bad} of {len(found)} are not as published")
