-- What a database holds, as lines that can be compared: before a backup, and after its restore.
-- psql --no-psqlrc --no-align --tuples-only --file inventory.sql
-- Run by a role that passes row-level security; another one gets an error, never fewer rows.

set row_security = off;
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set extra_float_digits = 1;
set search_path = public;

-- Rows of every table: how many, and a sum over the contents of all of them.
select format(
    'select %L || count(*) || %L || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from %I.%I t',
    'rows ' || c.relname || ' ', ' ', n.nspname, c.relname
)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname collate "C" \gexec

-- The next number of every table is free.
select format(
    'select %L || (coalesce(max(%I), 0) <= (select last_value from %s)) from %I.%I',
    'numbers ' || c.relname || ' free ', a.attname,
    pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname), n.nspname, c.relname
)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attidentity <> ''
where n.nspname = 'public' and c.relkind in ('r', 'p')
order by c.relname collate "C" \gexec

select 'table ' || c.relname || ' owner ' || c.relowner::regrole
    || ' row security ' || c.relrowsecurity || ' forced ' || c.relforcerowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p')
order by c.relname collate "C";

select 'policy ' || c.relname || ' ' || p.polname || ' ' || p.polcmd::text || ' ' || p.polpermissive
    || ' to ' || (select string_agg(r::regrole::text, ',' order by r::regrole::text collate "C")
        from unnest(p.polroles) r)
    || ' using ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '-')
    || ' check ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-')
from pg_policy p join pg_class c on c.oid = p.polrelid
order by c.relname collate "C", p.polname collate "C";

select 'grant ' || c.relkind::text || ' ' || c.relname || ' ' || g.grantee::regrole || ' '
    || string_agg(g.privilege_type || case when g.is_grantable then '*' else '' end, ','
        order by g.privilege_type collate "C")
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(c.relacl) g
where n.nspname = 'public' and g.grantee <> 0
group by c.relkind, c.relname, g.grantee
order by c.relkind, c.relname collate "C", g.grantee::regrole::text collate "C";

select 'grant column ' || c.relname || '.' || a.attname || ' ' || g.grantee::regrole || ' '
    || g.privilege_type
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(a.attacl) g
where n.nspname = 'public'
order by c.relname collate "C", a.attname collate "C", g.grantee::regrole::text collate "C",
    g.privilege_type collate "C";

select 'trigger ' || c.relname || ' ' || t.tgname || ' ' || t.tgenabled::text || ' '
    || pg_get_triggerdef(t.oid)
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where not t.tgisinternal
order by c.relname collate "C", t.tgname collate "C";

select 'column ' || c.relname || '.' || a.attname || ' '
    || format_type(a.atttypid, a.atttypmod) || ' not null ' || a.attnotnull
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
order by c.relname collate "C", a.attname collate "C";

-- PostgreSQL writes the same condition with other casts and parentheses after it has read it back.
select 'constraint ' || c.relname || ' ' || k.conname || ' ' || k.convalidated || ' '
    || regexp_replace(
        pg_get_constraintdef(k.oid), '::(character varying|text)(\[\])?|[()]', '', 'g')
from pg_constraint k join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and k.contype <> 'n'
order by c.relname collate "C", k.conname collate "C";

select 'index ' || i.indexrelid::regclass || ' valid ' || i.indisvalid || ' '
    || regexp_replace(
        pg_get_indexdef(i.indexrelid), '::(character varying|text)(\[\])?|[()]', '', 'g')
from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public'
order by c.relname collate "C";

select 'function ' || p.proname || ' owner ' || p.proowner::regrole || ' '
    || md5(pg_get_functiondef(p.oid))
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' and not exists (
    select from pg_depend d where d.objid = p.oid and d.deptype = 'e'
)
order by p.proname collate "C", p.oid::regprocedure::text collate "C";

-- Roles belong to the cluster and are in no dump: config/sql/roles.sql makes them.
select 'role ' || rolname || ' super ' || rolsuper || ' inherit ' || rolinherit
    || ' createrole ' || rolcreaterole || ' createdb ' || rolcreatedb
    || ' bypassrls ' || rolbypassrls || ' settings ' || coalesce(rolconfig::text, '-')
from pg_roles where rolname like 'huying\_%'
order by rolname collate "C";

select 'member ' || m.member::regrole || ' of ' || m.roleid::regrole
from pg_auth_members m
where m.member::regrole::text like 'huying\_%'
order by m.member::regrole::text collate "C", m.roleid::regrole::text collate "C";
