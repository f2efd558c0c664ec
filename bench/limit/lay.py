"""python -m bench.limit.lay: tables of the limit programs, and rows to list and to move."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.limit.settings"
django.setup()

from django.db import connection  # noqa: E402

from bench.limit.models import Assignment, Call, Rule, Step  # noqa: E402

ROWS = 100_000
TENANTS = 95


def main() -> None:
    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists bench_limit cascade; create schema bench_limit")
    with connection.schema_editor() as editor:
        for model in (Rule, Call, Step, Assignment):
            editor.create_model(model)
    Rule.objects.create(code="SL-01", lead=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into limit_call (uid, tenant, rule_id, title, body, place, state, version, "
            "created_at, due_at) select gen_random_uuid(), n %% %s, 1, '河道夜间采砂 ' || n, "
            "'大桥下游有挖掘机取砂，已拍照。', '大桥下游', case n %% 5 when 0 then 'open' else 'routed' end, "
            "1, now(), now() + n * interval '1 second' from generate_series(1, %s) n",
            [TENANTS, ROWS],
        )
        cursor.execute("analyze limit_call")


main()
