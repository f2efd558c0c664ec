from django.db import migrations

# A guard reads tables by name. Whoever may make a temporary table could put one of the same name before
# ours, and the guard would read that.
GUARDS = """
select p.oid::regprocedure::text as guard from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' and p.proowner = current_user::regrole
        and (p.prorettype = 'trigger'::regtype or p.proname = 'is_security_administrator')
"""
FORWARD = f"""
do $$ declare one record; begin
    for one in {GUARDS} loop
        execute format('alter function %s set search_path = pg_catalog, public, pg_temp', one.guard);
    end loop;
end $$;
"""
BACK = f"""
do $$ declare one record; begin
    for one in {GUARDS} loop
        execute format('alter function %s reset search_path', one.guard);
    end loop;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0043_admission_files"),
        ("townships", "0015_single_sign_on"),
        ("common", "0012_notices_go"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACK)]
