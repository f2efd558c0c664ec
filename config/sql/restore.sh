#!/bin/bash
# restore.sh BACKUP DATABASE [MEDIA]: one backup into a new database and an empty folder, and the
# proof that everything is there. Run by the administrator of a cluster that has its roles
# (roles.sql); PGHOST, PGPORT, PGUSER and PGPASSWORD say where. Prints counts; ends with 1 where
# anything differs from what the backup says it held.
set -euo pipefail

sql=$(cd "$(dirname "$0")" && pwd)
backup=${1:?"which backup?"}
database=${2:?"into which new database?"}
media=${3:-}
began=$(date +%s)
[ -f "$backup/inventory.txt" ] || { echo "$backup is no whole backup: it lacks inventory.txt." >&2; exit 1; }

# Never over something that stands: createdb ends here if the database does.
createdb --owner huying_owner --encoding UTF8 --locale C.UTF-8 --template template0 "$database"
pg_restore --dbname "$database" --exit-on-error "$backup/database.dump"
psql --no-psqlrc --quiet --dbname "$database" --command "analyze"
restored=$(($(date +%s) - began))

found=$(mktemp)
trap 'rm -f "$found"' EXIT
psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$database" \
    --file "$sql/inventory.sql" >"$found"

for kind in rows numbers table column policy grant trigger constraint index function role member; do
    wanted=$(grep -c "^$kind " "$backup/inventory.txt" || true)
    equal=$(grep "^$kind " "$backup/inventory.txt" | grep -cxFf - "$found" || true)
    echo "$kind: $wanted in the backup, $equal restored equal"
done
awk '$1 == "rows" { rows += $3 } END { print "all rows: " rows }' "$found"

failed=0
if ! difference=$(diff "$backup/inventory.txt" "$found"); then
    echo "DIFFERENT (< backup, > restored):"
    echo "$difference" | head -40
    failed=1
fi
if grep -q '^numbers .* f\(alse\)\?$' "$found"; then
    echo "DIFFERENT: the next number of a table is taken already"
    failed=1
fi

if [ -n "$media" ]; then
    if [ -n "$(ls -A "$media" 2>/dev/null)" ]; then
        echo "$media is not empty: nothing was written there." >&2
        exit 1
    fi
    mkdir -p "$media"
    tar --extract --gzip --file "$backup/media.tar.gz" --directory "$media"
    list=$(cd "$backup" && pwd)/media.sha256
    count=$(find "$media" -type f | wc -l)
    wanted=$(wc -l <"$list")
    echo "files: $wanted in the backup, $count restored"
    if [ "$count" -ne "$wanted" ] || ! (cd "$media" && { [ "$wanted" -eq 0 ] || sha256sum --check --quiet "$list"; }); then
        echo "DIFFERENT: files"
        failed=1
    fi
fi

echo "restored in $restored s, compared in $(($(date +%s) - began - restored)) s"
if [ "$failed" -eq 0 ]; then echo "EQUAL"; fi
exit "$failed"
