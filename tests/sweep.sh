#!/bin/bash
# SPDX-License-Identifier: MIT
# What a killed program held open is ended by the next one under its rule, and
# not even looked at by those under others.
. "${0%/*}/lib.sh"

bad=0
records() { grep -lsaF "$DIR" /dev/shm/shim-ofd-"$(id -u)"/*.ofd; }

at object:
DIR=${TARGET#object:}
shim bash -c 'exec 3<>"$1"; kill -KILL $$' - "$PREFIX/held" 2>/dev/null
record=$(records)
[ -e "$record" ] || fail "a killed program left ${record:-no record}"
touch -a -d '3 days ago' "$record"      # a read would set it
before=$(stat -c %X "$record")

first=$PREFIX target=$TARGET
at object:
shim true
[ "$(stat -c %X "$record")" = "$before" ] || { echo "a program of another rule read it"; bad=1; }

PREFIX=$first TARGET=$target
shim true
[ -z "$(records)" ] || { echo "a program of its rule left it there"; bad=1; }
exit $bad
