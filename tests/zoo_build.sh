#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_build.sh RULE: compilers, binutils, make and git work on files of the
# rule, and what they build runs from there, as they do without.
# each rule
# without LONG: mem: object:
# and with LONG on: s3:fault?meta=object s3:ceph?meta=object s3:swift?meta=object
. "${0%/*}/lib.sh"
requires gcc make

PRELUDE='find $D -mindepth 1 -delete; cd $D
export TMPDIR=$D
'
both "make -j4" '
	mkdir src obj
	for i in $(seq 8); do printf "#include \"all.h\"\nint f%d(int x) { return x * %d + (int)sizeof(struct s); }\n" $i $i >src/f$i.c; done
	{ echo "#include <stdio.h>"; echo "struct s { char b[10]; };"; for i in $(seq 8); do echo "int f$i(int);"; done; } >src/all.h
	{ echo "#include \"all.h\""; echo "int main(void) { int n = 0;"; for i in $(seq 8); do echo "n += f$i($i);"; done; echo "printf(\"%d\\n\", n); return 0; }"; } >src/main.c
	printf "O = \$(patsubst src/%%.c,obj/%%.o,\$(sort \$(wildcard src/*.c)))\nprog: \$(O)\n\t@gcc -o \$@ \$^\nobj/%%.o: src/%%.c\n\t@gcc -O0 -MMD -c -o \$@ \$<\n-include \$(O:.o=.d)\nclean:\n\trm -rf obj/* prog\n" >Makefile
	make -j4; ./prog; make -q && echo up to date; sleep 0.02; touch src/f3.c; make -q; echo $?; make -j4 -O; make -n; touch -d @1 src/*; make -q && echo old; ls obj | sort; sha256sum obj/*.o prog; make clean; ls obj; make -C src 2>&1 | tail -1 | sed "s/^make.*: \*/make: */"; (cd src && make -f ../Makefile -n 2>&1 | tail -1)'
both "gcc and binutils" '
	echo "int twice(int x) { return 2 * x; }" >lib.c; printf "#include <stdio.h>\n#include <string.h>\nint twice(int); int main(int n, char **v) { FILE *f = fopen(\"out\", \"w\"); fprintf(f, \"%%d\\\\n\", twice(n)); return fclose(f) || strlen(v[0]) == 0; }\n" >main.c
	gcc -save-temps -g -c lib.c main.c; ls; ar rcD lib.a lib.o; ar t lib.a; ranlib -D lib.a; gcc -pipe main.o lib.a -o p; ./p a b; cat out; [ -n "${NO_NODES:-}" ] || { gcc -shared -fPIC -o libt.so lib.c; gcc main.o -L. -lt -Wl,-rpath,"\$ORIGIN" -o q; LD_LIBRARY_PATH=$D ./q; echo $?; }; ld -r -o r.o lib.o main.o; nm r.o | cut -c18- | sort; objdump -d lib.o | tail -5; readelf -h p | grep Type; size lib.o; strings -n 5 main.o | head -2; cp p s; strip s; cmp -s p s; echo $?; ./s; cat out; objcopy --strip-debug p t; ./t x; cat out; addr2line -e p main >/dev/null; gcc -O2 -flto lib.c main.c -o l; ./l 1 2 3; cat out; strip -o u p; ./u; echo "int main(void) { syntax" >bad.c; gcc bad.c 2>&1 | grep -c error; gcc none.c; echo $?; gcc -E -M main.c | head -1; gcc -xc - -o stdin <lib.c 2>&1 | grep -c "undefined reference"; gcc -S -o - lib.c | grep -c twice; echo "static inline int x;" >pre.h; gcc pre.h && ls pre.h.gch; as -o e.o </dev/null; cpp -P <<<"#define A b
A"; gcc -static main.c lib.c -o static 2>/dev/null && ls static; gcov --version | head -0; gcc --coverage main.c lib.c -o cov && ./cov && ls *.gcda'
command -v g++ >/dev/null && both "C++ streams" '
	cat >p.cc <<"E"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <filesystem>
#include <sstream>
#include <string>
namespace fs = std::filesystem;
int main(int argc, char **argv)
{
	std::string l;
	std::ofstream o("o.txt");
	if (argc > 1)
		std::ios::sync_with_stdio(false);
	std::cout << "cout " << 1 << "\n";
	puts("puts");
	std::cout << "cout again" << std::endl;
	std::wcerr << L"wide" << std::endl;
	printf("printf %d\n", 2);
	fflush(stdout);
	std::cerr << "cerr\n";
	std::clog << "clog\n";
	for (int i = 0; i < 5000; i++)
		o << "line " << i << "\n";
	o.close();
	std::fstream f("o.txt", std::ios::in | std::ios::out);
	f.seekp(5);
	f << "X";
	f.seekg(0);
	std::getline(f, l);
	std::cout << l << " " << fs::file_size("o.txt") << "\n";
	while (std::getline(std::cin, l))
		std::cout << "in: " << l << "\n";
	std::ifstream i("o.txt", std::ios::binary | std::ios::ate);
	std::cout << i.tellg() << " " << std::ifstream("none").fail() << "\n";
	fs::create_directories("fs/a/b");
	fs::copy_file("o.txt", "fs/a/o");
	fs::rename("fs/a/o", "fs/a/p");
	fs::create_symlink("p", "fs/a/l");
	int n = 0;
	for (auto &e : fs::recursive_directory_iterator("fs"))
		n += e.is_regular_file() + 10 * e.is_directory() + 100 * e.is_symlink();
	std::cout << n << " " << fs::equivalent("fs/a/p", "fs/a/l") << fs::canonical("fs/a/../a/l").filename() << "\n";
	fs::resize_file("fs/a/p", 10);
	std::cout << fs::file_size("fs/a/p") << fs::is_empty("fs/a/b") << "\n";
	fs::last_write_time("fs/a/p", fs::last_write_time("o.txt"));
	fs::permissions("fs/a/p", fs::perms::owner_read);
	std::cout << fs::remove_all("fs") << fs::exists("fs") << fs::path("x/../y").lexically_normal() << "\n";
	if (argc > 1)
		std::cout << "not flushed", exit(argc);
	std::cout << "end";
	return 0;
}
E
	g++ -O0 -std=c++17 p.cc -o p || exit 1; seq 3 >in; ./p <in >out; echo $?; cat out; ./p >>out 2>&1 <in; cat out; ./p a b <in >out 2>err; echo $?; cat out err; ./p <in | tail -2 >out; cat out; { ./p; echo after; } >out <<<x 2>/dev/null; tail -2 out; exec 5>out; ./p >&5 2>&5 </dev/null; echo mine >&5; tail -2 out; ./p <in >/dev/full; echo $?'
if command -v git >/dev/null; then
	both git '
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$D/home/.gitconfig GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@x GIT_AUTHOR_DATE="2001-02-03T04:05:06Z" GIT_COMMITTER_DATE="2001-02-03T04:05:06Z" GIT_PAGER=cat GIT_EDITOR=true GIT_TERMINAL_PROMPT=0
	mkdir home; git config --global init.defaultBranch main; git config --global gc.autoDetach false; git config --global advice.detachedHead false; git config --global protocol.file.allow always
	git init -q r; cd r; for i in $(seq 20); do seq $i >f$i; done; mkdir d; echo x >d/x; ln -s f1 l; chmod +x f2; git add .; git status -s | tail -2; git commit -qm first; git log --stat | tail -3
	for i in 1 2 3; do seq $i 50 >f$i; git commit -qam "change $i"; done; git mv f4 g4; git rm -q f5; git commit -qm moved; git log --oneline --name-status -M; git tag -a -m t v1; git checkout -q -b side HEAD~2; echo side >side; git add side; git commit -qm side; git checkout -q main; git merge -q --no-edit side; git log --graph --oneline | cat; git grep -n 49 | head -3; echo dirty >>f7; git diff; git stash -q; cat f7 | wc -l; git stash pop -q; git status -s; git checkout -q -- f7; git blame -s f1 | head -2; git show --stat HEAD~1; git rebase -q HEAD~1 2>&1 | tail -1; git cherry-pick -n side 2>&1 | tail -1; git reset -q --hard; git gc -q --prune=now; git fsck --full; git count-objects -v | grep -v size; ls .git | sort; git repack -adfq; git verify-pack .git/objects/pack/*.idx && echo verified
	cd ..; git clone -q r c1; git clone -q --no-hardlinks --depth 1 "file://$D/r" c2; git clone -q --bare r b.git; cd c1; git log --oneline | head -1; echo c >c; git add c; git commit -qm c; git push -q origin HEAD:pushed; git -C ../r log --oneline pushed | head -1; git fetch -q; git worktree add -q ../w side; ls ../w | wc -l; git -C ../w status -s; git worktree list | wc -l; git ls-files -s | sha256sum; git archive HEAD | tar t | tail -2; git clean -qfdx; git apply <<<"nonsense"; echo $?; git bundle create -q ../all.bundle --all 2>/dev/null; git bundle list-heads ../all.bundle | cut -d" " -f2; git format-patch -q -1 -o ..; ls ..; cd ../c2; git log --oneline | wc -l; git am -q ../0001*; git log -1 --format=%s; git submodule -q add ../b.git sub; git status -s; ls sub | wc -l; git config --list --local | grep -c sub; git reflog | wc -l'
fi
exit $bad
