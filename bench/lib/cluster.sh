# A PostgreSQL 15 of our own: under /tmp, unix socket only, gone at exit.

say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }
die() { say "bench: $*"; exit 1; }

bin=$(${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config} --bindir)

as_server() {   # the server refuses to run as root
    if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

settings() {
    cat <<-CONF
	listen_addresses = ''
	unix_socket_directories = '$work/data'
	unix_socket_permissions = 0700
	max_connections = 60
	shared_buffers = ${BENCH_SHARED_BUFFERS:-1GB}
	work_mem = 64MB
	maintenance_work_mem = 512MB
	max_wal_size = 16GB
	checkpoint_timeout = 1h
	# What a disk would add is the same for all and would hide what differs.
	fsync = off
	synchronous_commit = off
	full_page_writes = off
	# The bench vacuums and analyses at fixed points instead; JIT would come and go with cost estimates.
	autovacuum = off
	jit = off
	client_min_messages = warning
	log_min_messages = error
	# A copy: somebody may install another build while we measure this one.
	dynamic_library_path = '$work/lib:\$libdir'
	CONF
}

start_cluster() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
    trap stop_cluster EXIT
    trap 'exit 130' INT TERM
    ((EUID)) || chown postgres "$work"
    mkdir "$work/lib"
    cp "$("$bin/pg_config" --pkglibdir)/referral.so" "$work/lib/" 2>/dev/null || true
    as_server "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C >"$work/initdb.log"
    settings >>"$work/data/postgresql.conf"
    as_server "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -s start
    export PGHOST=$work/data
    results=$work/results
    : >"$results"
    say "$(psql -qAtX -c 'SELECT version()' | cut -d' ' -f1-2), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), in $work"
}

stop_cluster() {
    if [[ $keep ]]; then
        say "left running: psql -h $PGHOST -U postgres"
        say "to stop it: $( ((EUID)) || echo 'runuser -u postgres -- ')$bin/pg_ctl -D $work/data -m immediate stop; rm -r $work"
        return
    fi
    as_server "$bin/pg_ctl" -D "$work/data" -m immediate -s stop 2>/dev/null || true
    rm -rf "$work"
}

sql() { psql -qAtX -v ON_ERROR_STOP=1 -d "$db" "$@"; }
