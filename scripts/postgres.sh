#!/bin/sh
# Starts a throw-away PostgreSQL in an empty directory, prints the address of its superuser, and ends
# it, and removes the directory, once a process is gone. Further settings of it may follow.
#
#   scripts/postgres.sh DIRECTORY PID [SETTING]…
#
# Stops it, as one does to a server at work, or as a crash would; or starts it again.
#
#   scripts/postgres.sh DIRECTORY stop|crash|start
set -eu

directory=$1
task=$2
shift 2

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
if [ "$(id -u)" = 0 ]; then
    user=$(id -un postgres 2>/dev/null || echo nobody)
    group=$(id -gn "$user")
    as() { setpriv --reuid "$user" --regid "$group" --clear-groups "$@"; }
fi

cd "$directory"
control() { as "$binaries/pg_ctl" --pgdata data --wait --silent "$@" </dev/null >&2; }
case $task in
stop) control --mode fast stop; exit ;;
crash) control --mode immediate stop; exit ;;
start) control --log server.log start; exit ;;
esac

chmod 700 data
[ "$(id -u)" != 0 ] || chown -R "$user:$group" "$directory"
as "$binaries/initdb" --pgdata data --username admin --auth trust --encoding UTF8 \
    --locale C.UTF-8 --data-checksums --no-sync --no-instructions >initdb.log
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
for setting; do echo "$setting" >>data/postgresql.conf; done
control --log server.log start

(
    while kill -0 "$task" 2>/dev/null; do sleep 0.3; done
    control --mode immediate stop || true
    rm -rf "$directory" "$directory.address" "$directory.lock"
) </dev/null >/dev/null 2>&1 &

port=$(sed -n 4p data/postmaster.pid)
echo "postgres://admin@localhost/postgres?host=$directory&port=$port"
