#!/bin/bash
# promote.sh OLD_HOST OLD_PORT DATA: the standby in DATA becomes the primary. Run on its host, as the
# account of the server (postgres), with PGHOST, PGPORT, PGUSER and PGPASSWORD of the standby.
#
# Only where the old primary is certainly gone, and stays so: it must be fenced (switched off, its
# network taken away) before this runs. Two that both take calls are worse than none.
set -euo pipefail

old_host=${1:?"which host had the primary?"}
old_port=${2:?"on which port?"}
data=${3:?"where are the standby's data?"}
ask() { psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname postgres --command "$1"; }

# 2 is "nobody answers"; also "is starting" and "rejects" mean that it lives.
code=0
pg_isready --quiet --host "$old_host" --port "$old_port" --timeout 3 || code=$?
if [ "$code" -ne 2 ]; then
    echo "The old primary lives on $old_host:$old_port: nothing was done." >&2
    exit 1
fi
if [ "$(ask 'select pg_is_in_recovery()')" != t ]; then
    echo "This server is a primary already: nothing was done." >&2
    exit 1
fi

began=$(date +%s%N)
pg_ctl --pgdata "$data" --wait --timeout 60 promote >/dev/null
until [ "$(ask 'select pg_is_in_recovery()')" = f ]; do sleep 0.1; done
# It has nobody behind it: whoever waits for a second copy now would wait for ever.
ask "alter system set synchronous_standby_names = ''" && ask "select pg_reload_conf()" >/dev/null
echo "promoted in $((($(date +%s%N) - began) / 1000000)) ms; no second copy until rejoin.sh has run"
