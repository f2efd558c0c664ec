#!/bin/bash
# rejoin.sh NAME PRIMARY DATA: the former primary in DATA, which does not run, becomes a standby of the
# new one. NAME is what synchronous_standby_names will call it, PRIMARY a connection string of an
# administrator of the new primary without its password (PGPASSWORD, or a pgpass file). Run as the
# account of the server. What only the old one had is thrown away: it was promised to nobody.
set -euo pipefail

name=${1:?"under which name?"}
primary=${2:?"which primary?"}
data=${3:?"where are the data?"}

pg_rewind --target-pgdata "$data" --source-server "$primary dbname=postgres" --write-recovery-conf
# The standby tells its name with the connection.
echo "primary_conninfo = '$primary password=$PGPASSWORD application_name=$name'" >>"$data/postgresql.auto.conf"
echo "rewound; start it, then on the primary: alter system set synchronous_standby_names = 'ANY 1 ($name)'"
