/* SPDX-License-Identifier: MIT */
/* Bytes of objects, from the agent's cache into the program's buffers. */
#include <errno.h>
#include <string.h>

#include "s3_private.h"

#define VECTOR 16               /* buffers of the program in one copy */
#define VAIN 1000               /* answers in a row whose memory was used again before we came to it */

/* Where in the program's vector we are. */
struct cursor {
	const struct iovec *iov;
	int cnt;
	size_t skip;            /* of the first buffer */
};

/* The next n bytes at most, as a vector of its own: how many buffers. */
static int slice(const struct cursor *c, size_t n, struct iovec out[VECTOR])
{
	size_t skip = c->skip;
	int k = 0;

	for (int i = 0; i < c->cnt && k < VECTOR && n; i++, skip = 0) {
		size_t len = c->iov[i].iov_len - skip;

		out[k] = (struct iovec){ (char *)c->iov[i].iov_base + skip, len < n ? len : n };
		n -= out[k].iov_len;
		k += out[k].iov_len != 0;
	}
	return k;
}

static void advance(struct cursor *c, size_t n)
{
	c->skip += n;
	while (c->cnt && c->skip >= c->iov->iov_len) {
		c->skip -= c->iov->iov_len;
		c->iov++;
		c->cnt--;
	}
}

static ssize_t copy(struct link *l, const struct s3_piece *p, const struct cursor *c, int64_t off, size_t n)
{
	struct iovec v[VECTOR];
	uint64_t skip = (uint64_t)(off - p->off), rest = p->len - skip;
	int k = slice(c, n < rest ? n : rest, v);

	return link_read(l, p, skip, v, k);
}

/* From what was told before; 0 if nothing was of these bytes. */
static ssize_t read_leased(struct s3_open *o, const struct cursor *c, int64_t off, size_t n)
{
	struct s3_piece p;
	struct link *l;
	ssize_t r = 0;
	int err;

	l = link_get(&err);
	if (!l)
		return 0;
	while (r == 0 && lease_find(&o->leases, l->serial, off, &p)) {
		r = copy(l, &p, c, off, n);
		if (r == 0)
			lease_remove(&o->leases, &p);
	}
	link_put(l);
	return r;
}

void s3_keep(struct file *f, const struct ask *a)
{
	struct s3_open *o = s3_open_of(f);

	for (unsigned i = 0; i < a->slot->pieces && i < S3_PIECES && !a->link->temporary; i++)
		lease_add(&o->leases, a->link->serial, &a->slot->piece[i]);
}

/* The bytes of an answer, as far as they are there in a row. */
static size_t copy_answer(const struct ask *a, struct cursor *c, int64_t off, size_t n, ssize_t *err)
{
	size_t done = 0;

	*err = 0;
	for (unsigned i = 0; i < a->slot->pieces && i < S3_PIECES && done < n; i++) {
		const struct s3_piece *p = &a->slot->piece[i];

		while (done < n && off >= p->off && (uint64_t)(off - p->off) < p->len) {
			ssize_t r = copy(a->link, p, c, off, n - done);

			if (r <= 0) {
				*err = r;
				return done;
			}
			advance(c, (size_t)r);
			off += r;
			done += (size_t)r;
		}
	}
	return done;
}

/* Asks the agent: bytes read, 0 if they were gone before they were read, or -errno. */
static ssize_t read_asked(struct file *f, struct cursor *c, int64_t off, size_t n)
{
	struct ask a = { .m = f->mount, .ask = S3_READ, .ofd = f->ofd, .handle = &s3_open_of(f)->handle,
			 .off = off, .len = (int64_t)n };
	ssize_t err = 0;
	int64_t r = ask_do(&a);
	size_t done = 0;

	if (r >= 0) {
		s3_keep(f, &a);
		done = copy_answer(&a, c, off, n, &err);
	}
	ask_end(&a);
	return done ? (ssize_t)done : r < 0 ? r : err;
}

ssize_t s3_read(struct file *f, const struct iovec *iov, int cnt, off_t off, size_t n)
{
	struct s3_open *o = s3_open_of(f);
	struct cursor c = { iov, cnt, 0 };
	size_t done = 0;
	unsigned vain = 0;
	ssize_t r = 0;

	advance(&c, 0);         /* over empty buffers */
	while (done < n && vain < VAIN) {
		r = read_leased(o, &c, off + (off_t)done, n - done);
		if (r > 0)
			advance(&c, (size_t)r);
		else if (r == 0)
			r = read_asked(f, &c, off + (off_t)done, n - done);
		if (r < 0)
			break;
		done += (size_t)r;
		vain = r ? 0 : vain + 1;
	}
	if (!done && vain == VAIN)
		r = -EIO;
	return done ? (ssize_t)done : r;
}

ssize_t s3_read_piece(const struct ask *a, unsigned i, void *buf, size_t n)
{
	const struct s3_piece *p = &a->slot->piece[i];
	struct iovec v = { buf, n < p->len ? n : p->len };

	return link_read(a->link, p, 0, &v, 1);
}
