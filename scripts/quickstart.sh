#!/usr/bin/env bash
# Shows the whole way of a device: builds server and device, registers the device, lets it make its
# key, get its certificate, connect over mutual TLS and report. Everything listens on loopback.
#
#   scripts/quickstart.sh          goes on until Ctrl-C
#   scripts/quickstart.sh --once   ends with status 0 after the first stored reading
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh

once=false
case ${1-} in
'') ;;
--once) once=true ;;
*) fail "there is one option, --once" ;;
esac

# Settings of another server have nothing to do with this one.
for variable in "${!FIELDGATE_@}"; do
    unset "$variable"
done

name=greenhouse-7
directory=
server=
device=

# Ends what was started, by its ids, the device first. Without variables of its own: it may run in the
# midst of another function, where bash takes none.
clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM
    for process in $device $server; do
        kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    if [[ -n $directory ]]; then
        if ((status != 0)) && [[ -s $directory/server.log ]]; then
            say
            say "The end of the server's log:"
            tail -n 20 "$directory/server.log"
        fi
        rm -rf -- "$directory"
    fi
    exit "$status"
}

# Ctrl-C is how it is meant to end, but for who waits for the first reading.
interrupted() {
    say
    say "Ending."
    if $once; then exit 130; fi
    exit 0
}

trap clean_up EXIT
trap interrupted INT TERM

# field NAME: the value of a field of the JSON on standard input.
field() {
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1
}

pretty() {
    if command -v jq >/dev/null; then
        jq .
    elif command -v python3 >/dev/null; then
        python3 -m json.tool
    else
        cat && say
    fi
}

# api PATH [OPTION…]: asks the server's API with the operator's key, which is in a file so that
# nobody sees it among the running processes.
api() {
    local path=$1
    shift
    curl --silent --show-error --fail-with-body --noproxy '*' --max-time 20 \
        --header @"$directory/authorization" "$@" "$http/api/v1$path"
}

# choose_port NAME PORT: adds the port to `ports` if it is free, else 0, by which the server picks
# another.
ports=()
choose_port() {
    local address
    for address in 127.0.0.1 ::1; do
        if (: <"/dev/tcp/$address/$2") 2>/dev/null; then
            say "Port $2 ($1) is taken: I pick another." >&2
            ports+=(0)
            return
        fi
    done
    ports+=("$2")
}

# start_server HTTP HTTPS MQTT: starts the server on these ports, in a process group of its own, so
# that Ctrl-C reaches this script alone, which ends all in order.
start_server() {
    set -m
    "$programs/fieldgate-server" serve --ready-json --data-dir "$directory/data" \
        --http-listen "127.0.0.1:$1" --https-listen "127.0.0.1:$2" --mqtt-listen "127.0.0.1:$3" \
        >"$directory/ready.json" 2>"$directory/server.log" &
    server=$!
    set +m
}

serves() {
    [[ -s $directory/ready.json ]]
}

serves_or_has_ended() {
    serves || ! kill -0 "$server" 2>/dev/null
}

# wait_for SECONDS COMMAND…: repeats a command until it succeeds.
wait_for() {
    local tries=$(($1 * 5))
    shift
    until "$@"; do
        kill -0 "$server" 2>/dev/null || fail "the server has ended"
        [[ -z $device ]] || kill -0 "$device" 2>/dev/null || fail "the device has ended"
        ((tries-- > 0)) || fail "it takes too long: $*"
        sleep 0.2
    done
}

is_active() {
    [[ $(api "/devices/$id" | field status) == ACTIVE ]]
}

has_reading() {
    sensor=$(api "/sensors?deviceId=$id&limit=1" | field id)
    [[ -n $sensor ]] && api "/readings/sensor/$sensor?limit=1" | grep -q '"timestamp"'
}

has_health() {
    api "/devices/$id/health/latest" >/dev/null 2>&1
}

need cc gcc libc6-dev
need curl curl ca-certificates
install_missing
need_rust

say "Building the server and the example device. The first time this takes a few minutes."
cargo build --locked --package fieldgate-server --package fieldgate-device
programs=$(target_directory)/debug

directory=$(realpath -- "$(mktemp -d "${TMPDIR:-/tmp}/fieldgate-quickstart.XXXXXX")")
say
say "Starting the server. Everything it keeps lies in $directory."
choose_port HTTP 8080
choose_port HTTPS 8443
choose_port MQTT 8883
start_server "${ports[@]}"
wait_for 30 serves_or_has_ended
if ! serves && grep -q 'Address already in use' "$directory/server.log"; then
    say "A port was taken at this very moment: I pick others."
    start_server 0 0 0
fi
wait_for 30 serves
http=$(field http <"$directory/ready.json")
https=$(field https <"$directory/ready.json")
(umask 077 && printf 'Authorization: Bearer %s\n' "$(<"$directory/data/admin.key")" \
    >"$directory/authorization")
say "  HTTP $http, HTTPS $https, MQTT $(field mqtt <"$directory/ready.json")"

say
say "Registering the device \"$name\": POST $http/api/v1/devices/registration/tokens"
registered=$(api /devices/registration/tokens --header 'Content-Type: application/json' \
    --data "{\"deviceName\": \"$name\"}")
id=$(field deviceId <<<"$registered")
token=$(field token <<<"$registered")
fingerprint=$(field caFingerprintSha256 <<<"$registered")
say "  It is device $id, and PENDING. Its one-time token is for its eyes only."

say
say "Starting the device, which knows the token, the server's address and the CA's fingerprint."
set -m
FIELDGATE_TOKEN=$token "$programs/fieldgate-device" --server "$https" \
    --ca-fingerprint "$fingerprint" --state "$directory/$name" --interval 5 \
    > >(sed -u 's/^/  device | /') 2>&1 &
device=$!
set +m
wait_for 60 is_active
wait_for 60 has_reading
wait_for 60 has_health

say
say "The device as the server knows it: GET /api/v1/devices/$id"
api "/devices/$id" | pretty
say
say "Its sensors with their latest readings: GET /api/v1/sensors?deviceId=$id"
api "/sensors?deviceId=$id" | pretty
say
say "Its latest health: GET /api/v1/devices/$id/health/latest"
api "/devices/$id/health/latest" | pretty

if $once; then
    say
    say "$name came online by itself, and its first reading is stored."
    exit 0
fi

authorization=$(printf %q "$directory/authorization")
cat <<END

How to go on, in another terminal:

  curl -H @$authorization $http/api/v1/devices
  curl -H @$authorization $http/api/v1/readings/sensor/$sensor

A second device:

  $(printf %q "$programs")/fieldgate-server token greenhouse-8 --data-dir $(printf %q "$directory/data")

The API with all its routes: $http/docs
The server's log: $directory/server.log

Ctrl-C ends server and device, and removes $directory.

END
wait -n "$server" "$device" || true
fail "the server or the device has ended"
