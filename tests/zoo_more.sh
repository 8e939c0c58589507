#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_more.sh RULE: more shells, languages and tools, each a script in zoo_more:
# what it prints and how it ends under the rule is what it does without. One
# whose programs ("# needs:") are not here is left out.
# each rule
# without LONG: mem: object:
. "${0%/*}/lib.sh"

PRELUDE='find $D -mindepth 1 -delete; chmod 755 $D; cd $D; export D TMPDIR=$D
'
ran=0
for part in "$ROOT"/tests/zoo_more/${PART:-*}; do
	for program in $(sed -n 's/^# needs: //p' "$part"); do
		command -v "$program" >/dev/null || continue 2
	done
	both "${part##*/}" "$(<"$part")"
	ran=$((ran + 1))
done
[ $ran -gt 0 ] || skip "none of their programs"
exit $bad
