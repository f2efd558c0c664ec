from django.db import migrations, models

WHAT = ("added", "removed", "reset", "codes_made", "code_used", "guessed", "bound", "unbound")

# As in 0014, with one more question: is who proposed it still somebody who may?
GUARD = """
create or replace function guard_grants() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'grants of posts stay' using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'INSERT' then
        if new.decision <> '' then
            raise exception 'a grant is proposed before it is decided'
                using errcode = 'check_violation', constraint = 'grant_two_steps';
        end if;
        if new.kind = 'founding' then
            if current_user in ('huying_app', 'huying_township', 'huying_department', 'huying_county',
                                'huying_all') then
                raise exception 'only a command founds' using errcode = 'insufficient_privilege';
            end if;
        elsif not is_security_administrator(new.proposed_by_id, new.proposed_at) then
            raise exception 'who proposes is no security administrator'
                using errcode = 'check_violation', constraint = 'grant_by_security';
        end if;
        return new;
    end if;
    if old.decision <> '' or old.kind = 'founding'
        or (to_jsonb(new) - '{decision,decided_by_id,decided_at,answer}'::text[])
           <> (to_jsonb(old) - '{decision,decided_by_id,decided_at,answer}'::text[]) then
        raise exception 'a grant is decided once, and nothing else of it changes'
            using errcode = 'check_violation', constraint = 'grant_stays';
    end if;
    if not is_security_administrator(new.decided_by_id, new.decided_at) then
        raise exception 'who decides is no security administrator'
            using errcode = 'check_violation', constraint = 'grant_by_security';
    end if;
    %s
    return new;
end $$;
"""
STILL = """
    if new.decision = 'confirmed'
        and not (is_security_administrator(old.proposed_by_id, new.decided_at)
            and exists (select from townships_user u where u.id = old.proposed_by_id and u.is_active))
    then
        raise exception 'who proposed it is no security administrator any more'
            using errcode = 'check_violation', constraint = 'grant_still_by_security';
    end if;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0015_single_sign_on"),
        ("mandates", "0044_search_paths"),
    ]

    operations = [
        migrations.AddField(
            model_name="postgrant",
            name="title_before",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=60),
        ),
        migrations.RemoveConstraint(model_name="factorchange", name="factor_change_what"),
        migrations.AlterField(
            model_name="factorchange",
            name="what",
            field=models.CharField(
                choices=[
                    ("added", "Set up"),
                    ("removed", "Removed"),
                    ("reset", "Reset by an administrator"),
                    ("codes_made", "New recovery codes made"),
                    ("code_used", "Recovery code used"),
                    ("guessed", "Several wrong codes after the right password"),
                    ("bound", "Single sign-on bound"),
                    ("unbound", "Single sign-on let go"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="factorchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("what__in", list(WHAT))), name="factor_change_what"
            ),
        ),
        migrations.RunSQL(GUARD.replace("%s", STILL), GUARD.replace("%s", "")),
    ]
