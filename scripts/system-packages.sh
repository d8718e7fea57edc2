#!/usr/bin/env bash
# Installs the Debian packages that building and testing Strongroom needs and this machine lacks.
#
#   gcc, libc6-dev   AWS-LC and SQLite are compiled from C; nothing else is asked of the system
#   make             the Makefile
#   postgresql       its server programs: every SQL statement is tested on PostgreSQL too
#   python3-venv     the end-to-end tests keep the AWS CLI and boto3 in an environment of their own
#   nodejs, npm      the end-to-end tests drive the AWS SDK for JavaScript too
#   openssl          the tests of certificates compare with what it makes and reads
#   iproute2         tests of networks put clients on hosts (network namespaces) of their own
#   jq               the book reads answers in JSON with it, and its pages are tested
#   gzip             reading the AWS service models (`cargo xtask models update`)
#
# With the argument `fuzz` also:
#
#   g++              the fuzzer's runtime is C++
#
# Does nothing, at once, when nothing is missing. Otherwise it needs root, or sudo.
set -euo pipefail

missing=()

has() { command -v "$1" >/dev/null 2>&1; }

has_postgresql() {
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

has cc && [ -e /usr/include/stdlib.h ] || missing+=(gcc libc6-dev)
[ "${1:-}" != fuzz ] || has c++ || missing+=(g++)
has make || missing+=(make)
has node && has npm || missing+=(nodejs npm)
has openssl || missing+=(openssl)
has ip || [ -x /sbin/ip ] || missing+=(iproute2)
has jq || missing+=(jq)
has gzip || missing+=(gzip)
has_postgresql || missing+=(postgresql)
if ! has python3; then
    missing+=(python3 python3-venv)
elif ! python3 -c 'import ensurepip, venv, sqlite3' 2>/dev/null; then
    missing+=(python3-venv)
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "Missing system packages: ${missing[*]}"
    if ! has apt-get; then
        echo "This machine has no apt-get. Install what corresponds to them, then try again." >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            echo "Installing them needs root. As root, run: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi

    # Debian's postgresql creates a database cluster and starts it. The tests start servers of their own, so
    # this drop-in, there during the installation only, asks it not to.
    quiet=/etc/postgresql-common/createcluster.d/strongroom-tests.conf
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
        "${as_root[@]}" mkdir -p "$(dirname "$quiet")"
        echo 'create_main_cluster = false' | "${as_root[@]}" tee "$quiet" >/dev/null
        trap '"${as_root[@]}" rm -f "$quiet"' EXIT
    fi

    echo "Installing them with apt-get."
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    echo "Installed: ${missing[*]}"
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "The end-to-end tests need Python 3.11 or newer; this is $(python3 --version)." >&2
    exit 1
fi
if ! has cargo; then
    echo "Rust is missing. Install 1.95 or newer: https://rustup.rs" >&2
    exit 1
fi
