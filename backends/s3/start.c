/* SPDX-License-Identifier: MIT */
/* Finding the agent; see start.h. */
#include "start.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <time.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/real.h"
#include "stats/stats.h"
#include "stats/stats_tree.h"

#define BACKLOG 1024
#define PATIENCE 10             /* seconds, for the agent's welcome, and for who starts it */
#define TRIES 5                 /* an agent may end between a connect and its welcome */

static char library[PATH_MAX];  /* the directory of our own file */
static long long cache_bytes;
static unsigned long long inherited;    /* the tree's environment, as far as it concerns the agent; 0: none */
static unsigned long long inherited_home;       /* ... and the HOME in it; 0: none */

static void find_library(void)
{
	Dl_info info;
	char *slash;

	if (!dladdr(library, &info) || !info.dli_fname)
		return;
	if (*info.dli_fname != '/' && (!REAL(getcwd)(library, sizeof(library) - 1) || !strcat(library, "/")))
		*library = 0;
	if (strlen(library) + strlen(info.dli_fname) < sizeof(library))
		strcat(library, info.dli_fname);
	slash = strrchr(library, '/');
	if (slash)
		slash[1] = 0;
}

void start_cache(long long bytes)
{
	if (bytes > cache_bytes)
		cache_bytes = bytes;
}

/* Beside the library as it is built, or as it is installed. */
static int find_program(char path[PATH_MAX])
{
	static const char *const names[] = { "shim-agent", "shim/shim-agent" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (snprintf(path, PATH_MAX, "%s%s", library, names[i]) < PATH_MAX &&
		    REAL(faccessat)(AT_FDCWD, path, X_OK, 0) == 0)
			return 0;
	return -ENOENT;
}

/* ---- the key */

static uint64_t hash(const void *p, size_t n)
{
	uint64_t h = hash_bytes(HASH_START, p, n);

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

/* Whether the agent would do something else for another value. */
static int concerns(const char *entry)
{
	static const char *const names[] = {
		"http_proxy=", "https_proxy=", "all_proxy=", "no_proxy=", "HOME=", "SSL_CERT_FILE=",
		"SSL_CERT_DIR=", "TZ=",
	};

	if (!strncmp(entry, "AWS_", 4))
		return 1;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncasecmp(entry, names[i], strlen(names[i])))
			return 1;
	return 0;
}

/* The order of the environment does not matter. *aws: whether AWS's tools would find something in it. */
static uint64_t environment(int *aws)
{
	uint64_t sum = S3_PROTO;

	*aws = 0;
	for (char **e = environ; e && *e; e++) {
		if (concerns(*e))
			sum += hash(*e, strlen(*e));
		*aws |= !strncmp(*e, "AWS_", 4);
	}
	return sum;
}

static unsigned long long home(void)
{
	const char *path = getenv("HOME");

	return path && *path ? hash(path, strlen(path)) : 0;
}

/* Whether another HOME was given to us, where AWS's tools would find files of theirs. */
static int is_at_home(void)
{
	static const char *const names[] = { "config", "credentials" };
	char path[PATH_MAX];

	if (!home() || home() == inherited_home)
		return 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (snprintf(path, sizeof(path), "%s/.aws/%s", getenv("HOME"), names[i]) < (int)sizeof(path) &&
		    REAL(faccessat)(AT_FDCWD, path, F_OK, 0) == 0)
			return 1;
	return 0;
}

/*
 * A program that was given an environment without credentials, which it would
 * read its files with natively all the same, asks the agent of those who started
 * it; it cannot start that one. *start: whether it can.
 */
static uint64_t whose(int *start)
{
	int aws;
	uint64_t own = environment(&aws);

	*start = aws || !inherited || inherited == own || is_at_home();
	return *start ? own : inherited;
}

void start_init(void)
{
	static int begun;               /* by the first rule, before there are threads */
	char text[33];
	unsigned long long sum;
	int start;

	if (begun++)
		return;
	find_library();
	for (char **e = environ; e && *e; e++)
		if (!strncmp(*e, ENV_AGENT_KEY "=", sizeof(ENV_AGENT_KEY)))
			sscanf(*e + sizeof(ENV_AGENT_KEY), "%16llx%16llx", &inherited, &inherited_home);
	sum = whose(&start);
	snprintf(text, sizeof(text), "%016llx%016llx", sum, start ? home() : inherited_home);
	env_agent(text);
}

static uint64_t key(const char *program, uint64_t sum)
{
	static const char *const namespaces[] = { "net", "mnt", "user", "pid" };
	struct { uint64_t ino, dev; int64_t cache, made; } id = { .cache = cache_bytes };
	struct stat st;
	char path[64];

	for (unsigned i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		if (own_stat(AT_FDCWD, path, &st, 0) == 0)
			sum = sum * 31 + hash(&st.st_ino, sizeof(st.st_ino));
	}
	if (own_stat(AT_FDCWD, program, &st, 0) == 0) {
		id.ino = st.st_ino, id.dev = st.st_dev;
		id.made = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	}
	return sum * 31 + hash(&id, sizeof(id));
}

/* ---- the directory and the socket */

/* The directory, open, and its path. */
static int open_dir(const char *program, uint64_t sum, char path[PATH_MAX])
{
	const char *top = env_agent_dir();
	int n = top ? snprintf(path, PATH_MAX, "%s", top) :
		snprintf(path, PATH_MAX, "/dev/shm/shim-s3-%u", (unsigned)geteuid());
	int fd;

	if (n + 20 >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = tree_open_dir(path, 1);
	if (fd < 0)
		return fd;
	REAL(close)(fd);
	snprintf(path + n, (size_t)(PATH_MAX - n), "/%016llx", (unsigned long long)key(program, sum));
	return tree_open_dir(path, 1);
}

/* Where the path does not fit, by way of the open directory. */
static int address(struct sockaddr_un *a, const char *path, int dir)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (snprintf(a->sun_path, sizeof(a->sun_path), "%s/socket", path) >= (int)sizeof(a->sun_path))
		snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/socket", dir);
	return 0;
}

static int connect_to(const struct sockaddr_un *a)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int s = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), r;

	if (s < 0)
		return -errno;
	REAL(setsockopt)(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	REAL(setsockopt)(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = REAL(connect)(s, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
	if (r == 0 && (REAL(getsockopt)(s, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid()))
		r = -EPERM;
	if (r == 0)
		return s;
	REAL(close)(s);
	return r;
}

static int listen_at(const struct sockaddr_un *a)
{
	int s = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (s < 0)
		return -errno;
	if (REAL(bind)(s, (const struct sockaddr *)a, sizeof(*a)) == 0 && REAL(listen)(s, BACKLOG) == 0)
		return s;
	REAL(close)(s);
	return -errno;
}

/* ---- starting */

/* The lock, unless the directory was removed meanwhile; for so long. */
static int lock(int dir)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	int fd = own_create(dir, "lock", O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	for (int i = 0; i < PATIENCE * 500; i++) {
		if (REAL(flock)(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		nanosleep(&moment, NULL);
	}
	REAL(close)(fd);
	return -ETIMEDOUT;
}

static int is_none(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

/* With the lock: unless somebody was faster. A connection, or -errno. */
static int start(const char *program, const char *path, int dir, const struct sockaddr_un *a)
{
	int s = connect_to(a), listener, r;

	if (s >= 0 || !is_none(s))
		return s;
	REAL(unlinkat)(dir, "socket", 0);
	listener = listen_at(a);
	if (listener < 0)
		return listener;
	r = start_spawn(program, path, listener, cache_bytes);
	s = r < 0 ? r : connect_to(a);
	if (r < 0)
		REAL(unlinkat)(dir, "socket", 0);
	REAL(close)(listener);
	return s;
}

static int find(const char *program)
{
	char path[PATH_MAX];
	struct sockaddr_un a;
	int may_start, dir = open_dir(program, whose(&may_start), path), held, s;

	if (dir < 0)
		return dir;
	address(&a, path, dir);
	s = connect_to(&a);
	if (is_none(s) && !may_start)
		s = -ENOKEY;
	if (is_none(s)) {
		held = lock(dir);
		s = held < 0 ? held : start(program, path, dir, &a);
		if (held >= 0)
			REAL(close)(held);
	}
	REAL(close)(dir);
	return s;
}

/* ---- the welcome */

static int take(struct msghdr *msg, int fd[START_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n = c && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	if (n)
		memcpy(fd + START_CHANNEL, CMSG_DATA(c), (n < 3 ? n : 3) * sizeof(int));
	return n == 3;
}

static int greet(int sock, int fd[START_FDS], struct s3_welcome *w)
{
	struct s3_hello hello = { S3_PROTO, (uint32_t)getpid() };
	union { struct cmsghdr h; char room[CMSG_SPACE(3 * sizeof(int))]; } control;
	struct iovec iov = { w, sizeof(*w) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;
	int r = 0;

	for (int i = 0; i < START_FDS; i++)
		fd[i] = -1;
	if (REAL(send)(sock, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	n = REAL(recvmsg)(sock, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? (errno == EAGAIN ? -ETIMEDOUT : -errno) : -ECONNRESET;
	if (!take(&msg, fd) || n != sizeof(*w) || w->proto != S3_PROTO)
		r = -EPROTO;
	for (int i = 0; i < START_FDS && r < 0; i++)
		if (fd[i] >= 0)
			REAL(close)(fd[i]);
	fd[START_SOCK] = sock;
	return r;
}

static int try(const char *program, int fd[START_FDS], struct s3_welcome *w)
{
	int sock = find(program), r;

	if (sock < 0)
		return sock;
	r = greet(sock, fd, w);
	if (r < 0)
		REAL(close)(sock);
	return r;
}

int start_connect(int fd[START_FDS], struct s3_welcome *w)
{
	char program[PATH_MAX];
	int r = find_program(program);

	for (int i = 0; i < TRIES && r != -ENOENT; i++) {
		r = try(program, fd, w);
		if (r != -ECONNRESET && r != -EPIPE)
			break;
	}
	if (r == 0)
		return 0;
	stats_note("s3: no agent (%sshim-agent): %s", library, strerrordesc_np(-r));
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : -ECONNREFUSED;
}
