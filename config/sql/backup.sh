#!/bin/bash
# backup.sh FOLDER: one whole backup in a new folder below FOLDER, with what can be compared after a
# restore. Asks the server that PGHOST, PGPORT, PGDATABASE, PGUSER (huying_backup) and PGPASSWORD
# name; MEDIA_ROOT, if set, is where the uploaded files lie. Ends with 0 only if all of it is there.
set -euo pipefail
umask 077

sql=$(cd "$(dirname "$0")" && pwd)
root=${1:?"which folder?"}
mkdir -p "$root"
target=$root/$(date -u +%Y%m%dT%H%M%SZ)
making=$target.making
mkdir "$making"
trap 'rm -rf "$making"' EXIT

# One snapshot for dump and inventory: while it is open, both see the same rows, whatever is written.
export DUMP=$making/database.dump
psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 \
    --set sql="$sql" --set inventory="$making/inventory.making" <<'SQL'
begin isolation level repeatable read read only;
select pg_export_snapshot() as snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --snapshot="$SNAPSHOT" --format=custom --file="$DUMP" || rm -f "$DUMP"
\cd :sql
\o :inventory
\i inventory.sql
\o
commit;
SQL
[ -s "$DUMP" ] || { echo "pg_dump has failed: nothing is kept." >&2; exit 1; }

# The database first: a file without its row harms nobody, a row without its file is a gap.
if [ -n "${MEDIA_ROOT:-}" ]; then
    tar --create --gzip --file "$making/media.tar.gz" --directory "$MEDIA_ROOT" .
    # Of what the archive holds, not of what lies there a moment later.
    mkdir "$making/media"
    tar --extract --gzip --file "$making/media.tar.gz" --directory "$making/media"
    (cd "$making/media" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum) \
        >"$making/media.sha256"
    rm -rf "$making/media"
fi

mv "$making/inventory.making" "$making/inventory.txt"
mv "$making" "$target"
trap - EXIT
rows=$(awk '$1 == "rows" { tables++; rows += $3 } END { print rows " rows in " tables " tables" }' \
    "$target/inventory.txt")
files=$([ -f "$target/media.sha256" ] && wc -l <"$target/media.sha256" || echo 0)
echo "$target: $rows, $files files, $(du -sk "$target" | cut -f1) kB"
