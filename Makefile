# The names to type; the work is done in tools/, tests/, demo/ and bench/.

.PHONY: build install installcheck test test-clients soak demo demo-stop bench deps clean reference help

build: deps        ## build the extension under target/package (the default)
	tools/build package

install: deps      ## build it and copy it into PostgreSQL; uses sudo where that takes it
	tools/build install

installcheck:      ## the tests that need a server, in a throw-away one, on what is installed
	tests/run --installed signatures pg_regress isolation

test: deps         ## every test, in a throw-away server
	tests/run

test-clients: deps ## clients of every stack, whose drivers and PgBouncer it installs, in a throw-away server
	tests/run clients

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
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
