/* SPDX-License-Identifier: MIT */
/*
 * Mappings that are cut, moved, protected, replaced and inherited; where they
 * end; and when what was stored through them is in the file.
 */
#include "door.h"

#include <pthread.h>

#define PAGE 4096
#define N (16 * PAGE)
#define RW (PROT_READ | PROT_WRITE)

static int fd;
static sigjmp_buf faulted;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(faulted, 1);
}

/* What a byte is, or that it cannot be touched. */
#define PEEK(p) peek(__LINE__, #p, p)
static void peek(int line, const char *text, const char *p)
{
	if (sigsetjmp(faulted, 1))
		say("%d: %s: fault", line, text);
	else
		say("%d: %s: %d", line, text, *(volatile const char *)p);
}

#define POKE(p, c) poke(__LINE__, #p, p, c)
static void poke(int line, const char *text, char *p, char c)
{
	if (sigsetjmp(faulted, 1))
		say("%d: %s: fault", line, text);
	else
		*(volatile char *)p = c;
}

/* The file as somebody else reads it. */
#define FILE_SAYS(off, n) file_says(__LINE__, off, n)
static void file_says(int line, off_t off, int n)
{
	char buf[64] = "";
	int other = open(P("file"), O_RDONLY);

	pread(other, buf, (size_t)n, off);
	close(other);
	say("%d: file at %lld: %.*s", line, (long long)off, n, buf);
}

static char *whole(void)
{
	return mmap(NULL, N, RW, MAP_SHARED, fd, 0);
}

static void pieces(void)
{
	char *m = whole(), *q;

	/* a thread's first transfer may map memory of the library's, which would fit the hole */
	FILE_SAYS(0, 4);
	strcpy(m + 5 * PAGE, "stored before");
	CALL(munmap(m + 5 * PAGE, PAGE));
	FILE_SAYS(5 * PAGE, 13);
	PEEK(m + 5 * PAGE);
	strcpy(m + 4 * PAGE, "left");
	strcpy(m + 6 * PAGE, "right");
	FILE_SAYS(4 * PAGE, 4);
	FILE_SAYS(6 * PAGE, 5);
	CALL(msync(m + 4 * PAGE, PAGE, MS_SYNC));
	CALL(msync(m, N, MS_SYNC));
	CALL(msync(m, N, MS_ASYNC));
	CALL(msync(m, N, MS_SYNC | MS_ASYNC));
	CALL(msync(m, N, 64));
	CALL(msync(m + 1, PAGE, MS_SYNC));
	CALL(msync(m, 0, MS_SYNC));
	CALL(msync(m, PAGE, MS_INVALIDATE));

	/* over the hole, another part of the file; then over that, memory of nobody's */
	q = PTR(mmap(m + 5 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 10 * PAGE));
	strcpy(q, "the tenth page");
	FILE_SAYS(10 * PAGE, 14);
	say("also %s", m + 10 * PAGE);
	PTR(mmap(m + 4 * PAGE, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(m + 4 * PAGE, 'x', 3 * PAGE);
	FILE_SAYS(4 * PAGE, 4);
	FILE_SAYS(6 * PAGE, 5);
	FILE_SAYS(10 * PAGE, 14);
	PTR(mmap(m + 8 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));
	CALL(munmap(m + 1, PAGE));
	CALL(munmap(m, 0));
	CALL(munmap(m + 7 * PAGE, 100));
	PEEK(m + 7 * PAGE);
	CALL(munmap(m, N));
	PEEK(m);
	CONTENT(fd);
}

static void moves(void)
{
	char *m = whole(), *q;

	strcpy(m + PAGE, "moved along");
	q = mremap(m, N, N / 2, 0);
	say("shrunk in place: %d", q == m);
	PEEK(m + N / 2);
	q = mremap(m, N / 2, N, MREMAP_MAYMOVE);
	say("grown: %s", q == MAP_FAILED ? name_of(errno) : q + PAGE);
	m = q;
	strcpy(m + N - 20, "at its end");
	FILE_SAYS(N - 20, 10);
	q = mremap(m, N, 2 * N, MREMAP_MAYMOVE);
	say("beyond the file: %s", q == MAP_FAILED ? name_of(errno) : q + N - 20);
	m = q;
	PEEK(m + N);
	CALL(ftruncate(fd, N + PAGE));
	PEEK(m + N);
	strcpy(m + N, "in the new page");
	FILE_SAYS(N, 15);
	CALL(ftruncate(fd, N));
	PEEK(m + N);

	q = mmap(NULL, 2 * N, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(m + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE);
	say("a page to a place: %s", q == MAP_FAILED ? name_of(errno) : "there");
	PEEK(m + 2 * PAGE);
	strcpy(q, "by the moved page");
	FILE_SAYS(2 * PAGE, 17);
	q = mremap(m, 0, PAGE, MREMAP_MAYMOVE);
	say("once more: %d", q != MAP_FAILED && q != m);
	strcpy(q, "both");
	say("%s", m);
	CALL(munmap(q, PAGE));
	PTR(mremap(m + 1, PAGE, PAGE, 0));
	PTR(mremap(m, PAGE, 0, 0));
	CALL(munmap(m, 2 * N));
	FILE_SAYS(0, 4);
}

static void protection(void)
{
	int ro = open(P("file"), O_RDONLY);
	char *m = mmap(NULL, N, PROT_READ, MAP_SHARED, fd, 0), *r, *p;

	POKE(m, 'n');
	CALL(mprotect(m + PAGE, PAGE, RW));
	POKE(m + PAGE, 'y');
	POKE(m + 2 * PAGE, 'n');
	FILE_SAYS(PAGE, 1);
	CALL(mprotect(m + PAGE, PAGE, PROT_NONE));
	POKE(m + PAGE, 'n');
	FILE_SAYS(PAGE, 1);
	CALL(mprotect(m, N, RW));
	POKE(m + 2 * PAGE, 'z');
	FILE_SAYS(2 * PAGE, 1);
	CALL(pkey_mprotect(m, N, RW, -1));
	CALL(mprotect(m + 1, PAGE, RW));
	CALL(mprotect(m, PAGE, 1 << 20));
	r = mmap(NULL, N, PROT_READ, MAP_SHARED, ro, 0);
	CALL(mprotect(r, PAGE, RW));
	p = mmap(NULL, N, PROT_READ, MAP_PRIVATE, ro, 0);
	CALL(mprotect(p, PAGE, RW));
	POKE(p, 'p');
	FILE_SAYS(0, 1);
	CALL(madvise(p, N, MADV_DONTNEED));
	say("private again as the file: %d", p[0] == m[0]);
	POKE(m + 3 * PAGE, '3');
	CALL(madvise(m, N, MADV_DONTNEED));
	FILE_SAYS(3 * PAGE, 1);
	say("shared: %c, private: %c, read only: %c", m[3 * PAGE], p[3 * PAGE], r[3 * PAGE]);
	CALL(madvise(m + 3 * PAGE, PAGE, MADV_WILLNEED));
	CALL(close(ro));
	say("%c", r[3 * PAGE]);
	CALL(remap_file_pages(bad_page(), PAGE, 0, 0, 0));
	CALL(munmap(r, N));
	CALL(munmap(p, N));
	CALL(munmap(m, N));
}

static void refusals(void)
{
	int ro = open(P("file"), O_RDONLY), wo = open(P("file"), O_WRONLY), path = open(P("file"), O_PATH);
	int d = open(dir, O_RDONLY);

	PTR(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0));
	PTR(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0));
	PTR(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, path, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, 15, fd, 0));
	PTR(mmap(NULL, SIZE_MAX - 100, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, SIZE_MAX / 2, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE));
	PTR(mmap((void *)100, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, fd, 0));
	PTR(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE, fd, 0));
	PTR(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_NORESERVE | MAP_POPULATE, fd, 0));
	PTR(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_NORESERVE, ro, PAGE));
	close(ro);
	close(wo);
	close(path);
	close(d);
}

/* Where the file ends, the mapping does, now and later. */
static void ends(void)
{
	char *m, *p;
	char b[100];

	CALL(ftruncate(fd, 2 * PAGE + 100));
	m = whole();
	p = mmap(NULL, N, RW, MAP_PRIVATE, fd, 0);
	PEEK(m + 2 * PAGE + 100);
	PEEK(m + 3 * PAGE - 1);
	PEEK(m + 3 * PAGE);
	POKE(m + 3 * PAGE, 'x');
	PEEK(p + 3 * PAGE);
	m[2 * PAGE + 99] = 'l';
	FILE_SAYS(2 * PAGE + 99, 1);
	CALL(ftruncate(fd, PAGE));
	PEEK(m + PAGE);
	PEEK(m + PAGE - 1);
	CALL(pwrite(fd, "far", 3, 5 * PAGE));
	PEEK(m + PAGE);
	PEEK(m + 5 * PAGE);
	PEEK(p + 5 * PAGE);
	PEEK(m + 6 * PAGE);
	CALL(truncate(P("file"), 4 * PAGE));
	PEEK(m + 5 * PAGE);
	PEEK(m + 3 * PAGE);
	m[3 * PAGE] = '3';
	close(open(P("file"), O_RDWR | O_TRUNC));
	PEEK(m);
	CALL(ftruncate(fd, N));
	PEEK(m + 3 * PAGE);
	CALL(fallocate(fd, 0, N, PAGE));
	memset(m, 'a', N);
	CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE + 10, PAGE));
	say("%d %d %d", m[PAGE + 9], m[PAGE + 10], m[2 * PAGE + 10]);
	CALL(pread(fd, b, 20, PAGE));
	BYTES(b, 20);
	CONTENT(fd);
	CALL(munmap(m, N));
	CALL(munmap(p, N));
	CALL(ftruncate(fd, N));
	CONTENT(fd);
}

/* The descriptor is closed; the mapping is not. */
static void outlives(void)
{
	char *m = whole();
	int again;

	CALL(close(fd));
	strcpy(m, "after the close");
	FILE_SAYS(0, 15);
	again = open(P("file"), O_RDWR);
	CALL(pwrite(again, "BEFORE", 6, 0));
	say("%s", m);
	CALL(fsync(again));
	CALL(fdatasync(again));
	CALL(close(again));
	CALL(rename(P("file"), P("renamed")));
	strcpy(m, "under another name");
	CALL(munmap(m, N));
	FILE_AT(P("renamed"));
	CALL(rename(P("renamed"), P("file")));
	FILE_SAYS(0, 18);
	fd = open(P("file"), O_RDWR);
	m = whole();
	CALL(unlink(P("file")));
	strcpy(m, "without a name");
	CALL(msync(m, N, MS_SYNC));
	CONTENT(fd);
	CALL(close(fd));
	say("%s", m);
	CALL(munmap(m, N));
	make(P("file"), N, 3);
	fd = open(P("file"), O_RDWR);
}

static void append(void)
{
	int a = open(P("file"), O_RDWR | O_APPEND);
	char *m = mmap(NULL, N + PAGE, RW, MAP_SHARED, a, 0);

	strcpy(m + 50, "stored");
	CALL(write(a, "appended", 8));
	CALL(msync(m, N, MS_SYNC));
	say("%s, %s", m + 50, m + N);
	CONTENT(a);
	CALL(munmap(m, N + PAGE));
	CALL(ftruncate(a, N));
	close(a);
}

/* Many stores, many readers' ways. */
static void readers(void)
{
	char *m = whole(), b[3 * PAGE];
	struct iovec v[] = { { b, 10 }, { b + 100, 0 }, { b + 200, PAGE }, { b + 6000, 500 } };

	for (int i = 0; i < N; i += 997)
		m[i]++;
	CALL(lseek(fd, 900, SEEK_SET));
	CALL(read(fd, b, 200));
	BYTES(b, 200);
	memset(b, 0, sizeof(b));
	CALL(preadv(fd, v, 4, 3000));
	BYTES(b, sizeof(b));
	for (int i = 0; i < N; i += 499)
		m[i]++;
	CALL(pwritev(fd, v, 4, 8000));
	CALL(preadv2(fd, v, 4, 2 * PAGE, 0));
	BYTES(b, sizeof(b));
	BYTES(m, N);
	CONTENT(fd);
	/* from the mapping into itself, and from the file into it */
	CALL(pwrite(fd, m + 100, 5000, 20000));
	CALL(pread(fd, m + 30000, 9000, 50));
	CALL(pwrite(fd, bad_page(), 100, 0));
	BYTES(m, N);
	CONTENT(fd);
	CALL(munmap(m, N));
	CONTENT(fd);
}

static void *stores(void *arg)
{
	char *m = arg;

	for (int i = 0; i < 200; i++) {
		m[i]++;
		if (i % 20 == 0)
			msync(m, PAGE, MS_SYNC);
	}
	return NULL;
}

static void threads(void)
{
	char *m = whole();
	pthread_t t[4];

	memset(m, 'A', N);
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, stores, m + i * 2 * PAGE);
	for (int i = 0; i < 100; i++) {
		char c = 'q';

		pwrite(fd, &c, 1, N - 1 - i);
		munmap(mmap(NULL, PAGE, RW, MAP_SHARED, fd, i % 16 * PAGE), PAGE);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CALL(munmap(m, N));
	CONTENT(fd);
}

static void families(void)
{
	char *m = whole(), *q;
	pid_t pid;

	/* a child's stores are the parent's, and it may be the only one left to write them */
	pid = split();
	if (!pid) {
		strcpy(m, "by the child");
		_exit(0);
	}
	WAIT(pid);
	say("%s", m);
	FILE_SAYS(0, 12);
	pid = split();
	if (!pid) {
		strcpy(m + PAGE, "by one who is killed");
		kill(getpid(), SIGKILL);
	}
	WAIT(pid);
	say("%s", m + PAGE);
	FILE_SAYS(PAGE, 20);

	/* each maps for itself */
	pid = split();
	if (!pid) {
		int own = open(P("file"), O_RDWR);

		q = mmap(NULL, PAGE, RW, MAP_SHARED, own, 2 * PAGE);
		strcpy(q, "a mapping of its own");
		while (q[100] != '!')
			usleep(1000);
		say("child sees %.4s", q + 100);
		_exit(0);
	}
	while (strcmp(m + 2 * PAGE, "a mapping of its own"))
		usleep(1000);
	strcpy(m + 2 * PAGE + 101, "yes");
	m[2 * PAGE + 100] = '!';
	WAIT(pid);
	/* the parent's is gone, the child's stays */
	pid = split();
	if (!pid) {
		usleep(100000);
		strcpy(m + 3 * PAGE, "later");
		_exit(0);
	}
	CALL(munmap(m, N));
	CALL(pwrite(fd, "more", 4, 3 * PAGE + 10));
	WAIT(pid);
	FILE_SAYS(3 * PAGE, 5);
	FILE_SAYS(3 * PAGE + 10, 4);
	CONTENT(fd);

	/* a private one is nobody else's */
	m = mmap(NULL, N, RW, MAP_PRIVATE, fd, 0);
	pid = split();
	if (!pid) {
		strcpy(m, "private");
		_exit(0);
	}
	WAIT(pid);
	say("private to the child: %d", !strcmp(m, "private"));
	CALL(munmap(m, N));
}

/* Writers that are killed at any moment: mapping and file stay the same bytes. */
static void killed(void)
{
	int differ = 0, died = 0;

	close(fd);
	for (int i = 0; i < 25; i++) {
		fd = open(P("file"), O_RDWR);

		char *m = whole(), *was = malloc(N), *is = malloc(N), c = (char)i;
		int status;
		pid_t pid = fork();

		for (int j = 0; !pid; j++, c++)
			pwrite(fd, &c, 1, j * 4099 % N);
		m[i] = 's';
		usleep(2000 + 300 * (unsigned)i);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		died += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		msync(m, N, MS_SYNC);
		memcpy(was, m, N);
		munmap(m, N);
		close(fd);
		fd = open(P("file"), O_RDONLY);
		pread(fd, is, N, 0);
		close(fd);
		differ += memcmp(was, is, N) != 0;
		free(was);
		free(is);
	}
	say("%d killed, %d differ", died, differ);
	make(P("file"), N, 4);
	fd = open(P("file"), O_RDWR);
}

/* What a program becomes another with is not lost. */
static void execs(void)
{
	pid_t pid = split();
	char *const argv[] = { (char *)"true", NULL };

	if (!pid) {
		char *m = whole();

		strcpy(m, "before exec");
		execv("/nonexistent", argv);
		strcpy(m + 20, "after one that failed");
		execv("/bin/true", argv);
		_exit(1);
	}
	WAIT(pid);
	FILE_SAYS(0, 11);
	FILE_SAYS(20, 21);
}

static void door(void)
{
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	make(P("file"), N, 1);
	fd = open(P("file"), O_RDWR);
	/* what the library maps for itself, a ring, shall not come to lie in a hole that is to be looked at */
	FILE_SAYS(0, 1);
	fsync(fd);
	pieces();
	moves();
	protection();
	refusals();
	ends();
	make(P("file"), N, 2);
	outlives();
	append();
	readers();
	threads();
	families();
	killed();
	execs();
	close(fd);
}
