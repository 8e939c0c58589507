/* SPDX-License-Identifier: MIT */
/*
 * shim-agent: the engine of s3, for the guests of one user, configuration and
 * network.
 *
 *      shim-agent serve DIR PID   as the library starts it (s3/start.c): descriptor
 *                                 0 is the socket that guests connect to, bound
 *                                 in DIR; PID started it
 *      shim-agent s3 ...          the commands of `shim s3`: cmd.h
 *
 * It ends when it had no guests for SHIM_AGENT_IDLE seconds (60), unless its
 * end would leave a zombie to a program that does not expect one.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "read/cache.h"
#include "cmd/cmd.h"
#include "request/count.h"
#include "guests/guest.h"
#include "http/http.h"
#include "read/fetch.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "read/object.h"
#include "write/write.h"

#define CACHE_DEFAULT (256ull << 20)
#define IDLE_DEFAULT 60

static int dir = -1;
static pid_t starter;
static struct loop_timer idle;
static uint64_t patience;

/* ---- the end */

/* Whether a process runs under the library. */
static int is_guest(pid_t pid)
{
	char path[64], line[4096];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "/libshim.so") != NULL;
	if (f)
		fclose(f);
	return found;
}

/*
 * Whoever becomes the parent of orphans gets our remains: the init of the system
 * is made for that. A program under the library that is PID 1 of a container, or
 * a subreaper, knows nothing of such a child; then we stay until it goes.
 */
static int may_end(void)
{
	pid_t parent = getppid();

	return parent != starter && !is_guest(parent);
}

/* Nobody starts another one, or connects, while we hold the lock; or ever, where the directory is gone. */
static int retire(void)
{
	int lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0 && errno == ENOENT)
		return 1;
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (lock >= 0)
			close(lock);
		return 0;
	}
	unlinkat(dir, "socket", 0);
	return 1;
}

static void check_idle(void *arg)
{
	(void)arg;
	if (!guest_count() && !guest_calls() && !write_held()) {
		write_idle();
		if (may_end() && retire()) {
			loop_stop();
			return;
		}
		cache_trim(0);
		malloc_trim(0);
	}
	loop_timer_set(&idle, loop_now() + patience);
}

/* ---- the beginning */

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *word = getenv(name);
	char *end;
	uint64_t n;

	if (!word || !*word)
		return otherwise;
	n = strtoull(word, &end, 10);
	return *end ? otherwise : n;
}

/* The program's own limits are for it: as far as we may. */
static void raise_limits(void)
{
	static const int limits[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU };
	struct rlimit l;

	for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (getrlimit((__rlimit_resource_t)limits[i], &l) == 0) {
			l.rlim_cur = l.rlim_max;
			setrlimit((__rlimit_resource_t)limits[i], &l);
		}
}

static int begin(int listener)
{
	int err = loop_init();

	if (!err)
		err = cache_init(number("SHIM_AGENT_CACHE", CACHE_DEFAULT));
	if (!err)
		err = http_init();
	if (!err) {
		object_init();
		fetch_init();
		write_init();
	}
	return err ? err : guest_init(listener);
}

static int serve(const char *path, const char *pid)
{
	int listener = fcntl(0, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_RDWR | O_CLOEXEC), err;

	dup2(null, 0);
	close(null);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (listener < 0 || dir < 0)
		return 1;
	starter = (pid_t)atoi(pid);
	log_init(dir);
	count_init(dir);
	/* buffers of connections stay instead of being mapped anew for each request */
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 32 << 20);
	raise_limits();
	err = begin(listener);
	if (err) {
		log_say(LOG_ERROR, "cannot begin: %s", strerror(-err));
		return 1;
	}
	patience = number("SHIM_AGENT_IDLE", IDLE_DEFAULT) * LOOP_SECOND;
	idle.fired = check_idle;
	loop_timer_set(&idle, loop_now() + patience);
	log_say(LOG_INFO, "begins");
	loop_run();
	log_say(LOG_INFO, "ends");
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);       /* a write is told */
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3]);
	if (argc > 1 && !strcmp(argv[1], "s3"))
		return cmd_main(argc, argv);
	fprintf(stderr, "shim-agent: the library starts it by itself; see s3(7)\n");
	return 2;
}
