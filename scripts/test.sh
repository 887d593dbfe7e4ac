#!/usr/bin/env bash
# Runs every check: format, lints, documentation, tests, doctests, and the quickstart. Says what it
# installs before it does; changes nothing in the tree.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. scripts/common.sh

# Debian keeps the broker where only root looks.
PATH=$PATH:/usr/sbin

passed=()
failed=()

# step NAME COMMAND…: runs a command, and notes how it ended and how long it took.
step() {
    local name=$1 begin=$SECONDS
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    if "$@"; then
        passed+=("$name")
        printf -- '--- %s passed in %d s\n' "$name" $((SECONDS - begin))
    else
        failed+=("$name")
        printf -- '--- %s FAILED after %d s\n' "$name" $((SECONDS - begin))
    fi
}

need cc gcc libc6-dev
need curl curl ca-certificates
need openssl openssl
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need strace strace
need faketime faketime
need_postgres
install_missing
need_rust
for component in rustfmt clippy; do
    if ! cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then
        say "Missing: $component. Installing it with rustup."
        rustup component add "$component" || fail "missing: $component"
    fi
done

# One PostgreSQL for all tests, which ends with this script.
if [[ -z ${FIELDGATE_TEST_POSTGRES_URL:-} ]]; then
    postgres=$(mktemp -d "${TMPDIR:-/tmp}/fieldgate-pg-XXXXXX") &&
        FIELDGATE_TEST_POSTGRES_URL=$(scripts/postgres.sh "$postgres" $$) ||
        fail "PostgreSQL for the tests does not start"
    export FIELDGATE_TEST_POSTGRES_URL
fi

step format cargo fmt --all -- --check
step lints cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
step documentation env RUSTDOCFLAGS='-D warnings' \
    cargo doc --workspace --all-features --no-deps --locked
if cargo nextest --version >/dev/null 2>&1; then
    step tests cargo nextest run --workspace --all-features --locked --profile short
else
    say "cargo-nextest is not there: the tests run under cargo test."
    step tests cargo test --workspace --all-features --all-targets --locked
fi
step doctests cargo test --workspace --all-features --doc --locked
step quickstart bash scripts/quickstart.sh --once

printf '\nSteps, in %d s: %d passed, %d failed\n' "$SECONDS" "${#passed[@]}" "${#failed[@]}"
if ((${#failed[@]} > 0)); then
    printf 'Failed: %s\n' "${failed[*]}"
    exit 1
fi
