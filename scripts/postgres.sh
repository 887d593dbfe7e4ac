#!/bin/sh
# Starts a throw-away PostgreSQL in an empty directory, prints the address of its superuser, and ends
# it, and removes the directory, once a process is gone.
#
#   scripts/postgres.sh DIRECTORY PID
set -eu

directory=$1
watched=$2

binaries=$( (pg_config --bindir 2>/dev/null; ls -d /usr/lib/postgresql/*/bin 2>/dev/null) |
    sort -rV | while read -r found; do
        [ -x "$found/initdb" ] && echo "$found" && break
    done || true)
if [ -z "$binaries" ]; then
    echo "PostgreSQL is not installed: install version 15 or later (apt-get install postgresql)," \
        "or set FIELDGATE_TEST_POSTGRES_URL to the address of a superuser of a server for tests" >&2
    exit 1
fi

# PostgreSQL refuses to run as root.
as() { "$@"; }
mkdir -p "$directory/data"
chmod 700 "$directory/data"
if [ "$(id -u)" = 0 ]; then
    user=$(id -un postgres 2>/dev/null || echo nobody)
    group=$(id -gn "$user")
    chown -R "$user:$group" "$directory"
    as() { setpriv --reuid "$user" --regid "$group" --clear-groups "$@"; }
fi

cd "$directory"
as "$binaries/initdb" --pgdata data --username admin --auth trust --encoding UTF8 \
    --locale C.UTF-8 --no-sync --no-instructions >initdb.log
# As durable as a real one, which the storage checks. It is reached by its socket alone, so that no
# port is taken.
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$directory'
max_connections = 300
shared_buffers = 64MB
max_wal_size = 2GB
checkpoint_timeout = 1h
deadlock_timeout = 100ms
END
as "$binaries/pg_ctl" --pgdata data --log server.log --wait --silent start </dev/null >&2

(
    while kill -0 "$watched" 2>/dev/null; do sleep 0.3; done
    as "$binaries/pg_ctl" --pgdata data --mode immediate --wait stop
    rm -rf "$directory" "$directory.address" "$directory.lock"
) </dev/null >/dev/null 2>&1 &

echo "postgres://admin@localhost/postgres?host=$directory"
