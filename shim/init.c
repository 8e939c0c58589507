/* SPDX-License-Identifier: MIT */
/*
 * The order of everything. Before main, once: libc's functions, the
 * configuration, the mounts, the statistics' names. Nothing is opened, mapped
 * or started here but the configuration file; see backend.h for the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>

#include "aio/aio_queue.h"
#include "backend.h"
#include "base/env.h"
#include "doors/exit.h"
#include "files/fdtab.h"
#include "files/file.h"
#include "files/guard.h"
#include "object/object.h"
#include "object/object_map.h"
#include "files/pin.h"
#include "base/real.h"
#include "stats/stats.h"
#include "doors/streams.h"

#define EXIT_CONFIG 78    /* EX_CONFIG of sysexits.h */

/* The one thing the library ever says: half the rules would be worse than none. */
static void refuse(const char *error)
{
	struct iovec iov[] = {
		{ (char *)"shim: ", 6 }, { (char *)error, strlen(error) }, { (char *)"\n", 1 },
	};

	if (REAL(writev)(2, iov, 3) < 0)
		_exit(EXIT_CONFIG);
	_exit(EXIT_CONFIG);
}

static void fork_lock(void)
{
	if (objects_on)
		object_map_fork_lock();
	fdtab_fork_lock();
}

static void fork_unlock(void)
{
	fdtab_fork_unlock();
	if (objects_on)
		object_map_fork_unlock();
}

static void fork_child(void)
{
	fork_unlock();
	fdtab_own();
	aio_fork_child();
	object_fork_child();
	guard_fork_child();
	pin_fork_child();
	stats_fork_child();
	for (const struct backend *const *be = backends; *be; be++)
		if ((*be)->fork_child)
			(*be)->fork_child();
}

/* Standard streams the parent redirected to files of a rule. */
static void adopt_streams(void)
{
	char virt[PATH_MAX];

	for (int fd = 0; fd < 3; fd++) {
		struct mount *m = mounts_count ? place_of_fd(fd, virt) : &mount_none;
		int flags = REAL(fcntl)(fd, F_GETFL);

		if (flags >= 0 && mount_start(m) == 0)
			file_attach(fd, flags, m, NULL);
	}
}

/*
 * Linked with -z initfirst, so that the constructors of other libraries find
 * everything in place; libc's own, which sets environ, has not run either.
 */
__attribute__((constructor))
static void init(int argc, char **argv, char **envp)
{
	static struct conf conf;
	const struct conf_rule *bad = NULL;
	char error[CONF_ERROR_MAX];
	int saved = errno, r;

	(void)argc, (void)argv;
	if (!environ)
		environ = envp;
	real_init();
	if (getauxval(AT_SECURE) || env_off(environ))
		return;
	if (conf_load(&conf, environ, error) < 0)
		refuse(error);
	r = mounts_init(&conf, &bad);
	if (r < 0) {
		snprintf(error, sizeof(error), "%s: %.512s: %s", bad ? bad->where : "SHIM_MAP",
			 bad ? bad->prefix : "", strerror(-r));
		refuse(error);
	}
	fdtab_own();
	stats_init(&conf);
	env_keep(environ, conf.file);
	env_hide(environ);
	pthread_atfork(fork_lock, fork_unlock, fork_child);
	adopt_streams();
	if (objects_on) {
		object_adopt_all();
		object_sweep();
		streams_init();
		exit_init();
	}
	errno = saved;
}
