"""A call, its history and its assignment, as plainly as Django writes them."""

import uuid

from django.db import models


class Rule(models.Model):
    code = models.CharField(max_length=20, unique=True)
    lead = models.BigIntegerField()

    class Meta:
        app_label = "limit"


class Call(models.Model):
    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    tenant = models.BigIntegerField()
    rule = models.ForeignKey(Rule, models.PROTECT)
    title = models.CharField(max_length=80)
    body = models.TextField()
    place = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        app_label = "limit"
        indexes = [models.Index(fields=["tenant", "state", "due_at", "id"], name="limit_list")]


class Step(models.Model):
    call = models.ForeignKey(Call, models.PROTECT)
    move = models.CharField(max_length=24)
    state = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        app_label = "limit"


class Assignment(models.Model):
    call = models.ForeignKey(Call, models.PROTECT)
    department = models.BigIntegerField()
    state = models.CharField(max_length=12)
    due_at = models.DateTimeField()

    class Meta:
        app_label = "limit"
        indexes = [models.Index(fields=["department", "due_at"], name="limit_inbox")]
