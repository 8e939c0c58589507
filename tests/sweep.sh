#!/bin/bash
# SPDX-License-Identifier: MIT
# What a killed program held open is ended by the next one under its rule, and
# so is what one left that was killed as it opened a file; those under other
# rules leave both alone, which they would have to read to know.
. "${0%/*}/lib.sh"
requires python3

bad=0
at object:
DIR=${TARGET#object:}
shim bash -c 'exec 3<>"$1"; kill -KILL $$' - "$PREFIX/held" 2>/dev/null
record=$(grep -lsaF "$DIR" /dev/shm/shim-ofd-"$(id -u)"/*.ofd)
[ -e "$record" ] || fail "a killed program left ${record:-no record}"

# its rule's digits, a dead socket, and nothing in the record
rule=${record##*/}
begun=${record%/*}/${rule:0:8}eeeeeeeeeeeeeeeeeeeeeeee
on_exit "rm -f '$begun'.*"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])' "$begun.new"
: >"$begun.ofd"

first=$PREFIX target=$TARGET
at object:
shim true
[ -e "$record" ] && [ -e "$begun.ofd" ] && [ -e "$begun.new" ] || { echo "a program of another rule swept it"; bad=1; }

PREFIX=$first TARGET=$target
shim true
[ ! -e "$record" ] && [ ! -e "$begun.ofd" ] && [ ! -e "$begun.new" ] || { echo "a program of its rule left it there"; bad=1; }
exit $bad
