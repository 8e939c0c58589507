/* SPDX-License-Identifier: MIT */
/*
 * Durability, advice and locks: fsync and its kin, posix_fadvise, readahead,
 * flock, lockf, record locks. Fails if a result differs.
 */
#include "door.h"

static void door(void)
{
	int fd, ro, d, v[2];
	struct flock lk = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
	pid_t pid;

	make(P("file"), 50000, 1);
	fd = open(P("file"), O_RDWR);
	ro = open(P("file"), O_RDONLY);
	d = open(dir, O_RDONLY);
	pipe(v);

	CALL(pwrite(fd, "x", 1, 0));
	CALL(fsync(fd));
	CALL(fdatasync(fd));
	CALL(fsync(ro));
	CALL(fsync(d));
	CALL(syncfs(fd));
	CALL(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
	CALL(sync_file_range(fd, -1, 0, 0));
	CALL(sync_file_range(fd, 0, 0, 0x100));
	CALL(fsync(v[0]));
	CALL(fdatasync(v[0]));
	CALL(fsync(-1));
	CALL(fdatasync(-1));
	CALL(syncfs(-1));

	ERR(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	ERR(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	ERR(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	ERR(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
	ERR(posix_fadvise(fd, 0, 0, 99));
	ERR(posix_fadvise(v[0], 0, 0, POSIX_FADV_NORMAL));
	ERR(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL));
	CALL(syscall(SYS_fadvise64, fd, 0L, 0L, POSIX_FADV_RANDOM));
	CALL(syscall(SYS_fadvise64, fd, 0L, 0L, 99));
	CALL(readahead(fd, 0, 4096));
	CALL(readahead(v[0], 0, 4096));
	CALL(readahead(-1, 0, 4096));
	CONTENT(fd);

	CALL(flock(fd, LOCK_EX));
	CALL(flock(ro, LOCK_EX | LOCK_NB));
	CALL(flock(fd, LOCK_UN));
	CALL(flock(ro, LOCK_SH | LOCK_NB));
	CALL(flock(ro, 99));
	CALL(flock(-1, LOCK_SH));
	CALL(lockf(fd, F_TLOCK, 10));
	CALL(lockf(fd, F_TEST, 10));
	CALL(fcntl(fd, F_SETLK, &lk));
	pid = split();
	if (!pid) {
		lk.l_type = F_RDLCK;
		CALL(fcntl(fd, F_SETLK, &lk));
		CALL(fcntl(fd, F_GETLK, &lk));
		say("held by the parent: %d", lk.l_pid == getppid());
		CALL(lockf(fd, F_TEST, 10));
		_exit(0);
	}
	WAIT(pid);
	CALL(lockf(fd, F_ULOCK, 0));
	CALL(lockf(fd, 99, 0));
	/* any close of the file drops the process's record locks */
	CALL(fcntl(fd, F_SETLK, &lk));
	CALL(close(ro));
	pid = split();
	if (!pid) {
		CALL(fcntl(fd, F_SETLK, &lk));
		_exit(0);
	}
	WAIT(pid);
	/* locks of an open file description */
	ro = open(P("file"), O_RDWR);
	lk.l_pid = 0;
	CALL(fcntl(fd, F_OFD_SETLK, &lk));
	CALL(fcntl(ro, F_OFD_SETLK, &lk));
	CALL(close(fd));
	CALL(fcntl(ro, F_OFD_SETLK, &lk));
	close(ro);
	close(d);
}
