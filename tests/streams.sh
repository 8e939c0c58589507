#!/bin/bash
# SPDX-License-Identifier: MIT
# streams.sh RULE: the standard streams of programs on files of the rule: in C
# and C++, however the program ends; of shells, perl, python and awk. Fails if
# what they write, print or leave unread differs.
# each rule
# without LONG: uring: mem: object:
. "${0%/*}/lib.sh"

PRELUDE='find $D -mindepth 1 -delete; seq -f "line %.0f" 400 >in; cp in $D/in
show() { for f in "$@"; do echo "$f: $(wc -c <$D/$f) $(sha256sum <$D/$f | head -c 12)"; head -c 60 $D/$f; tail -c 60 $D/$f; done; rm -f core; }
'
export BIN

# all three streams on files, and the rest of the input for who comes next
for end in return exit _exit quick abort close thread; do
	both "the end by $end" 'for how in copy line letters errors forks; do
		echo $how; { sh -c "$BIN/stream $how '$end'; exit"; echo $? >>$D/status; cat >$D/rest; } <$D/in >$D/out 2>>$D/err; show out err rest status
	done 2>/dev/null'
done
both "streams of C" 'for how in seeks wide unread limited pipes memory threads; do
		echo $how; (ulimit -c 0; LATE=1 $BIN/stream $how; echo $?; cat >$D/rest) <$D/in >$D/out 2>$D/err; show out err rest
		LATE=1 timeout 60 $BIN/stream $how exit <$D/in >>$D/out 2>&1; echo $?; show out
	done
	echo opened for both; $BIN/stream errors 0<>$D/rw 1>&0 2>&0; show rw
	$BIN/stream unread <>$D/in >>$D/app; show app; $BIN/stream seeks <$D/in 1<>$D/rw; show rw
	$BIN/stream copy <in >$D/out; cat $D/out | $BIN/stream copy 2>/dev/null | tail -n 3; $BIN/stream copy <$D/in 2>/dev/null | sha256sum; $BIN/stream line <$D/in 2>$D/err'
both "streams of C++" 'for sync in 1 0; do
		{ $BIN/stream_cxx $D $sync; echo $?; cat >$D/rest; } <$D/in >$D/out 2>$D/err; show out err rest cxx wide
		$BIN/stream_cxx $D $sync <$D/in >$D/out 2>&1; show out; $BIN/stream_cxx $D $sync <$D/in 2>/dev/null | tail -n 5
	done'
for sh in bash dash; do
	both "streams of $sh" 'cat >$D/script <<\END
cd $D; echo builtin >f; printf "%s\n" a b >>f; read x <f; echo $x; { read a; read b; echo $a-$b; } <f
exec 3>&1 >moved 2>errs; echo in the file; printf "%d\n" 7; echo error >&2; ls none; /bin/echo external; exec >&3 2>&1; cat moved errs
cat <<E >here
$(cat f) and $((1 + 1))
E
cat here; while read -r l; do echo "[$l]"; done <f >g; cat g; (echo sub; (echo subsub)) >h; cat h; type echo >t; cat t; umask >u; cat u
echo x >/dev/full; echo $?; echo one >o; { echo two; /bin/echo three; echo four; } >>o; cat o; trap "echo bye" EXIT; exec >last; echo to the last
END
	D=$D '$sh' $D/script; echo $?; show last'
done
both "streams of perl" 'cat >$D/s.pl <<\END
open(my $f, ">", "$ENV{D}/f") or die; print $f "line $_\n" for 1..500; printf $f "%s\n", tell $f; close $f; open($f, "+<", "$ENV{D}/f"); seek $f, 5, 0; print scalar <$f>; print $f "written"; close $f;
open(STDOUT, ">", "$ENV{D}/out") or die; print "print\n"; $| = 1; print "more\n"; system "echo system"; warn "warned"; while (<STDIN>) { print if /0$/ } print STDERR "err\n"; print "left";
END
	D=$D perl $D/s.pl <$D/in >$D/first 2>$D/err; echo $?; sed -i s,$D,DIR,g $D/err; show f out first err; perl -ne "print if 1..3" <$D/in >$D/o; show o; perl -e "print scalar <STDIN>; exit" <$D/in; perl -pi.bak -e s/line/LINE/ $D/in; show in in.bak'
python=$(command -v /usr/bin/python3 || command -v python3)
both "streams of python" 'cat >$D/s.py <<\END
import os, sys, subprocess
print("printed"); print("err", file=sys.stderr); sys.stdout.flush(); os.write(1, b"by number\n")
n = sum(1 for l in sys.stdin if "0" in l); print(n, sys.stdout.isatty(), sys.stdin.fileno(), sys.stdout.tell())
sys.stdout.flush(); subprocess.run(["echo", "child"]); subprocess.run("cat >&2", shell=True, input=b"through a pipe\n"); os.system("echo system")
print(subprocess.run(["head", "-n1"], stdin=open(os.environ["D"] + "/in"), capture_output=True)); print("left in the buffer", end="")
END
	D=$D '$python' $D/s.py <$D/in >$D/out 2>$D/err; echo $?; show out err; '$python' -c "print(input()); import os; print(os.read(0, 4))" <$D/in >$D/o; show o; D=$D '$python' - <$D/s.py >$D/o2 2>&1; show o2; echo'
both "streams of awk and others" 'awk "{ print > \"$D/awk\" (NR % 3) } END { close(\"$D/awk0\"); while ((getline l < \"$D/awk0\") > 0) n++; print n; print \"to sort\" | \"cat >$D/awkpipe\" }" <$D/in >$D/out; show awk0 awk1 awk2 awkpipe out
	awk "{ print; exit }" <$D/in >$D/o; show o; (sed -n 2q; cat) <$D/in | wc -l; (head -n 1; cat) <$D/in | head -n 2; (sed -u 1q; cat) <$D/in | sha256sum; (sed 1q; cat) <$D/in | sha256sum; (read x; cat) <$D/in | sha256sum
	sort -r <$D/in >$D/s; sort -u -o $D/s $D/s; tr a-z A-Z <$D/in >$D/t; uniq -c <$D/t >$D/u; cut -c1-3 <$D/u >$D/v; paste $D/v - <$D/t >$D/w; show s t u v w; grep -c 7 <$D/in; od -c <$D/in | tail -n 1; tee $D/t1 $D/t2 <$D/in >$D/t3; cmp $D/t1 $D/t3; xargs -n 50 echo <$D/in >$D/x; join $D/in $D/in >$D/j; nl <$D/in | tac | rev >$D/r; show x j r; split -l 100 - $D/split <$D/in; ls $D; comm -12 $D/in - <$D/in >$D/c; expand <$D/w >$D/ex; show c ex; make -s -f - >$D/m 2>&1 <<<"all:; @echo made"; show m'
# only what needs it changes libc's tables, and they stay read-only; a libc
# whose tables are not known opens no stream rather than one that loses bytes
case $RULE in object:*) whose=$(basename "$LIB") ;; *) whose=libc.so.6 ;; esac
printf '%s\n' "_IO_file_jumps: $whose, EFAULT" "_IO_wfile_jumps: $whose, EFAULT" >"$TMP/tables"
shim "$BIN/stream" tables >"$TMP/got"
same_text "$TMP/tables" "$TMP/got" "libc's tables" || bad=1
case $RULE in
object:*)
	[ "$(FILE=$PREFIX/f PRELOAD_MORE=$BIN/preload/other_streams.so shim "$BIN/stream" opens)" = EOPNOTSUPP ] ||
		{ echo "a stream with unknown tables"; bad=1; }
	[ "$(FILE=$TMP/f PRELOAD_MORE=$BIN/preload/other_streams.so shim "$BIN/stream" opens)" = opened ] || { echo "a stream elsewhere with unknown tables"; bad=1; } ;;
esac
exit $bad
