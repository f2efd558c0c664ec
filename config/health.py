"""Is this process alive, and is it ready? The broker is a doorbell: without it we are degraded."""

from __future__ import annotations

import time

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

_migrated = False


def livez(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs; asks nobody else."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether requests can be served: 200 ready or degraded, 503 not ready."""
    database = _database()
    broker = _broker()
    ready = database == "ok"
    status = "not_ready" if not ready else "ready" if broker == "ok" else "degraded"
    return JsonResponse(
        {"status": status, "database": database, "broker": broker}, status=200 if ready else 503
    )


def _database() -> str:
    global _migrated
    try:
        connection.ensure_connection()
        if not _migrated:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return "migrations_missing"
            _migrated = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            ahead = time.time() - float(cursor.fetchone()[0])
    except Error:
        connection.close()
        return "away"
    tolerance = settings.CLOCK_TOLERANCE_SECONDS
    return "other_clock" if tolerance and abs(ahead) > tolerance else "ok"


def _broker() -> str:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )
    try:
        client.ping()
    except redis.RedisError:
        return "away"
    finally:
        client.close()
    return "ok"
