#!/bin/bash
# rejoin.sh NAME PRIMARY DATA [CONFIG]: the former primary in DATA, which does not run, becomes a standby
# of the new one. NAME is what synchronous_standby_names will call it, PRIMARY a connection string of an
# administrator of the new primary without its password (PGPASSWORD, or a pgpass file). CONFIG is its
# postgresql.conf where that is not among the data, as on Debian: a server that was killed is started
# once by it, to come to its end. Run as the account of the server. What only the old one had is thrown
# away: it was promised to nobody.
set -euo pipefail

name=${1:?"under which name?"}
primary=${2:?"which primary?"}
data=${3:?"where are the data?"}
config=${4:-$data/postgresql.conf}

# Until its first checkpoint a promoted server says that it is still on the timeline of before, and nothing
# would be rewound.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$primary dbname=postgres" --command checkpoint
pg_rewind --config-file "$config" --target-pgdata "$data" --source-server "$primary dbname=postgres" --write-recovery-conf
# The standby tells its name with the connection.
echo "primary_conninfo = '$primary password=$PGPASSWORD application_name=$name'" >>"$data/postgresql.auto.conf"
echo "rewound; start it, then on the primary: alter system set synchronous_standby_names = 'ANY 1 ($name)'"
