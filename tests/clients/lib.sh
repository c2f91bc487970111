# Sourced by run and prepare.
# shellcheck shell=bash
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# shellcheck disable=SC2034 # read by the scripts that source this file
here=$root/tests/clients built=$root/target/clients
