#!/bin/bash
# SPDX-License-Identifier: MIT
# zoo_python.sh RULE: what python3's library does with files and processes:
# tempfile, shutil, archives, mmap, subprocess, multiprocessing, asyncio.
# each rule
# without LONG: uring: mem: object:
# and on: s3:fault?meta=object
# and with LONG on: s3:ceph?meta=object s3:swift?meta=object
. "${0%/*}/lib.sh"
requires python3
[ -x /usr/bin/python3 ] && python=/usr/bin/python3 || python=python3

PRELUDE="find \$D -mindepth 1 -delete; cd \$D; export TMPDIR=\$D PYTHONDONTWRITEBYTECODE=; unset PYTHONDONTWRITEBYTECODE # imports write .pyc there
run() { cat >z.py; $python -u z.py || exit 1; ls; }
"
both "files" 'run <<"E"
import contextlib, fcntl, filecmp, fileinput, glob, io, json, linecache, mmap, os, pathlib, pickle, shelve, shutil, stat, sys, tempfile, dbm.dumb, sqlite3, logging, logging.handlers, csv, configparser
with tempfile.NamedTemporaryFile("w+") as f, tempfile.TemporaryFile() as t, tempfile.SpooledTemporaryFile(10) as s, tempfile.TemporaryDirectory() as d:
    print(f.write("x" * 10000), f.tell(), os.path.dirname(f.name) == os.getcwd(), os.path.getsize(f.name), t.write(b"t" * 20), s.write(b"s" * 20), os.path.isdir(d))
    f.flush(); print(os.path.getsize(f.name), os.fstat(t.fileno()).st_nlink); t.seek(0); print(t.read()); s.seek(0); print(s.read(), s.fileno() > 2)
    pathlib.Path(d, "inner").write_text("i")
print(os.path.exists(d), tempfile.gettempdir() == os.getcwd())
p = pathlib.Path("a/b/c"); p.mkdir(parents=True); (p / "f").write_bytes(bytes(range(256)) * 100); (p / "g").touch(0o640); (p / "l").symlink_to("f"); shutil.copy2(p / "f", p / "h") if os.environ["LN"] == "cp" else (p / "h").hardlink_to(p / "f"); "NO_NODES" in os.environ or os.mkfifo(p / "p")
print(sorted(map(str, pathlib.Path(".").rglob("*"))), (p / "l").resolve().relative_to(os.getcwd()), oct((p / "g").stat().st_mode), (p / "f").samefile(p / "h"), (p / "l").is_symlink(), p.owner() is not None, os.readlink(p / "l"), (p / "p").is_fifo()); (p / "p").unlink(missing_ok=True)
print(sorted((e.name, e.is_file(), e.is_dir(follow_symlinks=False), e.is_symlink(), e.stat().st_size, e.inode() == os.lstat(e.path).st_ino) for e in os.scandir(p)), sorted(glob.glob("a/**/*", recursive=True)), sorted(glob.glob("*/b/[c-d]/?")))
shutil.copytree("a", "copy", symlinks=True); print(filecmp.dircmp("a", "copy").report()); shutil.copy2("a/b/c/f", "f"); shutil.copyfile("f", "g"); shutil.copyfileobj(open("f", "rb"), open("h", "wb")); print(filecmp.cmp("f", "g", False), shutil.disk_usage(".").total > 0, shutil.which("cat") is not None); shutil.move("copy", "moved")
print([(r, sorted(d), sorted(f)) for r, d, f in sorted(os.walk("moved"))], [(sorted(d), sorted(f)) for r, d, f, fd in os.fwalk("moved", topdown=False)]); shutil.rmtree("moved"); print(os.path.exists("moved"), shutil.rmtree.avoids_symlink_attacks)
for fmt in "tar", "gztar", "bztar", "xztar", "zip":
    n = shutil.make_archive("arch", fmt, "a"); shutil.unpack_archive(n, "un" + fmt); print(os.path.basename(n), sorted(os.listdir("un" + fmt + "/b/c"))); shutil.rmtree("un" + fmt); os.unlink(n)
with open("f", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
    m[:5] = b"mmap!"; print(m.find(b"\xff"), len(m), m.size(), f.read(5)); m.flush(); m.resize(30000); m[29999] = 1; print(os.path.getsize("f")); os.truncate("f", 100000); m.resize(100000); print(m[99999], m.rfind(b"mmap"))
with open("f", "rb") as f, mmap.mmap(f.fileno(), 100, access=mmap.ACCESS_READ) as m, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as c: c[0] = 0; print(m[0], c[0], m.readline()[:5])
def errno(f, *a):
    try: return f(*a)
    except OSError as e: return type(e).__name__, e.errno, e.filename and os.path.basename(str(e.filename))
print(errno(open, "none"), errno(open, "f", "x"), errno(open, "."), errno(os.rmdir, "a"), errno(os.listdir, "f"), errno(os.mkdir, "a"), errno(os.open, "f", os.O_DIRECTORY), errno(os.readlink, "f"), errno(os.open, "a/b/c/l", os.O_NOFOLLOW), errno(os.rename, "a", "a/b/d"), errno(os.link, "a", "b"), errno(os.unlink, "a"), errno(os.chdir, "f"), errno(os.open, "x" * 300, os.O_CREAT), errno(os.truncate, "f", -1), errno(os.pread, 99, 1, 1), errno(os.stat, "f/x"), errno(os.symlink, "x", "f"))
fd = os.open("v", os.O_RDWR | os.O_CREAT); print(os.writev(fd, [b"ab", b"cd"]), os.preadv(fd, [bytearray(2), bytearray(5)], 1), os.pwrite(fd, b"zz", 8), os.lseek(fd, 0, os.SEEK_END), os.posix_fallocate(fd, 0, 100), os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_DATA), os.get_inheritable(fd), os.sendfile(os.open("s", os.O_CREAT | os.O_WRONLY), fd, 0, 50), os.copy_file_range(fd, os.open("t", os.O_CREAT | os.O_WRONLY), 60), os.fpathconf(fd, "PC_NAME_MAX"), fcntl.fcntl(fd, fcntl.F_GETFL) & 3, fcntl.lockf(fd, fcntl.LOCK_EX), fcntl.flock(fd, fcntl.LOCK_SH)); os.close(fd)
d = os.open("a/b", os.O_RDONLY); print(os.listdir(d), os.stat("c/g", dir_fd=d).st_size); os.mkdir("n", dir_fd=d); os.rename("n", "m", src_dir_fd=d, dst_dir_fd=d); os.rmdir("m", dir_fd=d); os.symlink("x", "y", dir_fd=d); os.unlink("y", dir_fd=d); os.chdir(d); print(os.path.basename(os.getcwd()), os.listdir()); os.chdir("../.."); os.close(d); os.utime("f", ns=(1, 2)); print(os.stat("f").st_mtime_ns, os.access("f", os.W_OK)); os.chmod("f", 0o600); os.setxattr("f", "user.x", b"y") if 0 else None; os.replace("g", "h"); print(os.statvfs(".").f_namemax)
with open("text", "w+", encoding="utf-16", newline="\r\n") as f: f.write("é\nü\n" * 1000); f.seek(0); print(f.readline(), sum(1 for _ in f), f.tell())
with open("lines", "w", buffering=1) as f: print("one", file=f); print(os.path.getsize("lines")); print(*range(2000), sep="\n", file=f)
with fileinput.input("lines", inplace=True, backup=".bak") as f:
    for l in f: print(l.upper(), end="")
print(linecache.getline("lines", 1), sorted(os.listdir("."))); pickle.dump([1], open("pk", "wb")); print(pickle.load(open("pk", "rb"))); json.dump({"a": 1}, open("js", "w")); print(json.load(open("js")))
with dbm.dumb.open("db") as db: db["k"] = "v"
with dbm.dumb.open("db") as db: print(db["k"])
c = sqlite3.connect("sq"); c.execute("pragma journal_mode=wal"); c.execute("create table t(a)"); c.executemany("insert into t values(?)", ((i,) for i in range(1000))); c.commit(); c2 = sqlite3.connect("sq"); print(c2.execute("select sum(a) from t").fetchone(), len(list(c.iterdump()))); c.close(); c2.close()
h = logging.handlers.RotatingFileHandler("log", maxBytes=1000, backupCount=3); l = logging.getLogger(); l.addHandler(h); [l.warning("message %d", i) for i in range(200)]; logging.shutdown(); print(sorted(glob.glob("log*")), open("log").readlines()[-1])
E
'
both "archives and modules" 'run <<"E"
import bz2, compileall, ensurepip, gzip, hashlib, importlib, lzma, os, py_compile, random, shutil, sys, tarfile, zipapp, zipfile, zipimport
random.seed(1); os.makedirs("d/e"); open("d/r", "wb").write(random.randbytes(200000)); open("d/z", "wb").truncate(1000000); os.symlink("r", "d/l"); (shutil.copy2 if os.environ["LN"] == "cp" else os.link)("d/r", "d/e/h")
def reset(i): i.mtime = 0; return i
for m in "w", "w:gz", "w:bz2", "w:xz", "w|":
    with tarfile.open("t", m, format=tarfile.PAX_FORMAT, **({"fileobj": open("t", "wb")} if m == "w|" else {})) as t: t.add("d", filter=reset)
    with tarfile.open("t") as t: print(m, sorted(t.getnames()), t.getmember("d/e/h").islnk() or t.getmember("d/r").islnk()); t.extractall("x"); print(hashlib.sha256(open("x/d/r", "rb").read()).hexdigest(), os.path.getsize("x/d/z"), os.readlink("x/d/l"))
with tarfile.open("t", "w") as t: t.add("d/r")
with tarfile.open("t", "a") as t: t.add("z.py"); print(t.getnames())
for c in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA:
    with zipfile.ZipFile("z.zip", "w", c) as z: z.write("d/r"); z.writestr("s", "text")
    with zipfile.ZipFile("z.zip", "a") as z: z.write("z.py", "mod.py")
    with zipfile.ZipFile("z.zip") as z: print(z.testzip(), z.namelist(), z.open("d/r").seek(1000), len(z.read("d/r"))); z.extractall("y")
for m in gzip, bz2, lzma:
    with m.open("c", "wb") as f: f.write(b"data" * 10000)
    with m.open("c") as f: f.seek(20000); print(f.read(4), len(f.read()))
with gzip.open("c", "at") as f: f.write("more")
os.makedirs("pkg/sub"); open("pkg/__init__.py", "w").write("x = 1\n"); open("pkg/sub/__init__.py", "w").write("from .. import x\n"); sys.path.insert(0, "."); importlib.invalidate_caches(); import pkg.sub; print(pkg.sub.x, sorted(os.listdir("pkg")), os.path.basename(pkg.__cached__)); compileall.compile_dir("pkg", quiet=1, force=True); print(len(os.listdir("pkg/__pycache__"))); zipapp.create_archive("pkg", "app.pyz", main="sub:print"); sys.path.insert(0, "zz.zip")
with zipfile.ZipFile("zz.zip", "w") as z: z.writestr("inzip.py", "y = 2")
importlib.invalidate_caches(); import inzip; print(inzip.y, os.path.basename(inzip.__file__))
E
'
both "processes" 'cat >w.py <<"E"
import os
def work(n):
    with open("w%d" % n, "w") as f: f.write(str(n) * 1000)
    with open("all", "a") as f: f.write("%d\n" % n)
    return os.path.getsize("w%d" % n)
def append(lock, n):
    for i in range(50):
        with lock, open("count", "r+") as f: v = int(f.read()); f.seek(0); f.write(str(v + 1))
E
run <<"E"
import asyncio, concurrent.futures, multiprocessing as mp, os, select, signal, socket, subprocess, sys, threading, mmap, array
from multiprocessing import shared_memory
from w import work, append
globals().pop("__file__", None)   # children are not to run this again
f = open("f", "w+"); f.write("before\n"); f.flush(); print(subprocess.call(["sh", "-c", "echo child; echo err >&2"], stdout=f, stderr=subprocess.STDOUT)); f.write("after\n"); f.seek(0); print(f.read())
print(subprocess.run(["cat"], stdin=open("f"), capture_output=True, close_fds=True).stdout, subprocess.check_output("cat <f | tee g | wc -l; cat g", shell=True), subprocess.run(["sh", "-c", "cat <&%d" % f.fileno()], pass_fds=[f.fileno()], capture_output=True, text=True).returncode)
os.lseek(f.fileno(), 0, 0); print(subprocess.run(["sh", "-c", "read x; echo $x"], stdin=f.fileno(), stdout=subprocess.PIPE).stdout, os.lseek(f.fileno(), 0, 1)); os.mkdir("d"); print(subprocess.run("pwd; echo x >here", shell=True, cwd="d", capture_output=True, text=True).stdout.endswith("/d\n"), os.listdir("d")); p = subprocess.Popen(["sort", "-r"], stdin=subprocess.PIPE, stdout=open("sorted", "w")); p.communicate(b"1\n2\n"); print(open("sorted").read(), subprocess.run(["cat", "d/here"], preexec_fn=os.setsid, start_new_session=False, capture_output=True).stdout, os.system("cat d/here >s"), os.popen("cat s").read())
for method in ["fork", "spawn"] + ["forkserver"] * ("NO_NODES" not in os.environ):     # it binds a socket
    c = mp.get_context(method)
    if method == "fork":
        with c.Pool(4) as p: print(sum(p.map(work, range(20))), len(open("all").readlines()))
    open("count", "w").write("0"); l = c.Lock(); ps = [c.Process(target=append, args=(l, i)) for i in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(method, open("count").read(), [p.exitcode for p in ps])
with concurrent.futures.ThreadPoolExecutor(8) as e: print(sum(e.map(work, range(100, 140))))
print([open("w%d" % n).read() == str(n) * 1000 for n in range(100, 140)].count(True)); s = shared_memory.SharedMemory(create=True, size=100); s.buf[0] = 7; print(s.buf[0]); s.close(); s.unlink(); q = mp.Queue(); p = mp.Process(target=lambda: q.put(open("f").read())); p.start(); print(q.get()); p.join()
async def main():
    p = await asyncio.create_subprocess_exec("cat", stdin=open("f"), stdout=asyncio.subprocess.PIPE); print((await p.communicate())[0]); p = await asyncio.create_subprocess_shell("cat f; echo more", stdout=open("aout", "w")); print(await p.wait(), open("aout").read()); print(await asyncio.gather(*[asyncio.to_thread(work, i) for i in range(5)]))
    r = await asyncio.get_running_loop().run_in_executor(None, lambda: open("f").readline()); print(r)
asyncio.run(main()); pid = os.fork()
if pid == 0: os.dup2(os.open("forked", os.O_CREAT | os.O_WRONLY), 1); print("in the child", flush=True); os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), open("forked").read()); a, b = socket.socketpair(socket.AF_UNIX); socket.send_fds(a, [b"x"], [f.fileno()]); m, fds, *_ = socket.recv_fds(b, 10, 3); print(m, os.pread(fds[0], 10, 0)); fd = os.open("/proc/self/fd/%d" % f.fileno(), os.O_RDONLY); print(os.read(fd, 6), os.path.basename(os.readlink("/proc/self/fd/%d" % fd)), len(os.listdir("/proc/self/fd")) > 3); r, w, x = select.select([fd], [f], [], 0); print(len(r), len(w)); po = select.poll(); po.register(fd); print(po.poll(0)[0][1])
try: ep = select.epoll(); ep.register(fd)
except OSError as e: print(e)
signal.signal(signal.SIGALRM, lambda *a: open("alarm", "a").write("x")); tick = 0.1 if os.environ["LN"] == "cp" else 0.001; signal.setitimer(signal.ITIMER_REAL, tick, tick); [open("f").read() for _ in range(3000)]; any(open("f").read() is None for _ in iter(lambda: os.path.exists("alarm"), True)); signal.setitimer(signal.ITIMER_REAL, 0); print(os.path.getsize("alarm") > 0)
if os.fork() == 0: os.execvp("cat", ["cat", "f"])
print(os.wait()[1])
E
'
exit $bad
