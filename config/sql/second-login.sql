-- A second login of the application, to change its database password without refusing anybody: run by
-- the administrator, then give it a password, let every process log in with it, and change the other's.
-- May run again at any time. It is the application in everything: what it may do it has from huying_app.

do $$
begin
    if not exists (select from pg_roles where rolname = 'huying_app_b') then
        create role huying_app_b nologin;
    end if;
end
$$;

-- INHERIT reaches huying_app alone, which inherits nothing itself: scopes are entered by SET ROLE.
alter role huying_app_b with login inherit nosuperuser nobypassrls nocreaterole nocreatedb;
grant huying_app to huying_app_b;

-- Settings belong to the role that logs in; the same as roles.sql gives huying_app.
alter role huying_app_b set statement_timeout = '30s';
alter role huying_app_b set lock_timeout = '5s';
alter role huying_app_b set idle_in_transaction_session_timeout = '30s';
alter role huying_app_b set default_transaction_isolation = 'read committed';
