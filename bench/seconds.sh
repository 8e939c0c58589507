#!/bin/bash
# SPDX-License-Identifier: MIT
# seconds.sh COMMAND...: a measuring command for alternate: runs it once a
# round and answers the ns it took, from start to end.

set -u
while read -r _; do
	begin=${EPOCHREALTIME/./}
	"$@" </dev/null >/dev/null || exit 1
	echo $(((${EPOCHREALTIME/./} - begin) * 1000))
done
