-- One database; run in it once by its owner, huying_owner, before the first migrate.
-- The owner does not inherit, so membership in pg_database_owner alone gives it nothing.
set role pg_database_owner;
grant all on schema public to huying_owner with grant option;
reset role;
