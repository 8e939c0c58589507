#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_shell.sh RULE: what dash and bash scripts do with files: redirections of
# every sort, here-documents, substitutions, jobs, globs, tests, locks.
# each rule
# without LONG: mem: object:
# and on: s3:fault?meta=object
# and with LONG on: s3:ceph?meta=object s3:swift?meta=object
. "${0%/*}/lib.sh"

PRELUDE='find $D -mindepth 1 -delete; export TMPDIR=$D; D=$D/here; mkdir $D
'
# in each NAME SCRIPT: as both, by dash and by bash; the script is read from
# the rule, too
each() {
	local sh
	for sh in dash bash; do
		command -v $sh >/dev/null && both "$sh: $1" "cat >\$D/script <<'END_OF_SCRIPT'
$2
END_OF_SCRIPT
cd \$D; $sh script one 'two three'; s=\$?; $sh <script x >\$D/out 2>&1; echo \$?; cat \$D/out; $sh -c \". \$D/script\" >>out; wc out; exit \$s"
	done
}

each redirections 'echo a >f; echo b >>f; cat <f; cat f >g 2>&1; echo c 1<>f; cat f; { echo x; echo y; } >f; cat f; (echo in; echo err >&2) >f 2>&1; cat f; (echo in; ls none) >f 2>g; wc -l <g
>e; : >e; [ -s e ] || echo empty; echo hello >&3 3>f 2>/dev/null; exec 3>h; echo 1 >&3; echo 2 >&3; exec 3>&-; cat h; exec 4<h; read a <&4; read b <&4; echo $a $b; exec 4<&-; exec 5<>h; read a <&5; echo two >&5; exec 5>&-; cat h
set -C; echo no >h; echo $?; echo yes >|h; set +C; cat h; cat <none; echo $?; echo x >none/x; echo $?; echo x >.; cat h - <g | wc -l; while read l; do echo "[$l]"; done <h; while read a b; do echo $b; done <<E
1 2
3 $((2 + 2))
E
for i in 1 2 3; do echo $i; done >loop; cat loop; if true; then echo t; fi >>loop; i=0; while [ $i -lt 50 ]; do echo $i >>app; i=$((i + 1)); done; tail -1 app; exec 6>&1 >moved; echo to the file; ls none 2>&1; exec >&6 6>&-; cat moved; cat <<A <<B
a
A
b
B
{ cat; echo after; } <h >h2; cat h2; (exec <h2; cat; read x || echo eof); sort <h2 | head -1 >h3; cat h3; cat f g h 2>/dev/null | tee t1 >t2; cmp t1 t2; true >/dev/full; echo full >/dev/full; echo $?'
each "jobs, pipelines and subshells" '(echo one; echo two) >f & wait; cat f; for i in 1 2 3 4; do (echo job $i; cat f) >j$i & done; wait; cat j*; (sleep 0.05; echo late) >late & p=$!; wait $p; echo $?; cat late; (exit 7) & wait $!; echo $?
i=0; while [ $i -lt 40 ]; do (echo line $i >>app) & i=$((i + 1)); done; wait; sort -k2n app | tail -1; wc -l <app; echo p | cat - f | (read x; cat >g; echo $x >>g); cat g; yes 2>/dev/null | head -3 >y; cat y; { sleep 0.05; echo bg; } >bg 2>&1 & cat <f >/dev/null; wait; cat bg
x=$(cat <f); echo "$x" | wc -c; x=$(echo sub >sub; cat sub); echo $x; y=`cat f | tail -1`; echo $y; trap "cat f; rm -f trapped" EXIT; echo t >trapped; (trap "echo sub" EXIT; cat trapped); trap "echo usr1 >usr" USR1; kill -USR1 $$; cat usr; (cd / && echo there) >cd; cat cd; eval "echo e >ev"; cat ev; . ./ev 2>/dev/null; echo "echo sourced \$1" >src; . ./src; f() { echo fn $1; cat; } ; f 3 <f >fn 2>&1; cat fn; cat f | while read l; do echo $l; done >w; cat w; umask 077; echo >um; stat -c %a um; ulimit -f >/dev/null; exec cat f'
each "globs, tests and cd" 'mkdir -p d/e "d/x y"; for f in a b c .h "q r" [z]; do echo $f >"d/$f"; done; echo d/*; echo d/?; echo d/[ab]; echo d/.*h; echo d/*/; echo d/n*; for f in d/*; do [ -f "$f" ] && echo "f $f"; [ -d "$f" ] && echo "d $f"; done; cd d; pwd | sed "s,.*/,,"; echo *; echo ../d/a*; cd e; pwd -P | sed "s,.*/,,"; cd ..; cd -  >/dev/null; cd ../..; ls d | wc -l; (cd d/e; echo rel >../rel; cat ../rel ../../d/rel); cd none; echo $?; cd d/a; echo $?
ln -s d/e link; cd link; pwd | sed "s,.*/,,"; pwd -P | sed "s,.*/,,"; cd ..; pwd | sed "s,.*/,,"; touch -d @1 old; touch new; [ new -nt old ] && echo newer; [ old -ot new ] && echo older; $LN new hard; [ new -ef hard ] && echo same; [ -L link ] && [ -h link ] && [ -d link ] && echo link; [ -e none ] || echo none; test -x d && test -r new && test -w new && echo rwx; test -s new || echo empty; if [ -z "$NO_NODES" ]; then mkfifo p; test -p p && echo fifo; (echo through >p) & cat p; wait; fi; case $(echo d/a*) in d/a) echo ok;; esac; rm -r d link; echo d*; ls'
if command -v bash >/dev/null; then
	both "bash alone" 'cd $D; cat <<<"here string" >f; cat <<<"$(<f) again"; cat <(echo sub) f <(cat f) >g; cat g; echo to | tee >(cat >h) >/dev/null; until [ -s h ]; do sleep 0.02; done; cat h; echo out &>f; ls none &>>f; wc -l f; exec 3<>f; echo "three" >&3; read -u 3 l; echo $l; exec 3>&-; cat f; exec {fd}>v; echo v$((fd > 9)) >&$fd; exec {fd}>&-; cat v; mapfile -t m < <(seq 5 | tee s); echo ${m[@]}; mapfile -n 2 m <s; echo ${#m[@]}; printf "%03d\n" 7 >n; cat n; read -N 3 x <n; echo $x; read -d 7 x <n; echo "$x"; shopt -s globstar nullglob dotglob extglob; mkdir -p a/b/c; touch a/b/c/x a/.d; echo **; echo **/x; echo none*; a=(*); echo ${#a[@]}; compgen -f a
for ((i = 0; i < 3; i++)); do echo $i; done >loop; cat loop; x=$(<loop); echo "$x"; { time -p true; } 2>t; wc -l <t; [[ loop -nt a/b/c/x ]]; [[ -f loop && ! -d loop ]] && echo t; set -o noclobber; echo x >loop || echo refused; set +o noclobber; coproc { cat >co; }; p=$COPROC_PID; eval "echo co >&${COPROC[1]}; exec ${COPROC[1]}>&-"; wait $p; cat co; while read -r a b; do echo $b; done < <(paste -d" " s s); seq 3 | (mapfile l; echo ${#l[@]}); pushd a >/dev/null; popd | sed "s,.*/,,"; history -s cmd; history -w hist; cat hist; enable -n echo; echo external >|loop; cat loop; cd a; cd b; echo ${PWD##*/} ${OLDPWD##*/}; cat ../../loop; exec 9<../../s; cd $D; cat <&9 | tail -1; exec 8>&1 1>final; echo last; exec 1>&8; cat final'
fi
if command -v flock >/dev/null; then
	both flock 'cd $D; flock l echo locked; (flock -n 9 || exit 1; flock -n l echo never; echo $?; flock -s -n l true; echo $?) 9>l; flock -n l echo free; for i in 1 2 3 4; do (flock 8; n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) >n) 8>>l & done; wait; cat n; exec 7<l; flock -s 7; flock -s -n l echo shared; flock -x -n l echo never; echo $?; flock -u 7; flock -x -n l echo again; flock -w 60 -E 9 l true; echo $?'
fi
both "editors and others" 'cd $D; seq 100 >n
	if command -v vim.tiny >/dev/null; then vim.tiny -u NONE -n -es -c "2,99d|%s/1/x/|wq" n; cat n; seq 3 >o; chmod 640 o; vim.tiny -u NONE -es --cmd "set backup directory=. backupdir=." -c "\$d|w|sp n|r o|wq|q" o; ls -A; cat o o~ n; stat -c %a o; fi
	if command -v tclsh >/dev/null; then echo "set f [open t w+]; puts \$f hello; seek \$f 0; puts [gets \$f]; close \$f; file copy t u; file rename u v; puts [lsort [glob *]]; puts [file size v]; exec cat <t >w; puts [exec cat w | wc -l]; cd [pwd]; file mkdir a/b; file delete -force a; puts [file exists a]; set f [open t a]; fconfigure \$f -buffering none; puts \$f more; puts [exec cat t]; close \$f; puts [file normalize ./a/../t]" >s.tcl; tclsh s.tcl; fi
	echo "2 3 + p" >c; command -v dc >/dev/null && dc c; echo "1 + 2" >c; command -v bc >/dev/null && bc <c; script -qc "cat n" typescript >/dev/null 2>&1; true'
exit $bad
