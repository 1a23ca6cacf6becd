#!/bin/sh
# rollback.sh STACK: blue gets every request, from now on (shift.sh).
set -eu
[ $# -eq 1 ] || { echo "rollback.sh STACK" >&2; exit 2; }
exec "$(dirname "$0")/shift.sh" "$1" 0
