/* SPDX-License-Identifier: MIT */
/*
 * readv, writev and the p and 2 forms: counts, flags, faults in the middle.
 * Fails if a result, a byte or a position differs.
 */
#include "door.h"

#define N 50000

static char a[N], b[N];

static void cut(struct iovec *v, int cnt, char *data, size_t n)
{
	for (int i = 0; i < cnt; i++) {
		size_t part = i == cnt - 1 ? n : (n / (size_t)(cnt - i)) / ((size_t)i % 3 + 1);

		v[i] = (struct iovec){ data, part };
		data += part;
		n -= part;
	}
}

static void plain(int fd)
{
	struct iovec v[7];

	pattern(a, N, 3);
	cut(v, 7, a, N);
	CALL(writev(fd, v, 7));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwritev(fd, v, 3, 100));
	CONTENT(fd);
	CALL(lseek(fd, 10, SEEK_SET));
	cut(v, 7, b, N);
	CALL(readv(fd, v, 7));
	BYTES(b, N - 10);
	CALL(readv(fd, v, 7));
	memset(b, 0, N);
	CALL(preadv(fd, v, 5, 4000));
	BYTES(b, N);
	CALL(preadv(fd, v, 5, N));
	CALL(lseek(fd, 0, SEEK_CUR));
}

static void counts(int fd)
{
	static struct iovec many[IOV_MAX + 1];
	struct iovec *m = OPAQUE((struct iovec *)many);
	int d = open(dir, O_RDONLY | O_DIRECTORY);

	for (int i = 0; i <= IOV_MAX; i++)
		many[i] = (struct iovec){ b + i, 1 };
	CALL(preadv(fd, m, IOV_MAX, 0));
	BYTES(b, IOV_MAX);
	CALL(preadv(fd, m, IOV_MAX + 1, 0));
	CALL(pwritev(fd, m, IOV_MAX + 1, 0));
	CALL(pwritev(fd, m, IOV_MAX, 10));
	CALL(readv(fd, m, 0));
	CALL(writev(fd, m, 0));
	CALL(readv(fd, m, -1));
	CALL(writev(fd, m, -1));
	CALL(preadv(fd, m, -1, 0));
	CALL(preadv(fd, NULL, 0, 0));
	CALL(preadv(fd, m, 1, -1));
	CALL(pwritev(fd, m, 1, -1));
	CALL(preadv(fd, m, 1, -2));
	CALL(preadv(fd, m, 1, INT64_MAX));
	many[0].iov_len = many[1].iov_len = (size_t)SSIZE_MAX;
	CALL(preadv(fd, m, 2, 0));
	CALL(pwritev(fd, m, 2, 0));
	many[0].iov_len = SIZE_MAX;
	CALL(preadv(fd, m, 2, 0));
	many[0].iov_len = many[1].iov_len = 0;
	CALL(preadv(fd, m, 2, 0));
	CALL(pwritev(fd, m, 2, 0));
	/* nothing to do is done whatever the file, and the flags */
	CALL(pwritev2(fd, m, 2, 0, 1 << 20));
	CALL(preadv2(fd, m, 0, 0, 1 << 20));
	CALL(readv(d, m, 2));
	close(d);
	CONTENT(fd);
}

static void faults(int fd)
{
	struct iovec v[3] = { { b, 100 }, { bad_page(), 100 }, { b + 200, 100 } };

	CALL(preadv(fd, v, 3, 0));
	CALL(pwritev(fd, v, 3, 0));
	CALL(lseek(fd, 0, SEEK_SET));
	CALL(readv(fd, v, 3));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(writev(fd, v, 3));
	CALL(lseek(fd, 0, SEEK_CUR));
	v[1].iov_len = 0;
	CALL(preadv(fd, v, 3, 0));
	v[0] = (struct iovec){ bad_page(), 10 };
	CALL(preadv(fd, v, 3, 0));
	CALL(pwritev(fd, v, 3, 0));
	CALL(preadv(fd, OPAQUE((struct iovec *)-1), 2, 0));
	CALL(preadv(fd, (struct iovec *)(void *)bad_page(), 2, 0));
	CALL(writev(fd, (struct iovec *)(void *)bad_page(), 2));
	CALL(readv(fd, OPAQUE((struct iovec *)NULL), 1));
	CONTENT(fd);
}

static void flags(int fd)
{
	struct iovec v[2] = { { b, 300 }, { b + 300, 400 } };

	CALL(preadv2(fd, v, 2, 0, 0));
	BYTES(b, 700);
	CALL(lseek(fd, 50, SEEK_SET));
	CALL(preadv2(fd, v, 2, -1, 0));
	BYTES(b, 700);
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwritev2(fd, v, 2, -1, 0));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwritev2(fd, v, 2, 7, RWF_DSYNC));
	CALL(pwritev2(fd, v, 2, 9, RWF_SYNC));
	CALL(preadv2(fd, v, 2, 0, RWF_HIPRI));
	CALL(pwritev2(fd, v, 2, 0, RWF_APPEND));
	CALL(pwritev2(fd, v, 2, -1, RWF_APPEND));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(preadv2(fd, v, 2, 0, RWF_APPEND));
	CALL(preadv2(fd, v, 2, -2, 0));
	CALL(preadv2(fd, v, 2, 0, 0x40000000));
	CALL(pwritev2(fd, v, 2, 0, 0x40000000));
	CALL(preadv2(fd, v, 2, 0, RWF_DSYNC));
	CALL(preadv2(fd, v, 2, 1 << 30, RWF_NOWAIT));
	CONTENT(fd);
}

static void wrong(void)
{
	struct iovec v = { b, 10 };
	int fd = open(P("file"), O_WRONLY);

	CALL(readv(fd, &v, 1));
	CALL(preadv(fd, &v, 1, 0));
	CALL(preadv2(fd, &v, 1, 0, 0));
	close(fd);
	fd = open(P("file"), O_RDONLY);
	CALL(writev(fd, &v, 1));
	CALL(pwritev(fd, &v, 1, 0));
	CALL(pwritev2(fd, &v, 1, 0, 0));
	close(fd);
	CALL(readv(fd, &v, 1));
	CALL(pwritev2(-1, &v, 1, 0, 0));
}

static void door(void)
{
	int fd = open(P("file"), O_RDWR | O_CREAT, 0644);

	plain(fd);
	counts(fd);
	faults(fd);
	flags(fd);
	CALL(close(fd));
	wrong();
}
