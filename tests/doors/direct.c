/* SPDX-License-Identifier: MIT */
/*
 * O_DIRECT, read in blocks that follow each other, as a rule may read ahead: the end of
 * the file, what is not aligned, bad buffers, and changes to the file in between, by
 * every call that makes them.
 * not: object
 * and on: uring:?readahead=128k
 */
#include <aio.h>
#include <libaio.h>

#include "door.h"

#define BLOCK 4096
#define SIZE (600 * 1024 + 1234)

static char buf[64 * 1024] __attribute__((aligned(BLOCK)));
static unsigned seed;

/* Reads `count` blocks from `off` on, or from the position if that is -1, and prints what they were. */
#define RUN(fd, block, count, off) run_of(__LINE__, fd, block, count, off)
static void run_of(int line, int fd, size_t block, int count, off_t off)
{
	uint32_t h = 0;
	ssize_t r = 0;
	long total = 0;
	int i;

	for (i = 0; i < count; i++) {
		memset(buf, 0xEE, block);
		errno = UNTOUCHED;
		r = off < 0 ? read(fd, buf, block) : pread(fd, buf, block, off + total);
		if (r <= 0 || errno != UNTOUCHED)
			break;
		h = h * 31 + sum(buf, (size_t)r);
		total += r;
	}
	say("%d: %d reads of %zu: %ld bytes, %08x%s%s, at %ld", line, i, block, total, h, r < 0 ? ", then " : "",
	    r < 0 ? name_of(errno) : "", (long)lseek(fd, 0, SEEK_CUR));
}

static void to_the_end(int fd)
{
	static const size_t blocks[] = { 512, 1024, 4096, 4608, 16384, 32768, 65536 };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		RUN(fd, blocks[i], 2000, 0);
		CALL(lseek(fd, 0, SEEK_SET));
		RUN(fd, blocks[i], 2000, -1);
		CALL(read(fd, buf, blocks[i]));
	}
	/* jumps: back, over the end, into what has been read already */
	for (off_t off = 0; off < SIZE; off += 77 * 1024)
		RUN(fd, BLOCK, 9, off & ~511);
	CALL(lseek(fd, SIZE & ~511, SEEK_SET));
	RUN(fd, 512, 5, -1);
	CALL(lseek(fd, 1 << 20, SEEK_SET));
	RUN(fd, 512, 5, -1);
	RUN(fd, BLOCK, 10, 1 << 20);
}

static void wrong(int fd)
{
	int wo = open(P("file"), O_WRONLY | O_DIRECT);

	RUN(fd, BLOCK, 10, 0);
	CALL(pread(fd, buf + 1, BLOCK, 10 * BLOCK));
	CALL(pread(fd, buf, BLOCK - 1, 10 * BLOCK));
	CALL(pread(fd, buf, BLOCK, 10 * BLOCK + 1));
	CALL(pread(fd, buf, BLOCK, -1));
	CALL(pread(fd, buf, 0, 10 * BLOCK));
	CALL(pread(fd, bad_page(), BLOCK, 10 * BLOCK));
	CALL(pread(fd, NULL, BLOCK, 10 * BLOCK));
	CALL(lseek(fd, 10 * BLOCK, SEEK_SET));
	CALL(read(fd, bad_page(), BLOCK));
	CALL(read(fd, buf + 3, BLOCK));
	CALL(lseek(fd, 0, SEEK_CUR));
	RUN(fd, BLOCK, 10, -1);
	CALL(pread(wo, buf, BLOCK, 0));
	CALL(read(wo, buf, BLOCK));
	close(wo);
	/* without O_DIRECT for a while */
	CALL(fcntl(fd, F_SETFL, 0));
	CALL(read(fd, buf + 3, 100));
	BYTES(buf + 3, 100);
	CALL(fcntl(fd, F_SETFL, O_DIRECT));
	CALL(lseek(fd, 20 * BLOCK, SEEK_SET));
	RUN(fd, BLOCK, 10, -1);
}

static void by_aio(int fd, off_t off)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = buf, .aio_nbytes = BLOCK, .aio_offset = off };
	const struct aiocb *list[] = { &cb };

	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	CALL(aio_write(&cb));
	while (aio_error(&cb) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	CALL(aio_return(&cb));
}

static void by_libaio(int fd, off_t off)
{
	struct iocb cb, *list[] = { &cb };
	struct io_event event;
	io_context_t c = NULL;

	io_setup(1, &c);
	io_prep_pwrite(&cb, fd, buf, BLOCK, off);
	say("%d", io_submit(c, 1, list));
	say("%d", io_getevents(c, 1, 1, &event, NULL));
	say("%ld", (long)event.res);
	io_destroy(c);
}

static void by_pipe(int fd, off_t off)
{
	int v[2];

	pipe(v);
	write(v[1], buf, BLOCK);
	CALL(splice(v[0], NULL, fd, &(off64_t){ off }, BLOCK, 0));
	close(v[0]);
	close(v[1]);
}

/* Changes what has been read ahead, each time in another way, and reads on. */
static void changed(void)
{
	int plain = open(P("file"), O_RDWR), from = open(P("from"), O_RDONLY);
	struct iovec v[2] = { { buf, BLOCK }, { buf + BLOCK, BLOCK } };

	for (int way = 0; way < 18; way++) {
		int fd = open(P("file"), O_RDWR | O_DIRECT);
		off_t off = way * 5 * BLOCK, at;

		RUN(fd, BLOCK, 6, off);
		at = off + 8 * BLOCK;
		pattern(buf, sizeof(buf), ++seed);
		lseek(plain, at, SEEK_SET);
		switch (way) {
		case 0: CALL(pwrite(fd, buf, BLOCK, at)); break;
		case 1: CALL(pwrite(plain, buf, 1000, at + 7)); break;
		case 2: CALL(write(plain, buf, 1000)); break;
		case 3: CALL(writev(plain, v, 2)); break;
		case 4: CALL(pwritev(fd, v, 2, at)); break;
		case 5: CALL(pwritev2(fd, v, 1, at, 0)); break;
		case 6: by_aio(fd, at); break;
		case 7: by_aio(plain, at); break;
		case 8: by_libaio(fd, at); break;
		case 9: by_libaio(plain, at); break;
		case 10: CALL(sendfile(plain, from, &(off_t){ 0 }, 3 * BLOCK)); break;
		case 11: CALL(copy_file_range(from, &(off64_t){ 5 }, plain, &(off64_t){ at }, 3 * BLOCK, 0)); break;
		case 12: by_pipe(plain, at); break;
		case 13: CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, 2 * BLOCK)); break;
		case 14: CALL(ftruncate(fd, at + 100)); RUN(fd, BLOCK, 4, off + 6 * BLOCK); CALL(ftruncate(fd, SIZE)); break;
		case 15: CALL(truncate(P("file"), at - 100)); CALL(pwrite(plain, buf, 100, at + 50)); break;
		case 16: CALL(lseek(fd, SIZE & ~511, SEEK_SET)); RUN(fd, BLOCK, 2, -1); CALL(pwrite(plain, buf, 5000, SIZE)); break;
		case 17: close(open(P("file"), O_WRONLY | O_TRUNC)); break;
		}
		RUN(fd, BLOCK, 8, off + 6 * BLOCK);
		close(fd);
	}
	CONTENT(plain);
	close(plain);
	close(from);
}

/* One position for two descriptors, and for two processes. */
static void shared(int fd)
{
	int copy = dup(fd), v[2];
	pid_t pid;
	char c;

	CALL(lseek(fd, 0, SEEK_SET));
	for (int i = 0; i < 6; i++) {
		RUN(fd, BLOCK, 3, -1);
		RUN(copy, BLOCK, 2, -1);
	}
	close(copy);
	RUN(fd, BLOCK, 5, -1);
	pipe(v);
	pid = split();
	if (!pid) {
		RUN(fd, BLOCK, 10, -1);
		pattern(buf, BLOCK, 99);
		CALL(pwrite(fd, buf, BLOCK, 50 * BLOCK));
		RUN(fd, BLOCK, 8, 0);
		write(v[1], "", 1);
		_exit(3);
	}
	read(v[0], &c, 1);
	WAIT(pid);
	RUN(fd, BLOCK, 10, -1);
	RUN(fd, BLOCK, 10, 45 * BLOCK);
	pid = split();
	if (!pid) {
		close(fd);
		_exit(4);
	}
	WAIT(pid);
	RUN(fd, BLOCK, 10, -1);
	close(v[0]);
	close(v[1]);
}

static void door(void)
{
	int fd;

	if (!takes_direct()) {
		say("no O_DIRECT here");
		return;
	}
	make(P("file"), SIZE, 1);
	make(P("from"), 5 * BLOCK, 2);
	fd = CALL(open(P("file"), O_RDWR | O_DIRECT));
	to_the_end(fd);
	wrong(fd);
	close(fd);
	changed();
	make(P("file"), SIZE, 3);
	fd = CALL(open(P("file"), O_RDWR | O_DIRECT));
	shared(fd);
	close(fd);
}
