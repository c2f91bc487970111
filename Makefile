# The names to type; the work is done in tools/, tests/, demo/ and bench/.

.PHONY: build install installcheck test test-18 test-asserts test-clients fuzz sanitize soak demo demo-stop bench deps clean reference help

build: deps        ## build the extension under target/package (the default)
	tools/build package

install: deps      ## build it and copy it into PostgreSQL; uses sudo where that takes it
	tools/build install

installcheck:      ## the tests that need a server, in a throw-away one, on what is installed
	tests/run --installed signatures pg_regress isolation

test: deps         ## every test, in a throw-away server
	tests/run

test-18: deps      ## the tests that need a server on PostgreSQL 18, which it puts under target/
	PG_CONFIG=$$(tools/postgres18) && export PG_CONFIG && tests/run --with-server

ASSERTS ?= signatures pg_regress
test-asserts: export CARGO_TARGET_DIR = $(CURDIR)/target/cargo-asserts
test-asserts: deps ## the same on one with assertions, which it builds first; takes hours
	PG_CONFIG=$$(tools/postgres18 --asserts) && export PG_CONFIG && tests/run --with-server && \
	SERVER_SETTINGS=debug_discard_caches=1 tests/run --installed $(ASSERTS)

test-clients: deps ## clients of every stack, whose drivers and PgBouncer it installs, in a throw-away server
	tests/run clients

fuzz:              ## codes, rules and texts against libFuzzer, guided by coverage: FUZZ_SECONDS=60 each
	tools/fuzz

sanitize:          ## the tests of core under the address sanitizer
	tools/fuzz --sanitize

soak: deps install ## what breaks things, again and again: make soak MINUTES=60
	MINUTES=$(MINUTES) tests/soak

demo: deps install ## a shop with 69,659 real purchases, credited to the people who invited the buyers
	demo/run

demo-stop:         ## stop the server that make demo left running, and remove it
	demo/run stop

bench: deps install ## the figures of bench/README.md
	bench/run

deps:              ## install what is missing: Debian packages, rustfmt and clippy
	tools/deps

clean:             ## remove what was built
	cargo clean
	rm -rf target/package tests/results

reference: deps install ## write docs/reference.md anew, from the catalogue and the sources
	tools/reference

help:              ## this list
	@awk -F ':[^#]*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
