/* SPDX-License-Identifier: MIT */
/*
 * The calls on a descriptor, on each kind of descriptor and with arguments that
 * are wrong: EBADF, EINVAL, EFAULT, EISDIR, ENOTDIR, ESPIPE, EOVERFLOW, EFBIG,
 * EMFILE, ENODEV, EACCES, EXDEV.
 */
#include "errnos.h"

#define LAST (sizeof(kinds) / sizeof(*kinds))

static struct { const char *what; int fd; } kinds[] = {
	{ "ro", 0 }, { "wo", 0 }, { "rw", 0 }, { "append", 0 }, { "dir", 0 }, { "path", 0 }, { "dirpath", 0 },
	{ "pipe", 0 }, { "socket", 0 }, { "minus", -1 }, { "none", 900 },
};

static unsigned skipped;          /* kinds that are left out: 1 << index */
enum { RO = 1 << 0, WO = 1 << 1, DIR_ = 1 << 4 };

/* Kernels before 6.9 look at a vector before they look whether the descriptor may do that. */
static int vector_first(void)
{
	int fd = open("/dev/null", O_WRONLY);
	int first = readv(fd, OPAQUE((struct iovec *)NULL), -1) < 0 && errno == EINVAL;

	close(fd);
	return first;
}

static void open_all(void)
{
	int pair[2], *p = pair;

	kinds[0].fd = open(P("file"), O_RDONLY);
	kinds[1].fd = open(P("file"), O_WRONLY);
	kinds[2].fd = open(P("file"), O_RDWR);
	kinds[3].fd = open(P("file"), O_RDWR | O_APPEND);
	kinds[4].fd = open(P("dir"), O_RDONLY);
	kinds[5].fd = open(P("file"), O_PATH);
	kinds[6].fd = open(P("dir"), O_PATH);
	kinds[7].fd = open(P("fifo"), O_RDWR | O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	kinds[8].fd = pair[0];
}

/* `call`, in fd, on each kind; the result itself is shown. */
#define EACH_FD(call) do {                                                    \
	*line = 0;                                                            \
	for (size_t i_ = 0; i_ < LAST; i_++) {                                \
		int fd = kinds[i_].fd;                                        \
		if (skipped & 1u << i_)                                       \
			continue;                                             \
		long r_ = (long)(call);                                       \
		size_t n_ = strlen(line);                                     \
		if (r_ == -1)                                                 \
			outcome(kinds[i_].what, -1);                          \
		else                                                          \
			snprintf(line + n_, sizeof(line) - n_, " %s=%ld", kinds[i_].what, r_); \
	}                                                                     \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

static char b[64];

static void transfers(void)
{
	struct iovec v = { b, 4 }, bad = { NULL, 4 }, huge[2] = { { b, SIZE_MAX / 2 }, { b, SIZE_MAX / 2 } };

	bad.iov_base = bad_page();
	if (!has_nodes())       /* EISDIR or EINVAL: a file system says one or the other */
		skipped = DIR_;
	EACH_FD(read(fd, b, 4));
	EACH_FD(read(fd, b, 0));
	EACH_FD(read(fd, bad_page(), 4));
	EACH_FD(pread(fd, b, 4, 0));
	EACH_FD(pread(fd, b, 4, -1));
	EACH_FD(pread(fd, bad_page(), 4, 0));
	EACH_FD(pread(fd, b, 4, INT64_MAX - 1));
	EACH_FD(readv(fd, &v, 1));
	EACH_FD(readv(fd, &bad, 1));
	EACH_FD(preadv(fd, &v, 1, 0));
	EACH_FD(preadv(fd, &v, 1, -5));
	EACH_FD(preadv2(fd, &v, 1, 0, 0x4000));
	skipped |= vector_first() ? WO : 0;
	EACH_FD(readv(fd, &v, -1));
	EACH_FD(readv(fd, huge, 2));
	EACH_FD(readv(fd, (struct iovec *)bad_page(), 1));
	EACH_FD(preadv(fd, &v, 2000, 0));
	skipped = 0;
	EACH_FD(write(fd, "abcd", 4));
	EACH_FD(write(fd, bad_page(), 4));
	EACH_FD(write(fd, b, 0));
	EACH_FD(pwrite(fd, "abcd", 4, 0));
	EACH_FD(pwrite(fd, "abcd", 4, -1));
	EACH_FD(pwrite(fd, bad_page(), 4, 0));
	EACH_FD(pwrite(fd, b, 4, INT64_MAX - 2));
	EACH_FD(writev(fd, &v, 1));
	EACH_FD(pwritev(fd, &bad, 1, 0));
	EACH_FD(pwritev(fd, &v, 0, 0));
	EACH_FD(pwritev2(fd, &v, 1, 0, 0x4000));
	skipped = vector_first() ? RO | DIR_ : 0;
	EACH_FD(writev(fd, &v, 1025));
	skipped = 0;
	signal(SIGXFSZ, SIG_IGN);
	CALL(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, RLIM_INFINITY }));
	EACH_FD(pwrite(fd, "abcd", 4, 98));
	EACH_FD(pwrite(fd, "abcd", 4, 100));
	EACH_FD(ftruncate(fd, 101));
}

static void places(void)
{
	EACH_FD(lseek(fd, 0, SEEK_SET));
	EACH_FD(lseek(fd, -1, SEEK_SET));
	EACH_FD(lseek(fd, 0, 99));
	EACH_FD(lseek(fd, 1000, SEEK_HOLE));
	EACH_FD(lseek(fd, 0, SEEK_HOLE) < 0 ? -1 : 0);
	EACH_FD(ftruncate(fd, 10));
	EACH_FD(ftruncate(fd, -1));
	EACH_FD(fallocate(fd, 0, 0, 10));
	EACH_FD(fallocate(fd, 0, -1, 10));
	EACH_FD(fallocate(fd, 0, 0, 0));
	EACH_FD(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	EACH_FD(fallocate(fd, 1 << 20, 0, 10));
	EACH_FD(fsync(fd));
	EACH_FD(fdatasync(fd));
	EACH_FD(syncfs(fd));
	EACH_FD(sync_file_range(fd, 0, -1, 0));
	EACH_FD(sync_file_range(fd, 0, 10, 99));
	EACH_FD(readahead(fd, 0, 10));
	EACH_FD(posix_fadvise(fd, 0, 10, POSIX_FADV_NORMAL));
	EACH_FD(posix_fadvise(fd, 0, 10, 99));
	EACH_FD(posix_fallocate(fd, 0, -1));
}

static void attributes(void)
{
	struct stat st;
	struct statfs fs;
	struct statvfs vfs;
	struct timespec odd[2] = { { 1, 0 }, { 1, 2000000000 } };

	EACH_FD(fstat(fd, &st));
	EACH_FD(fstat(fd, (struct stat *)bad_page()));
	EACH_FD(fstatfs(fd, &fs));
	EACH_FD(fstatvfs(fd, &vfs));
	EACH_FD(fchmod(fd, 0644));
	EACH_FD(fchown(fd, (uid_t)-1, (gid_t)-1));
	EACH_FD(fchown(fd, 5, 5));
	EACH_FD(futimens(fd, NULL));
	EACH_FD(futimens(fd, odd));
	EACH_FD(futimens(fd, (struct timespec *)bad_page()));
	EACH_FD(fstatfs(fd, (struct statfs *)bad_page()));
	EACH_FD(fpathconf(fd, _PC_NAME_MAX));
	EACH_FD(fpathconf(fd, 9999));
	EACH_FD(getdents64(fd, bad_page(), 4096));
	EACH_FD(getdents64(fd, b, 4));
	EACH_FD(fgetxattr(fd, "user.none", b, sizeof(b)));
	EACH_FD(fsetxattr(fd, "nospace", b, 1, 0));
	EACH_FD(flistxattr(fd, b, 0));
	EACH_FD(fremovexattr(fd, "user.none"));
}

static void descriptors(void)
{
	struct flock l = { .l_type = F_RDLCK, .l_len = -100 };
	struct rlimit was, few = { 20, 20 };
	int n;

	EACH_FD(fcntl(fd, F_GETFL) < 0 ? -1 : 0);
	EACH_FD(fcntl(fd, 9999));
	EACH_FD(fcntl(fd, F_DUPFD, -1));
	EACH_FD(fcntl(fd, F_SETLK, &l));
	EACH_FD(fcntl(fd, F_SETLK, bad_page()));
	EACH_FD(flock(fd, LOCK_SH | LOCK_NB));
	EACH_FD(flock(fd, 99));
	EACH_FD(flock(fd, LOCK_UN));
	EACH_FD(dup2(fd, fd) < 0 ? -1 : 0);
	EACH_FD(dup3(fd, fd, 0));
	EACH_FD(dup3(fd, 50, 99));
	EACH_FD(dup2(fd, -1));
	EACH_FD(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	EACH_FD(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED ? -1 : 0);
	EACH_FD(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	EACH_FD(fchdir(fd));
	EACH_FD(sendfile(fd, kinds[0].fd, NULL, 2));
	EACH_FD(sendfile(kinds[2].fd, fd, NULL, 2));
	EACH_FD(copy_file_range(fd, NULL, kinds[2].fd, NULL, 0, 99));
	EACH_FD(copy_file_range(kinds[0].fd, NULL, fd, NULL, 2, 0));
	EACH_FD(splice(fd, NULL, kinds[2].fd, NULL, 2, 0));
	EACH_FD(tee(fd, kinds[7].fd, 2, SPLICE_F_NONBLOCK));
	CALL(chdir("/"));
	getrlimit(RLIMIT_NOFILE, &was);
	few.rlim_max = was.rlim_max;
	CALL(setrlimit(RLIMIT_NOFILE, &few));
	for (n = 0; open(P("file"), O_RDONLY) >= 0; n++)
		;
	if (has_nodes())        /* a file without a kernel file takes more, for a moment */
		say("%s after %d", name_of(errno), n);
	while (dup(kinds[0].fd) >= 0)
		;
	CALL(dup(kinds[0].fd));
	CALL(fcntl(kinds[0].fd, F_DUPFD, 0));
	CALL(fcntl(kinds[0].fd, F_DUPFD, 20));
	CALL(dup2(kinds[0].fd, 20));
	CALL(open(P("none"), O_RDONLY));
	CALL(open(P("none"), O_WRONLY | O_CREAT, 0644));
	CALL(access(P("none"), F_OK));
	PTR(opendir(dir));
	PTR(fopen(P("file"), "r"));
	CALL(creat(P("none"), 0644));
	CALL(mkstemp(P("tXXXXXX")));
	CALL(pipe((int[2]){ 0 }));
}

static void door(void)
{
	begin();
	open_all();
	attributes();
	places();
	transfers();
	descriptors();
}
