#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_files.sh RULE: the programs that copy, pack, list, compare and remove
# files do under the rule what they do without: the same output, the same
# status.
# each rule
# without LONG: mem: object:
# and on: s3:fault?meta=object
# and with LONG on: s3:ceph?meta=object s3:swift?meta=object
. "${0%/*}/lib.sh"

head -c 300017 /dev/urandom >"$TMP/data"

# tree DIR: makes one with files of every sort; list DIR: all of it that must
# survive a copy.
PRELUDE='
find $D -mindepth 1 -delete; rm -rf disk; mkdir disk; W=$PWD
tree() {
	mkdir -p $1/a/b/c "$1/odd name" $1/empty
	seq 3000 >$1/a/numbers; cp data $1/a/b/data; : >$1/a/b/c/nothing; echo odd >"$1/odd name/-x *"
	ln -s a/numbers $1/link; ln -s ../none $1/a/dangling; ln -s b $1/a/dirlink; $LN $1/a/numbers $1/a/b/hard; [ -n "${NO_NODES:-}" ] || mkfifo $1/a/fifo
	truncate -s 1M $1/sparse; printf x | dd of=$1/sparse bs=1 seek=500000 conv=notrunc status=none
	chmod 640 $1/a/numbers; chmod 700 $1/a/b; chmod 2755 $1/empty; chmod 400 $1/sparse
	find $1 -depth -exec touch -h -d "2001-02-03 04:05:06.789" {} +
}
list() { (cd $1 && find . -mindepth 1 \( -type d -printf "%P %y %m %l %T+\n" \) -o -printf "%P %y %m %s %n %l %T+\n" | sort
	find . -type f -print0 | sort -z | xargs -0 sha256sum); }
'
both "cp -a" 'tree $D/t; cp -a $D/t $D/u; list $D/u; cp -a $D/t disk/t; list disk/t; cp -a disk/t $D/v; list $D/v; diff -r --no-dereference -x fifo $D/t $D/v; echo $?
	cp -au $D/t/. $D/v; cp -rL $D/t/a/b $D/w; list $D/w | cut -d" " -f1-3; cp -l $D/t/sparse $D/w/; cp -s $D/t/sparse $D/w/s; readlink $D/w/s; cp -b $D/t/sparse $D/w/; ls $D/w; cp -n data $D/w/sparse; cmp $D/w/sparse $D/t/sparse
	cp --parents $D/t/a/numbers disk; cp -a $D/t $D/t/a; echo $?; rm -rf $D/* disk/*; ls -A $D'
both mv 'tree $D/t; mv $D/t $D/u; list $D/u; mv $D/u disk/u; list disk/u; ls -A $D; mv disk/u $D/u; list $D/u; ls -A disk; echo 1 >$D/f; echo 2 >$D/g
	mv -n $D/f $D/g; cat $D/g; mv -b $D/f $D/g; cat $D/g $D/g~; mv $D/g $D/none/x; echo $?; mv -T $D/u/a $D/u/empty; echo $?; mv -f $D/g* $D/u/empty; ls $D $D/u/empty; mv $D/u $D/u/a; echo $?
	rm -rf $D/u; ls -A $D'
both "rm and rmdir" 'tree $D/t; chmod 0 $D/t/a/b/data; rmdir $D/t/a; echo $?; rmdir $D/t/empty; rm $D/t/a; echo $?; rm -v $D/t/a/dangling $D/t/a/fifo; yes | rm -ri $D/t/a/b >/dev/null 2>&1; ls $D/t/a; rm -rv $D/t | sort; mkdir -p $D/x/y/z; (cd $D; rmdir -p x/y/z; ls -A)
	mkdir -m 750 -pv $D/p/q; stat -c %A $D/p $D/p/q; unlink $D/p; echo $?; rm -d $D/p/q $D/p; ls -A $D; rm -f $D/none; rm $D/none; true'
both tar 'tree $D/t; cd $D; tar cf t.tar --sort=name t; tar tvf t.tar | sed "s, [^ ]*/[^ ]* ,,"; mkdir x; tar xpf t.tar -C x; list x; tar df t.tar && echo equal; tar czf t.tgz t; tar xzf t.tgz -C x t/a/numbers; tar cf - t | tar tf - | wc -l
	tar cSf s.tar t/sparse; [ $(stat -c %s s.tar) -lt 100000 ] && echo sparse; rm -r x; mkdir x; tar xSf s.tar -C x; cmp x/t/sparse t/sparse; stat -c "%s %b" x/t/sparse
	tar cf inc0.tar --listed-incremental=snar t; echo new >t/a/new; touch -d @12345 t/a/new; rm t/a/dangling; tar cf inc1.tar --listed-incremental=snar t; tar tf inc1.tar; mkdir y; tar xf inc0.tar --listed-incremental=/dev/null -C y; tar xf inc1.tar --listed-incremental=/dev/null -C y; list y | grep -v " d "
	tar rf t.tar t/a/new; tar --delete -f t.tar t/link; tar uf t.tar t; tar tf t.tar | sort; tar cf - t | (cd $W/disk; tar xf -); diff -r -x fifo --no-dereference t $W/disk/t; tar cJf t.txz t; tar tf t.txz | sort'
command -v rsync >/dev/null && both rsync 'tree $D/t; rsync -aH --itemize-changes $D/t/ $D/u; list $D/u; rsync -a $D/t disk; list disk/t; echo changed >>$D/t/a/numbers; touch -d @12345 $D/t/a/numbers; rm $D/t/link; rsync -ai --delete --no-whole-file $D/t/ $D/u/ | grep -v "/$"; list $D/u | grep -v " d "
	rsync -ai --inplace --existing $D/t/ disk/t/ | grep -v "/$"; rsync -aic $D/t/ disk/t/; rsync -a --link-dest=../t $D/t/ $D/v/; stat -c %h $D/v/sparse; rsync --list-only $D/v/ | awk "{ print \$1, \$5 }"; (cd $D; rsync -aR t/a/b/data w; find w | sort); rsync -aS $D/t/sparse $D/s; cmp $D/s $D/t/sparse; rsync -a --remove-source-files $D/t/a/b/ $D/x/; find $D/t/a/b'
both find 'tree $D/t; cd $D; find t -type f -size +100k | sort; find t -newermt 2002-01-01; find t -exec printf "%s\n" {} + | sort; find t -type d -execdir pwd \; | sort -u; find t -name "n*" -exec sh -c "wc -c <\$1" sh {} \; | sort; find -L t -type l; find -L t -type f -samefile t/a/numbers | sort; find . -perm 640 -o -links 2 -type f | sort; find t -empty | sort; find $D/t -depth -name "?" | sort; find t -maxdepth 1 -printf "%f %h %d %y %Y\n" | sort; find t -type f -print0 | xargs -0 -n1 -P4 sha256sum | sort; find t -path "*/b/*" -delete; find t | sort; find t -regex ".*/[a-e]*" | sort; find t -fstype none; find t/none; true'
both "ls, stat and du" 'tree $D/t; cd $D; ls -lR --time-style=+%s t | sed "s/^total.*/total/"; ls -laF t | awk "NR > 3 { print \$1, \$NF }"; ls -1S t/a; ls -1t t | wc -l; ls -d t/* "t/odd name/"; ls t/none; ls -lL t/link | cut -c1-10; ls -ln --time-style=+ t/a/numbers | cut -d" " -f1-5; ls -U t/a | sort; ls --hide="d*" t/a; ls -m t
	stat -c "%n %s %f %A %u %g %h %Y %y" t t/a/numbers t/link t/a/fifo; stat -L -c "%n %F %s" t/link; stat -f -c %T t; stat t/none; du -b t | sort; du -a --apparent-size -k t | sort; du -sh t; du -s --inodes t; (cd t/a && du -c numbers b/hard | tail -n 1); df -P t | wc -l; test -s t/sparse && [ -L t/link ] && { [ -n "${NO_NODES:-}" ] || [ -p t/a/fifo ]; } && [ ! -w / -o -r t/sparse ] && echo tests'
both "install, links, times and modes" 'cd $D; echo 1 >a; install -m 751 a b; install -d -m 700 d/e; install -D -m 600 a d/f/g; install -p -t d a b; install -b -m 644 a b; stat -c "%n %A %s" b b~ d d/e d/f/g d/a d/b; ln -s a l; $LN a h; ln -sf d l; ln -sfn a l; ln -sr d/f/g r; $LN -L l hl; $LN h h; $LN d hd; readlink l r; readlink -f r; realpath d/../r d/none/..; readlink -e none; stat -c "%n %h %N" a h l hl; ln -b -s x a; ls
	touch -d "2010-01-01 UTC" a~; touch -r a~ b; touch -a -d @5 b; touch -c none; touch -m -d @7.5 h; touch -h -d @9 l; stat -c "%n %X %Y %y" a~ b h l; chmod u=rw,go= b; chmod -R g+w d; chmod --reference=b d/a; stat -c "%n %A" b d d/a; umask 077; : >u; mkdir v; stat -c "%n %A" u v; chown $(id -u):$(id -g) u; chgrp -R $(id -g) d; [ -n "${NO_NODES:-}" ] || mknod p p; ls p; mktemp XXXXXX | tr -c "\n" x; mktemp -d dXXXXXX | tr -c "\n" x; TMPDIR=$D mktemp | sed "s,.*/tmp\.\(..........\)$,ok,"; mktemp -u | wc -l; mktemp -p d t.XXXX.c | cut -d. -f1,3; mktemp none/XXXXXX; [ b -nt a~ ]; echo $?; [ a~ -ef h ]; echo $?; pathchk d/a; basename $D/d/a; dirname d/a'
exit $bad
