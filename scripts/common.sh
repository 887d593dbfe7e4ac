# What the scripts share: installing what is missing, after saying so. Sourced, not run.

fail() {
    printf '\n%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

# need PROGRAM PACKAGE…: notes the packages if the program is not there.
missing_programs=()
missing_packages=()
need() {
    local program=$1
    shift
    if ! command -v "$program" >/dev/null; then
        missing_programs+=("$program")
        missing_packages+=("$@")
    fi
}

# PostgreSQL's server, which Debian keeps off the path.
need_postgres() {
    if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        need initdb postgresql
    fi
}

# Installs what `need` has noted, or says what is missing.
install_missing() {
    if ((${#missing_packages[@]} == 0)); then
        return
    fi
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        fail "missing: ${missing_programs[*]}. On Debian, as root:
    apt-get install --no-install-recommends ${missing_packages[*]}"
    fi
    say "Missing: ${missing_programs[*]}. Installing the Debian packages ${missing_packages[*]}."
    # With this run level, packages do not start services of theirs.
    if ! RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt_get_install; then
        fail "the packages could not be installed: ${missing_packages[*]}"
    fi
}

apt_get_install() {
    local options=(-qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends)
    apt-get "${options[@]}" install "${missing_packages[@]}" >/dev/null 2>&1 && return
    # The lists of packages may be missing or old.
    apt-get -qq update && apt-get "${options[@]}" install "${missing_packages[@]}"
}

need_rust() {
    local cargo_home=${CARGO_HOME:-${HOME-}/.cargo} needed=1.94 found
    if ! command -v cargo >/dev/null && [[ -r $cargo_home/env ]]; then
        # shellcheck disable=SC1091
        . "$cargo_home/env"
    fi
    command -v cargo >/dev/null ||
        fail "missing: a Rust toolchain, version $needed or newer. See https://rustup.rs"
    found=$(cargo --version | cut -d' ' -f2)
    printf '%s\n' "$needed" "$found" | sort -V -C ||
        fail "the Rust toolchain is $found: $needed or newer is needed. See https://rustup.rs"
}

# Where cargo puts what it builds.
target_directory() {
    cargo metadata --format-version 1 --no-deps --locked |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
