"""What confirmed calls have taught about the words of matters."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.lists import Matter


class LearnedWords(CountyOwned):
    """用词: how many confirmed calls about a matter say each part of a text.

    Parts are single characters and pairs of characters that several calls share. No text of a call
    stands here, since every township of the county may read it.
    """

    matter = TenantForeignKey(Matter, models.CASCADE, related_name="+", db_index=False)
    parts = models.JSONField(default=dict)
    calls = models.PositiveIntegerField()
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "matter"], name="learned_words_once"),
            models.CheckConstraint(name="learned_words_calls", condition=Q(calls__gt=0)),
        ]
