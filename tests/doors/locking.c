/* SPDX-License-Identifier: MIT */
/*
 * flock, fcntl's locks of processes and of descriptions, lockf: who is in the
 * way of whom, ranges, waiting, deadlocks, and what ends a lock. Fails if a
 * result, a range or an errno differs.
 */
#include "door.h"

static int fd;

static struct flock range(int type, off_t start, off_t len)
{
	return (struct flock){ .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
}

static int lock(int f, int cmd, int type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);

	return fcntl(f, cmd, &l);
}

static const char *type_name(int type)
{
	return type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : type == F_UNLCK ? "none" : "?";
}

/* What F_GETLK finds in somebody else's way. */
static void look(int line, int f, int cmd, int type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);
	int r;

	l.l_whence = SEEK_SET;
	r = fcntl(f, cmd, &l);
	say("%d: look %lld+%lld for %s: %s %s at %lld+%lld whence %d, %s", line, (long long)start, (long long)len,
	    type_name(type), r ? name_of(errno) : "", type_name(l.l_type), (long long)l.l_start,
	    (long long)l.l_len, l.l_whence,
	    l.l_pid == getppid() ? "the parent" : l.l_pid == -1 ? "a description" : l.l_pid ? "other" : "nobody");
}
#define LOOK(...) look(__LINE__, __VA_ARGS__)

/* All of the file's locks, as a child sees them. */
static void seen(int line)
{
	pid_t pid = split();
	off_t at = 0;

	if (!pid) {
		for (;;) {
			struct flock l = range(F_WRLCK, at, 0);

			if (fcntl(fd, F_GETLK, &l) || l.l_type == F_UNLCK)
				break;
			say("%d:   %s %lld+%lld", line, type_name(l.l_type), (long long)l.l_start, (long long)l.l_len);
			if (!l.l_len)
				break;
			at = l.l_start + l.l_len;
		}
		_exit(0);
	}
	WAIT(pid);
}
#define SEEN() seen(__LINE__)

static void ranges(void)
{
	struct flock l;

	CALL(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	CALL(lock(fd, F_SETLK, F_WRLCK, 20, 10));
	CALL(lock(fd, F_SETLK, F_WRLCK, 50, 10));
	SEEN();
	CALL(lock(fd, F_SETLK, F_RDLCK, 14, 2));
	SEEN();
	CALL(lock(fd, F_SETLK, F_UNLCK, 25, 30));
	SEEN();
	CALL(lock(fd, F_SETLK, F_WRLCK, 0, 100));
	SEEN();
	CALL(lock(fd, F_SETLK, F_UNLCK, 40, -10));
	SEEN();
	CALL(lock(fd, F_SETLK, F_RDLCK, 90, 0));
	SEEN();
	CALL(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	SEEN();
	CALL(lseek(fd, 30, SEEK_SET));
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -5, .l_len = 3 };
	CALL(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_END, .l_start = -5, .l_len = 0 };
	CALL(fcntl(fd, F_SETLK, &l));
	SEEN();
	CALL(lock(fd, F_SETLK, F_UNLCK, 0, 0));
}

static void refused(void)
{
	int ro = open(P("file"), O_RDONLY), wo = open(P("file"), O_WRONLY), path = open(P("file"), O_PATH);
	struct flock l = range(F_WRLCK, 0, 0);

	CALL(lock(ro, F_SETLK, F_WRLCK, 0, 0));
	CALL(lock(wo, F_SETLK, F_RDLCK, 0, 0));
	CALL(lock(ro, F_OFD_SETLK, F_WRLCK, 0, 0));
	CALL(lock(path, F_SETLK, F_UNLCK, 0, 0));
	CALL(lock(path, F_GETLK, F_RDLCK, 0, 0));
	CALL(lock(-1, F_SETLK, F_UNLCK, 0, 0));
	CALL(flock(path, LOCK_SH));
	CALL(flock(fd, 0));
	CALL(flock(fd, LOCK_SH | LOCK_EX));
	CALL(flock(fd, LOCK_NB));
	CALL(lock(fd, F_SETLK, 7, 0, 0));
	CALL(lock(fd, F_GETLK, F_UNLCK, 0, 0));
	CALL(lock(fd, F_SETLK, F_WRLCK, -1, 0));
	CALL(lock(fd, F_SETLK, F_WRLCK, 5, -6));
	CALL(lock(fd, F_SETLK, F_WRLCK, 5, INT64_MAX));
	CALL(lock(fd, F_SETLK, F_WRLCK, INT64_MAX, 1));
	CALL(lock(fd, F_SETLK, F_WRLCK, INT64_MAX, 2));
	l.l_whence = 9;
	CALL(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, INT64_MAX, 0);
	l.l_whence = SEEK_END;
	CALL(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, 0, 0);
	l.l_pid = 1;
	CALL(fcntl(fd, F_OFD_SETLK, &l));
	CALL(fcntl(fd, F_OFD_GETLK, &l));
	CALL(fcntl(fd, F_SETLK, (struct flock *)bad_page()));
	CALL(fcntl(fd, F_GETLK, OPAQUE((struct flock *)NULL)));
	CALL(lockf(ro, F_LOCK, 10));
	CALL(lockf(fd, 77, 10));
	close(ro);
	close(wo);
	close(path);
}

static void processes(void)
{
	pid_t pid;

	CALL(lock(fd, F_SETLK, F_RDLCK, 0, 10));
	CALL(lock(fd, F_SETLK, F_WRLCK, 20, 10));
	pid = split();
	if (!pid) {
		LOOK(fd, F_GETLK, F_RDLCK, 0, 0);
		LOOK(fd, F_GETLK, F_RDLCK, 0, 15);
		LOOK(fd, F_GETLK, F_WRLCK, 5, 15);
		LOOK(fd, F_OFD_GETLK, F_WRLCK, 5, 15);
		CALL(lock(fd, F_SETLK, F_RDLCK, 0, 10));
		CALL(lock(fd, F_SETLK, F_WRLCK, 0, 10));
		CALL(lock(fd, F_SETLK, F_RDLCK, 15, 10));
		CALL(lock(fd, F_SETLK, F_WRLCK, 10, 10));
		CALL(lockf(fd, F_TEST, 0));
		CALL(lockf(fd, F_TLOCK, 0));
		CALL(flock(fd, LOCK_EX | LOCK_NB));
		CALL(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
		_exit(0);
	}
	WAIT(pid);
	/* the child's are gone, and its unlock was not ours */
	CALL(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	CALL(lock(fd, F_OFD_SETLK, F_RDLCK, 0, 0));
	LOOK(fd, F_OFD_GETLK, F_RDLCK, 0, 0);
	/* any close ends them */
	close(dup(fd));
	SEEN();
	CALL(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	close(open(P("file"), O_RDONLY));
	SEEN();
	CALL(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	dup2(fd, 90);
	CALL(dup2(-1, 90));
	SEEN();
	dup2(0, 90);
	SEEN();
	close(90);
}

static void descriptions(void)
{
	int other = open(P("file"), O_RDWR), same;
	pid_t pid;

	CALL(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 100));
	LOOK(other, F_OFD_GETLK, F_WRLCK, 0, 0);
	LOOK(fd, F_OFD_GETLK, F_WRLCK, 0, 0);
	LOOK(other, F_GETLK, F_RDLCK, 50, 10);
	CALL(lock(other, F_OFD_SETLK, F_RDLCK, 0, 1));
	CALL(lock(other, F_OFD_SETLK, F_RDLCK, 100, 1));
	pid = split();
	if (!pid) {
		CALL(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 50));
		close(fd);
		_exit(0);
	}
	WAIT(pid);
	LOOK(other, F_OFD_GETLK, F_WRLCK, 0, 0);
	same = dup(fd);
	close(same);
	LOOK(other, F_OFD_GETLK, F_WRLCK, 0, 0);
	close(fd);
	LOOK(other, F_OFD_GETLK, F_WRLCK, 0, 0);
	fd = other;
	CALL(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
}

static void whole(void)
{
	int other = open(P("file"), O_RDONLY), same = dup(fd), up[2];
	pid_t pid;
	char x;

	CALL(flock(fd, LOCK_EX));
	CALL(flock(same, LOCK_EX | LOCK_NB));
	CALL(flock(other, LOCK_SH | LOCK_NB));
	CALL(lock(other, F_SETLK, F_RDLCK, 0, 0));
	CALL(flock(same, LOCK_SH));
	CALL(flock(other, LOCK_SH | LOCK_NB));
	/* an upgrade that fails has lost the lock */
	CALL(flock(fd, LOCK_EX | LOCK_NB));
	CALL(flock(other, LOCK_EX | LOCK_NB));
	CALL(flock(other, LOCK_UN));
	CALL(flock(other, LOCK_UN));
	/* a child's close is not the last */
	CALL(flock(fd, LOCK_EX));
	pid = split();
	if (!pid) {
		close(fd);
		close(same);
		_exit(0);
	}
	WAIT(pid);
	CALL(flock(other, LOCK_EX | LOCK_NB));
	/* the last is a child's, which is killed */
	pipe(up);
	pid = split();
	if (!pid) {
		write(up[1], "x", 1);
		pause();
	}
	close(same);
	close(fd);
	read(up[0], &x, 1);
	CALL(flock(other, LOCK_EX | LOCK_NB));
	kill(pid, SIGKILL);
	WAIT(pid);
	CALL(flock(other, LOCK_EX | LOCK_NB));
	close(up[0]);
	close(up[1]);
	close(other);
	fd = open(P("file"), O_RDWR);
}

static void beep(int s)
{
	(void)s;
}

/* A child that has the file locked, by `cmd` or flock, until it is told. */
static pid_t holder(int cmd, int tell[2])
{
	int up[2];
	pid_t pid;
	char x;

	pipe(tell);
	pipe(up);
	pid = split();
	if (!pid) {
		int mine = open(P("file"), O_RDWR);

		if (cmd ? lock(mine, cmd, F_WRLCK, 0, 10) : flock(mine, LOCK_EX))
			say("the holder cannot: %s", name_of(errno));
		write(up[1], "x", 1);
		read(tell[0], &x, 1);
		if (cmd)
			lock(mine, cmd, F_UNLCK, 0, 0);
		else
			flock(mine, LOCK_UN);
		read(tell[0], &x, 1);
		_exit(0);
	}
	read(up[0], &x, 1);
	close(up[0]);
	close(up[1]);
	return pid;
}

static int wait_lock(int cmd)
{
	return cmd ? lock(fd, cmd == F_SETLK ? F_SETLKW : F_OFD_SETLKW, F_WRLCK, 5, 1) : flock(fd, LOCK_EX);
}

static int unlock(int cmd)
{
	return cmd ? lock(fd, cmd, F_UNLCK, 0, 0) : flock(fd, LOCK_UN);
}

static void waits(int cmd)
{
	struct sigaction sa = { .sa_handler = beep };
	int tell[2];
	pid_t pid = holder(cmd, tell), helper;

	sigaction(SIGALRM, &sa, NULL);
	alarms_each(50);
	CALL(wait_lock(cmd));
	alarms_each(0);
	/* restarted: the lock comes */
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	helper = split();
	if (!helper) {
		for (int i = 0; i < 10; i++)
			nap();
		until_asleep(getppid());
		write(tell[1], "x", 1);
		_exit(0);
	}
	alarms_each(50);
	CALL(wait_lock(cmd));
	alarms_each(0);
	WAIT(helper);
	CALL(unlock(cmd));
	write(tell[1], "x", 1);
	WAIT(pid);
	close(tell[0]);
	close(tell[1]);
	/* the holder is killed while we wait */
	pid = holder(cmd, tell);
	helper = split();
	if (!helper) {
		until_asleep(getppid());
		kill(pid, SIGKILL);
		_exit(0);
	}
	CALL(wait_lock(cmd));
	WAIT(helper);
	WAIT(pid);
	CALL(unlock(cmd));
	close(tell[0]);
	close(tell[1]);
}

/* Each has what the other waits for; whoever comes second is told. */
static void deadlock(void)
{
	int tell[2], up[2];
	pid_t pid;
	char x;

	pipe(tell);
	pipe(up);
	CALL(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = split();
	if (!pid) {
		lock(fd, F_SETLK, F_WRLCK, 10, 1);
		write(up[1], "x", 1);
		CALL(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		_exit(0);
	}
	read(up[0], &x, 1);
	until_asleep(pid);
	CALL(lock(fd, F_SETLKW, F_WRLCK, 10, 1));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	WAIT(pid);
	close(tell[0]);
	close(tell[1]);
	close(up[0]);
	close(up[1]);
}

static void other_commands(void)
{
	int ro = open(P("file"), O_RDONLY), d = open(dir, O_RDONLY | O_DIRECTORY);
	uint64_t hint = 99;

	CALL(fcntl(fd, F_GETLEASE));
	CALL(fcntl(fd, F_SETLEASE, 77));
	CALL(fcntl(fd, F_NOTIFY, DN_CREATE));
	CALL(fcntl(fd, F_GETPIPE_SZ));
	CALL(fcntl(fd, F_SETPIPE_SZ, 4096));
	CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CALL(fcntl(fd, F_GET_RW_HINT, &hint));
	say("hint %llu", (unsigned long long)hint);
	hint = 77;
	CALL(fcntl(fd, F_SET_RW_HINT, &hint));
	hint = RWH_WRITE_LIFE_SHORT;
	CALL(fcntl(fd, F_SET_RW_HINT, &hint));
	CALL(fcntl(fd, F_GET_RW_HINT, &hint));
	say("hint %llu", (unsigned long long)hint);
	CALL(fcntl(fd, F_GETOWN));
	say("own %d", fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(dup(fd), F_GETOWN) == getpid());
	CALL(fcntl(fd, F_SETOWN, 1 << 30));
	CALL(fcntl(fd, F_SETSIG, SIGUSR1));
	CALL(fcntl(fd, F_GETSIG));
	CALL(fcntl(fd, F_SETSIG, 9999));
	CALL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_ASYNC | O_RDONLY | O_TRUNC));
	CALL(fcntl(fd, F_GETFL));
	CALL(fcntl(ro, F_GETFL));
	CALL(fcntl(fd, F_SETFL, 0));
	CALL(fcntl(fd, F_GETFL));
	CALL(fcntl(fd, F_SETFD, 77));
	CALL(fcntl(fd, F_GETFD));
	CALL(fcntl(d, F_GETFL));
	CALL(fcntl(fd, 12345, 0));
	close(ro);
	close(d);
}

static void door(void)
{
	make(P("file"), 1000, 1);
	fd = open(P("file"), O_RDWR);
	ranges();
	refused();
	processes();
	descriptions();
	whole();
	waits(F_SETLK);
	waits(F_OFD_SETLK);
	waits(0);
	deadlock();
	other_commands();
}
