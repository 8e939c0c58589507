#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory's rename whose program and agent are killed in each of its last steps, before
# the server does what it was asked and after: the old name is there to be renamed once more,
# and that leaves nothing but the new directory, with its marker's attributes.
. "${0%/*}/lib.sh"
requires python3

at "s3:fault?ttl=0s"
fault set anonymous=on
cat >"$TMP/rename.py" <<'E'
import os, sys
open(sys.argv[3], 'w').write(str(os.getpid()))
os.rename(*sys.argv[1:3])
E
rename() { shim python3 "$TMP/rename.py" "$PREFIX/$1" "$PREFIX/$2" "$TMP/pid" 2>"$TMP/err"; }
is() { [ "$(s3_sizes "$1")" = "$2" ] || { echo "$what: $1: $(s3_sizes "$1"), and not $2"; cat "$TMP/err"; fault log; bad=1; }; }
met() { curl -sS --noproxy '*' "$FAULT/rules" | grep -q 'used=[1-9]'; }
# cut CALL KEY after=N HOW: a rename that is killed when its Nth such request is made
cut() {
	fault rules "$1 $KEYS/$2 $4 $3"
	: >"$TMP/pid"
	rename b d &
	await met || { bad=1; fault log; }
	kill -KILL "$(cat "$TMP/pid")" $(agents)
	wait
	fault forget
}

for marker in yes no; do
	# the first of either has a copy made of it, or a look taken, before anything is copied
	for step in "CopyObject b/ after=0" "DeleteObject b/1 after=0" "HeadObject d/ after=0" "CopyObject d/ after=1" "DeleteObject b/ after=0"; do
		[ $marker = yes ] || case $step in
		"CopyObject b/"*) step="PutObject b/ after=0" ;;
		"CopyObject d/"*) step="CopyObject d/ after=0" ;;
		esac
		for how in stall late-stall; do
			what="marker: $marker, $step $how"
			end_agents
			fault forget
			s3_client clear "$KEYS/"
			printf 'x' | s3_client put "$KEYS/b/1" -
			[ $marker = no ] || s3_client put "$KEYS/b/" /dev/null content-type:application/x-directory x-amz-meta-mode:16832
			# shellcheck disable=SC2086
			cut $step $how
			# what is removed already is not there to be renamed once more
			if [ "${step%after*} $how" != 'DeleteObject b/  late-stall' ]; then
				rename b d || { echo "$what: once more: $(cat "$TMP/err")"; bad=1; }
			fi
			is b/ ''
			is d/ 'd/ 0 d/1 1 '
			s3_client head "$KEYS/d/" >"$TMP/head" 2>&1
			! grep -q shim-rename "$TMP/head" || { echo "$what: its word stays"; cat "$TMP/head"; bad=1; }
			[ $marker = no ] || grep -q 16832 "$TMP/head" || { echo "$what: attributes are lost"; cat "$TMP/head"; bad=1; }
		done
	done
done

# what is in the new directory by then stays, and so does what came into the old one
what='more in both'
for more in d/2 b/2; do
	end_agents
	s3_client clear "$KEYS/"
	fault forget
	printf 'x' | s3_client put "$KEYS/b/1" -
	cut DeleteObject b/ after=0 stall
	printf 'x' | s3_client put "$KEYS/$more" -
	if [ $more = d/2 ]; then
		rename b d || cat "$TMP/err"
		is '' 'd/ 0 d/1 1 d/2 1 '
	else
		! rename b d || { echo 'renamed onto a directory with files'; bad=1; }
		grep -q 'not empty' "$TMP/err" || cat "$TMP/err"
		is '' 'b/ 0 b/2 1 d/ 0 d/1 1 '
	fi
done

# the rest of the old one is removed, and there is another by its name
what='another directory'
end_agents
s3_client clear "$KEYS/"
shim mkdir "$PREFIX/b" && shim touch "$PREFIX/b/1" || bad=1
cut DeleteObject b/1 after=0 stall
shim rm -r "$PREFIX/b" || bad=1
sleep 1.1          # the server's times are in seconds
shim mkdir "$PREFIX/b" && shim touch "$PREFIX/b/2" || bad=1
! rename b d || { echo 'renamed onto a directory with files'; bad=1; }
is '' 'b/ 0 b/2 0 d/ 0 d/1 0 '
exit $bad
