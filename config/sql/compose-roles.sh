#!/bin/bash
# Runs once, when the container of PostgreSQL makes its cluster: roles, their passwords, database.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --file /huying/roles.sql

# Through standard input: neither a log nor a list of processes shows the passwords.
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password HUYING_OWNER_PASSWORD
\getenv app_password HUYING_APP_PASSWORD
\getenv backup_password HUYING_BACKUP_PASSWORD
alter role huying_owner password :'owner_password';
alter role huying_app password :'app_password';
alter role huying_backup login password :'backup_password';
create database huying owner huying_owner template template0;
SQL

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname huying \
    --command 'set role huying_owner' --file /huying/database.sql
