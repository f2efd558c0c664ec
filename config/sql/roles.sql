-- The roles of one PostgreSQL cluster; run by its administrator before the first migrate.
-- May run again at any time: it creates what is missing and sets what has changed.
-- Works on PostgreSQL 15 and later. Passwords are set outside, with ALTER ROLE ... PASSWORD.

do $$
declare
    name text;
begin
    foreach name in array array[
        'huying_owner',       -- migrations only; owns every table
        'huying_app',         -- what the application logs in as; owns nothing
        'huying_township',    -- one role per kind of scope, entered by SET LOCAL ROLE
        'huying_department',
        'huying_county',
        'huying_all',         -- reads every tenant
        'huying_dispatch',    -- routing, sweeping, imports
        'huying_readonly',    -- reports by hand
        'huying_backup'       -- pg_dump; allowed to log in by whoever makes backups
    ] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
end
$$;

-- NOINHERIT: being a member of a scope's role gives nothing until SET ROLE enters it.
alter role huying_owner with login createdb noinherit nosuperuser nobypassrls nocreaterole;
alter role huying_app with login nocreatedb noinherit nosuperuser nobypassrls nocreaterole;
alter role huying_readonly with login nocreatedb noinherit nosuperuser nobypassrls nocreaterole;
alter role huying_backup with inherit bypassrls nosuperuser nocreatedb nocreaterole;

do $$
declare
    name text;
begin
    foreach name in array array[
        'huying_township', 'huying_department', 'huying_county', 'huying_all', 'huying_dispatch'
    ] loop
        execute format(
            'alter role %I with nologin noinherit nosuperuser nobypassrls nocreatedb nocreaterole',
            name
        );
        execute format('grant %I to huying_app', name);
    end loop;
end
$$;

-- FORCE ROW LEVEL SECURITY hides every row from the owner too: data migrations enter this role.
grant huying_dispatch to huying_owner;

-- pg_dump reads sequences too, which no grant on tables covers.
grant pg_read_all_data to huying_backup;

-- How far a standby is behind is told to members of this role alone: for the figures, entered by SET
-- LOCAL ROLE like the others.
grant pg_read_all_stats to huying_app;

-- A statement that hangs must not hold a connection, and a lock must not queue a whole county.
alter role huying_app set statement_timeout = '30s';
alter role huying_app set lock_timeout = '5s';
-- Whoever is cut off in the middle gives back what it holds before anybody has waited a minute.
alter role huying_app set idle_in_transaction_session_timeout = '30s';
alter role huying_app set default_transaction_isolation = 'read committed';
-- A migration may take long, but it must not wait for a lock while everybody waits behind it.
alter role huying_owner set statement_timeout = 0;
alter role huying_owner set lock_timeout = '10s';
alter role huying_owner set idle_in_transaction_session_timeout = '10min';
alter role huying_readonly set default_transaction_read_only = on;
alter role huying_readonly set statement_timeout = '5min';
alter role huying_readonly set lock_timeout = '5s';
alter role huying_readonly set idle_in_transaction_session_timeout = '60s';
alter role huying_backup set default_transaction_read_only = on;
alter role huying_backup set lock_timeout = '60s';
