#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_data.sh RULE: sqlite in every journal mode with two processes at once,
# perl, Java, node and ImageMagick on files of the rule.
# each rule
# without LONG: mem: object:
# and with LONG on: s3:fault?meta=object s3:ceph?meta=object s3:swift?meta=object
. "${0%/*}/lib.sh"

PRELUDE='find $D -mindepth 1 -delete; cd $D; export TMPDIR=$D
'
if command -v sqlite3 >/dev/null; then
	for mode in delete wal truncate persist; do
		both "sqlite3 journal_mode=$mode" "
			sqlite3 db 'pragma journal_mode=$mode; create table t(a integer primary key, b text, who);'
			insert() { for i in \$(seq 25); do echo \"begin immediate; insert into t(b, who) values(hex(\$i * 7919), \$1); insert into t(b, who) select b || 'x', who from t where who = \$1 limit 5; commit;\"; done | sqlite3 -cmd '.timeout 60000' db; }
			insert 1 & insert 2 & insert 3 & for i in 1 2 3 4 5; do sqlite3 -readonly -cmd '.timeout 60000' db 'select count(*) % 1 from t;'; done; wait
			sqlite3 db 'select who, count(*), sum(length(b)) from t group by who; pragma integrity_check;'
			sqlite3 db 'begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t(b) select hex(i * 7919) from n; commit; create index tb on t(b); delete from t where a > 432 and a % 7 = 0; begin; delete from t; rollback;'
			sqlite3 db 'pragma mmap_size=10000000; select count(*), sum(length(b)) from t; vacuum; pragma integrity_check; pragma wal_checkpoint(truncate);'
			sqlite3 db .dump | grep -v \"INSERT INTO t VALUES(.*,[123])\" | sha256sum; sqlite3 db '.backup copy'; sqlite3 copy 'pragma integrity_check; attach \"db\" as d; select count(*) from d.t;'; sqlite3 db '.once out' 'select count(*) from t'; cat out; echo 'select 1+1;' >s; sqlite3 db '.read s'; sqlite3 db <s; ls
			(sqlite3 db 'begin exclusive; insert into t(b) values(1);' '.shell touch locked; until [ -e tried ]; do sleep 0.02; done' 'rollback;') & while [ ! -e locked ]; do sleep 0.02; done; sqlite3 db 'insert into t(b) values(2);'; echo \$?; touch tried; wait; rm db*; ls"
	done
fi
command -v perl >/dev/null && both perl '
	cat >p.pl <<"E"
use strict; use warnings;
use File::Find; use File::Copy qw(copy move); use File::Path qw(make_path remove_tree); use File::Temp qw(tempfile tempdir);
use File::Basename; use File::Spec; use Cwd qw(cwd getcwd abs_path); use Fcntl qw(:DEFAULT :flock :seek :mode); use Storable qw(nstore retrieve lock_nstore lock_retrieve store_fd fd_retrieve); use IO::File; use POSIX ();
open my $f, ">", "f" or die; print $f "line $_\n" for 1 .. 1000; close $f; print -s "f", "\n";
open $f, "+<", "f"; seek $f, 5, SEEK_SET; print $f "X"; seek $f, 0, SEEK_SET; print scalar <$f>; print tell $f, "\n"; close $f;
open $f, ">>", "f"; print $f "end\n"; print tell $f, "\n"; close $f; open $f, "<", "f"; my @l = <$f>; print scalar @l, $l[-1]; print eof $f ? 1 : 0, "\n"; close $f;
sysopen $f, "s", O_RDWR | O_CREAT | O_EXCL, 0600 or die; print syswrite($f, "abcdef", 3, 1), "\n"; sysseek $f, 0, 0; print sysread($f, my $b, 10), $b, "\n"; truncate $f, 2; print -s $f, "\n"; flock $f, LOCK_EX | LOCK_NB or die; close $f;
print sysopen($f, "s", O_CREAT | O_EXCL | O_WRONLY) ? 1 : "$!", "\n"; print open($f, "<", "none") ? 1 : "$!", "\n"; print open($f, "<:raw", ".") ? (readline $f, "$!") [-1] : "$!", "\n";
open $f, "+>", undef or die; print $f "temp"; seek $f, 0, 0; print <$f>, "\n"; close $f; open my $o, ">&", \*STDOUT; open STDOUT, ">", "out"; $| = 1; print "redirected\n"; system "echo from a child"; open STDOUT, ">&", $o; open $f, "out"; print <$f>; close $f;
open $f, "-|", "cat", "out" or die; print <$f>; close $f; open $f, "|cat >piped"; print $f "p\n"; close $f; print `cat piped`; open $f, "<:encoding(UTF-8)", "f"; binmode $f; close $f; { local @ARGV = ("f", "out"); my $n = 0; $n++ while <>; print "$n\n"; } { local ($^I, @ARGV) = (".bak", "out"); while (<>) { s/r/R/; print } } print `cat out out.bak`;
make_path "a/b/c", { mode => 0750 }; copy "f", "a/b/f" or die; move "a/b/f", "a/b/g"; symlink "g", "a/b/l"; $ENV{LN} eq "cp" ? copy "a/b/g", "a/b/h" : link "a/b/g", "a/b/h"; my @f; find { wanted => sub { push @f, $File::Find::name }, no_chdir => 0 }, "a"; print join(" ", sort @f), "\n"; finddepth { wanted => sub { push @f, $_ }, no_chdir => 1, follow => 1 }, "a"; print scalar @f, "\n"; opendir my $d, "a/b"; print join(" ", sort readdir $d), "\n"; rewinddir $d; print scalar(() = readdir $d), "\n"; closedir $d; print join(" ", sort glob("a/b/* *.bak {f,s}")), "\n"; print join(" ", map { sprintf "%o", $_ } (stat "a/b/g")[2, 3]), readlink("a/b/l"), "\n"; print -l "a/b/l" && -d "a" && -e _ ? "ok\n" : "no\n"; utime 1, 2, "f"; print join(" ", (stat "f")[7, 8, 9]), "\n"; chmod 0600, "f"; printf "%o\n", S_IMODE((stat "f")[2]); rename "f", "g" or die; print unlink("none"), "$!\n"; print rmdir("a") ? 1 : "$!", "\n"; chdir "a/b"; print basename(cwd), basename(getcwd), basename(abs_path("..")), "\n"; chdir "../.."; remove_tree "a"; print -e "a" ? 1 : 0, "\n";
nstore { a => [1 .. 5], b => "x" }, "st"; print join(",", @{ retrieve("st")->{a} }), "\n"; lock_nstore [1, 2], "st"; print lock_retrieve("st")->[1], "\n"; my ($t, $n) = tempfile DIR => ".", UNLINK => 1; print $t "x"; close $t; print -s $n, "\n"; my $dir = tempdir CLEANUP => 1; print -d $dir ? 1 : 0, "\n"; if (my $pid = fork) { waitpid $pid, 0; print $? >> 8, "\n" } else { open $f, ">child"; print $f "c\n"; close $f; exit 3 } print -s "child", "\n"; my $fd = POSIX::open("g", POSIX::O_RDONLY()); POSIX::lseek($fd, 5, 0); POSIX::read($fd, $b, 3); print $b; POSIX::dup2($fd, 20); POSIX::read(20, $b, 3); print $b; POSIX::close($_) for $fd, 20; my $io = IO::File->new("io", "w+"); $io->autoflush(1); $io->print("io\n"); $io->seek(0, 0); print $io->getline, $io->sync ? 1 : 0, "\n"; $io->ungetc(65); print $io->getc, "\n"; do "./inc.pl"; eval { require "./inc.pl" }; print "$@" ? "no inc\n" : "inc\n";
E
	echo "print qq(included\n); 1;" >inc.pl; perl p.pl; echo $?; ls; perl -ne "print if 1 .. 2" <g >top; cat top; perl -e "print <STDIN>" <<E >here
x
E
	cat here; cat >DATA.pl <<"E"
print <DATA>; seek DATA, 0, 0; print scalar <DATA>;
__END__
data
E
	perl DATA.pl; perl -c DATA.pl; perl -I. -e "require q(inc.pl)"; perl <DATA.pl'
if command -v java >/dev/null && command -v javac >/dev/null; then
	cat >"$TMP/Z.java" <<'E'
import java.io.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.util.*;
import java.util.stream.*;
import java.util.zip.*;

public class Z {
	static Path d = Paths.get("j").toAbsolutePath();
	static void p(Object... o) { System.out.println(Arrays.stream(o).map(String::valueOf).collect(Collectors.joining(" "))); }
	static void fails(Callable c) { try { c.call(); p("no exception"); } catch (Exception e) { p(e.getClass().getSimpleName()); } }
	interface Callable { void call() throws Exception; }
	static void walk() throws IOException { try (Stream<Path> s = Files.walk(d)) { p(s.map(x -> d.relativize(x).toString()).sorted().collect(Collectors.joining(","))); } }
	public static void main(String[] a) throws Exception {
		Files.createDirectories(d.resolve("a/b"));
		Path f = d.resolve("f");
		Files.write(f, Collections.nCopies(1000, "a line"));
		p(Files.size(f), Files.readAllLines(f).size(), Files.isRegularFile(f), Files.probeContentType(f));
		Files.copy(f, d.resolve("a/copy"), StandardCopyOption.COPY_ATTRIBUTES);
		Files.move(d.resolve("a/copy"), d.resolve("a/b/moved"), StandardCopyOption.ATOMIC_MOVE);
		Files.createSymbolicLink(d.resolve("l"), Paths.get("f")); if (System.getenv("LN").equals("cp")) Files.copy(f, d.resolve("h")); else Files.createLink(d.resolve("h"), f);
		p(Files.readSymbolicLink(d.resolve("l")), Files.isSameFile(f, d.resolve("l")), Files.mismatch(f, d.resolve("a/b/moved")));
		fails(() -> Files.copy(f, d.resolve("h"))); fails(() -> Files.createDirectory(d)); fails(() -> Files.delete(d)); fails(() -> Files.readAllBytes(d.resolve("none"))); fails(() -> Files.newInputStream(d).read());
		Files.setPosixFilePermissions(f, PosixFilePermissions.fromString("rw-r-----")); Files.setLastModifiedTime(f, FileTime.fromMillis(1234567));
		p(PosixFilePermissions.toString(Files.getPosixFilePermissions(f)), Files.getLastModifiedTime(f).toMillis(), Files.readAttributes(f, "unix:nlink,size,isDirectory"));
		walk();
		try (RandomAccessFile r = new RandomAccessFile(d.resolve("r").toFile(), "rw")) {
			r.setLength(100000); r.seek(5000); r.writeUTF("text"); r.seek(5000); p(r.readUTF(), r.length(), r.getFilePointer());
			FileChannel c = r.getChannel();
			MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 200000); m.putInt(8, 42); m.putInt(199996, 43); m.force();
			ByteBuffer b = ByteBuffer.allocateDirect(8); p(c.read(b, 8), b.getInt(0), c.size()); b.flip(); p(c.write(b, 300000), c.size());
			try (FileLock l = c.lock(0, 10, false)) { p(l.isValid(), l.isShared()); }
			c.truncate(199998); p(c.size(), m.getInt(8)); ByteBuffer[] v = { ByteBuffer.wrap("ab".getBytes()), ByteBuffer.wrap("cd".getBytes()) }; c.position(0); p(c.write(v), c.position());
			try (FileChannel to = FileChannel.open(d.resolve("to"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) { p(c.transferTo(0, c.size(), to), to.transferFrom(c.position(0), to.size(), 1000)); }
		}
		try (AsynchronousFileChannel s = AsynchronousFileChannel.open(d.resolve("to"), StandardOpenOption.READ)) { ByteBuffer b = ByteBuffer.allocate(4); p(s.read(b, 0).get(), new String(b.array())); }
		try (BufferedWriter w = Files.newBufferedWriter(d.resolve("w"), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) { for (int i = 0; i < 5000; i++) w.write(i + "\n"); }
		try (PrintStream w = new PrintStream(new FileOutputStream(d.resolve("w").toFile(), true))) { w.println("appended"); }
		try (BufferedReader r = new BufferedReader(new FileReader(d.resolve("w").toFile()))) { p(r.lines().count()); }
		try (ZipOutputStream z = new ZipOutputStream(Files.newOutputStream(d.resolve("z.zip")))) { z.putNextEntry(new ZipEntry("e")); z.write(new byte[100000]); }
		try (ZipFile z = new ZipFile(d.resolve("z.zip").toFile())) { p(z.getEntry("e").getSize(), z.getInputStream(z.getEntry("e")).readAllBytes().length); }
		try (FileSystem z = FileSystems.newFileSystem(d.resolve("z.zip"))) { Files.writeString(z.getPath("/new"), "zipfs"); p(Files.readString(z.getPath("/new"))); }
		Path t = Files.createTempFile(d, "t", ".x"); p(Files.exists(t), File.createTempFile("uuu", "v", d.toFile()).delete()); Files.delete(t);
		if (a.length > 0)
			try (WatchService w = FileSystems.getDefault().newWatchService()) {
				d.register(w, StandardWatchEventKinds.ENTRY_CREATE); Files.createFile(d.resolve("watched"));
				WatchKey k = w.poll(60, java.util.concurrent.TimeUnit.SECONDS); p(k == null ? "no event" : k.pollEvents().get(0).context());
			}
		File ff = d.toFile(); String[] n = ff.list(); Arrays.sort(n); p(String.join(",", n), ff.canWrite(), f.toFile().renameTo(d.resolve("g").toFile()), d.resolve("g").toFile().setReadOnly(), ff.getCanonicalFile().getName(), d.toRealPath().getFileName());
		Process q = new ProcessBuilder("cat").redirectInput(d.resolve("h").toFile()).redirectOutput(d.resolve("q").toFile()).start(); p(q.waitFor(), Files.size(d.resolve("q")));
		q = new ProcessBuilder("sh", "-c", "pwd; cat f 2>&1; ls").directory(ff).redirectErrorStream(true).start(); p(new String(q.getInputStream().readAllBytes()).replace(d.toString(), "J"), q.waitFor());
		Files.walkFileTree(d, new SimpleFileVisitor<Path>() {
			public FileVisitResult visitFile(Path x, BasicFileAttributes b) throws IOException { Files.delete(x); return FileVisitResult.CONTINUE; }
			public FileVisitResult postVisitDirectory(Path x, IOException e) throws IOException { Files.delete(x); return FileVisitResult.CONTINUE; } });
		p(Files.exists(d));
	}
}
E
	javac -d "$TMP" "$TMP/Z.java" || exit 1
	mkdir "$TMP/classes" && mv "$TMP"/*.class "$TMP/classes"
	export CLASSES=$TMP/classes JAVA_TOOL_OPTIONS=
	unset JAVA_TOOL_OPTIONS
	both java 'cp -r $CLASSES here; java -Xshare:auto -XX:TieredStopAtLevel=1 -Xmx128m -cp here Z $([ -n "${NO_NODES:-}" ] || echo watch) >out 2>&1; s=$?; cat out; ls -A; exit $s'
fi
command -v node >/dev/null && both node '
	cat >n.js <<"E"
const fs = require("fs"), path = require("path"), cp = require("child_process"), zlib = require("zlib"), { pipeline } = require("stream/promises");
const t = f => { try { return f(); } catch (e) { return e.code + " " + e.syscall; } };
fs.writeFileSync("f", "x".repeat(100000)); console.log(fs.statSync("f").size, fs.existsSync("none"), t(() => fs.readFileSync("none")), t(() => fs.readdirSync("f")), t(() => fs.mkdirSync(".")));
fs.appendFileSync("f", "end"); const fd = fs.openSync("f", "r+"); fs.writeSync(fd, "start", 0); const b = Buffer.alloc(5); console.log(fs.readSync(fd, b, 0, 5, 0), b.toString()); fs.ftruncateSync(fd, 50000); fs.fsyncSync(fd); fs.futimesSync(fd, 1, 2); console.log(fs.fstatSync(fd).mtimeMs); fs.closeSync(fd);
fs.mkdirSync("a/b", { recursive: true }); fs.copyFileSync("f", "a/b/f"); fs.renameSync("a/b/f", "a/b/g"); fs.symlinkSync("g", "a/b/l"); (process.env.LN == "cp" ? fs.copyFileSync : fs.linkSync)("a/b/g", "a/b/h"); console.log(fs.readlinkSync("a/b/l"), path.basename(fs.realpathSync("a/b/l")), path.basename(fs.realpathSync.native("a/b/l")), fs.lstatSync("a/b/l").isSymbolicLink(), fs.readdirSync("a", { recursive: true, withFileTypes: true }).map(e => e.name + e.isFile()).sort().join());
fs.cpSync("a", "c", { recursive: true }); console.log(fs.readdirSync("c/b").sort().join()); fs.rmSync("a", { recursive: true }); fs.chmodSync("f", 0o600); console.log((fs.statSync("f").mode & 0o777).toString(8), fs.accessSync("f", fs.constants.W_OK), fs.mkdtempSync("tmp-").length);
(async () => {
	await pipeline(fs.createReadStream("f"), zlib.createGzip(), fs.createWriteStream("f.gz")); await pipeline(fs.createReadStream("f.gz"), zlib.createGunzip(), fs.createWriteStream("g")); console.log(fs.readFileSync("g").equals(fs.readFileSync("f")));
	const h = await fs.promises.open("h", "w+"); await h.writeFile("promises\nlines\n"); const { bytesRead, buffer } = await h.read(Buffer.alloc(20), 0, 20, 0); console.log(bytesRead, buffer.toString("utf8", 0, bytesRead)); await h.truncate(3); console.log((await h.stat()).size); await h.close(); await Promise.all([...Array(50).keys()].map(i => fs.promises.writeFile("p" + i, "p" + i))); console.log((await fs.promises.readdir(".")).filter(n => /^p\d/.test(n)).length); for await (const e of await fs.promises.opendir("c/b")) if (e.name == "h") console.log(e.isFile());
	let s = fs.createReadStream("f", { start: 10, end: 19 }), n = 0; for await (const c of s) n += c.length; console.log(n); const out = fs.openSync("out", "w"); console.log(cp.spawnSync("sh", ["-c", "echo child; cat"], { stdio: [fs.openSync("h", "r"), out, out] }).status, fs.readFileSync("out", "utf8")); console.log(cp.execFileSync("cat", ["h"], { cwd: path.resolve("."), encoding: "utf8" })); process.chdir("c"); console.log(path.basename(process.cwd()), fs.readdirSync(".").join(), path.basename(require(path.resolve("../m.js"))));
	const r = require("readline").createInterface({ input: fs.createReadStream("../lines") }); n = 0; for await (const l of r) n++; console.log(n); if (!process.env.NO_NODES) { const w = fs.watch(".", (e, f) => { console.log(e, f); w.close(); }); fs.writeFileSync("seen", ""); }
})();
E
	echo "module.exports = __filename" >m.js; seq 2000 >lines; node n.js || exit 1; rm -r p[0-9]* tmp-*; node n.js >o 2>&1 </dev/null; head -3 o; node - <m.js; node --input-type=module -e "import fs from \"fs\"; console.log(fs.statSync(\"lines\").size)" >o; cat o; ls | wc -l'
command -v convert >/dev/null && both ImageMagick '
	convert -size 100x80 gradient:red-blue a.png || exit 1; convert a.png -resize 50% b.ppm; sha256sum b.ppm; convert a.png a.jpg; identify -format "%m %wx%h\n" a.jpg b.ppm; convert a.png a.jpg +append c.gif; identify -format "%wx%h\n" c.gif; convert - png:- <b.ppm >d.png; compare -metric MSE d.png b.ppm null: 2>&1; echo; mogrify -rotate 90 b.ppm; identify -format "%wx%h\n" b.ppm; export MAGICK_TMPDIR=$D
	convert -limit memory 64KiB -limit map 64KiB a.png -blur 0x2 e.ppm; sha256sum e.ppm; convert -limit memory 64KiB -limit map 1GiB a.png -blur 0x2 e.ppm; sha256sum e.ppm; ls'
exit $bad
