from django.db import migrations

# As before, but waiting begins by the database's clock: a machine whose clock is ahead would
# otherwise keep its calls waiting until that time has come.
STEP_RINGS = """
create or replace function step_rings() returns trigger language plpgsql as $$
    begin
        insert into common_outbox (county_id, township_id, kind, subject_id, created_at,
                                   available_at, attempts, error)
        select county_id, township_id, 'route', call_id, recorded_at,
               least(recorded_at, clock_timestamp()), 0, ''
          from added where move = 'raise'
        on conflict (county_id, kind, subject_id) do update
           set done_at = null, available_at = excluded.available_at, attempts = 0;
        insert into common_outbox (county_id, township_id, kind, subject_id, created_at,
                                   available_at, attempts, error)
        select county_id, township_id, 'announce', id, recorded_at,
               least(recorded_at, clock_timestamp()), 0, '' from added;
        return null;
    end $$;
"""
BEFORE = STEP_RINGS.replace("least(recorded_at, clock_timestamp())", "recorded_at")


class Migration(migrations.Migration):
    dependencies = [("mandates", "0002_statistics_indexes")]

    operations = [migrations.RunSQL(STEP_RINGS, BEFORE)]
