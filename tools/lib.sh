# Sourced by the scripts of this project: where things are, and the throw-away cluster.
# shellcheck shell=bash

# shellcheck disable=SC2034 # read by the scripts that source this file
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

PG_MAJOR=${PG_MAJOR:-15}
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}
export PGRX_PG_CONFIG_PATH=$PG_CONFIG
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# A server that inherits it puts Rust backtraces into the DETAIL of errors.
unset RUST_BACKTRACE

say() { printf '%s\n' "$@"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this needs root, and there is no sudo: run as root: $*"
  fi
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}
apt_install() { apt_get install --yes --no-install-recommends "$@"; }

# missing PACKAGE...: those of Debian's packages that are not installed.
missing() {
  local package
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || say "$package"
  done
}

# debian PACKAGE...: installs those of Debian's packages that are missing.
debian() {
  local packages
  mapfile -t packages < <(missing "$@")
  [ ${#packages[@]} -gt 0 ] || return 0
  say "Debian packages to install: ${packages[*]}"
  # A list of packages that is an hour old will do.
  [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -60 -print -quit)" ] || apt_get update
  apt_install "${packages[@]}"
}

# PostgreSQL refuses to run as root; root lends it to the user that Debian's package made for it.
as_server() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

pg_bin() { printf '%s/%s' "$("$PG_CONFIG" --bindir)" "$1"; }
pgxs_bin() { printf '%s/test/%s' "$(dirname "$(dirname "$("$PG_CONFIG" --pgxs)")")" "$1"; }

# Points psql and everything else on libpq at the cluster in directory $1, and at nothing else.
cluster_use() {
  local name
  for name in ${!PG@}; do
    case $name in PG_MAJOR | PG_CONFIG | PGRX_*) ;; *) unset "$name" ;; esac
  done
  export PGHOST=$1 PGPORT=54329 PGUSER=postgres PSQLRC=/dev/null LC_ALL=C.UTF-8
  PATH="$("$PG_CONFIG" --bindir):$PATH"
}

# Creates and starts a cluster in the existing, empty directory $1; further arguments are settings.
cluster_start() {
  local dir=$1
  cluster_use "$dir"
  if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
  as_server "$(pg_bin initdb)" --pgdata "$dir/data" --username postgres --auth trust --no-sync \
    --encoding UTF8 --locale C.UTF-8 --lc-messages C >"$dir/initdb.log" 2>&1 ||
    die "initdb failed: $(cat "$dir/initdb.log")"
  cluster_run "$@"
}

# Starts the cluster whose files are in directory $1, with further settings, and those that are the words of SERVER_SETTINGS.
# It listens on a unix socket in that directory only, which nobody else may enter.
cluster_run() {
  local dir=$1 setting
  cluster_use "$dir"
  for setting in "listen_addresses=" "unix_socket_directories=$dir" "port=$PGPORT" "timezone=UTC" "${@:2}" ${SERVER_SETTINGS:-}; do
    printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
  done >>"$dir/data/postgresql.conf"
  cluster_ctl "$dir" start --log "$dir/server.log" || die "the server did not start: $(cat "$dir/server.log")"
}

# cluster_ctl DIRECTORY COMMAND...: pg_ctl for the cluster in the directory.
cluster_ctl() {
  as_server "$(pg_bin pg_ctl)" "$2" --silent --wait --pgdata "$1/data" "${@:3}"
}

# Stops the cluster in directory $1, if it runs, and removes the directory.
cluster_remove() {
  local dir=$1 pid
  [ -d "$dir" ] || return 0
  pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null || true)
  # After a crash the number may belong to another process by now; a server works in its data directory.
  if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$dir/data" ]; then
    cluster_ctl "$dir" stop --mode immediate
  fi
  rm -rf "$dir"
}
