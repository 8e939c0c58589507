/* SPDX-License-Identifier: MIT */
/* s3://bucket/prefix: objects as files, by way of the agent (proto.h). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/real.h"
#include "s3_private.h"
#include "start.h"

#define BLOCK 4096
#define PAGE (256 << 10)        /* of a listing, as the agent fills them */

static int s3_mount(struct mount *m)
{
	if (m->rule->value[S3_OPT_META] == S3_META_LIST)
		m->flags |= BE_NO_LINKS;
	start_init();
	start_cache(m->rule->value[S3_OPT_CACHE]);
	return 0;
}

/* Not one of the numbers that the kernel gives to file systems without a device. */
void s3_device(const struct mount *m, unsigned *major, unsigned *minor)
{
	uint32_t h = 2166136261u;

	for (const char *s = m->rule->target; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	*major = 0;
	*minor = 0x80000 | (h & 0x7ffff);
}

/* The program's. */
static mode_t umask_now(void)
{
	char text[512], *word;
	int fd = REAL(open)("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : REAL(read)(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		REAL(close)(fd);
	text[n > 0 ? n : 0] = 0;
	word = strstr(text, "\nUmask:");
	return word ? (mode_t)strtoul(word + 7, NULL, 8) : 022;
}

/* ---- attributes */

void s3_statx(const struct mount *m, const struct s3_attr *a, struct statx *st)
{
	memset(st, 0, sizeof(*st));
	st->stx_mask = STATX_BASIC_STATS;
	st->stx_blksize = 128 << 10;
	st->stx_nlink = 1;
	st->stx_uid = a->uid;
	st->stx_gid = a->gid;
	st->stx_mode = (uint16_t)a->mode;
	st->stx_ino = a->ino;
	st->stx_size = (uint64_t)a->size;
	st->stx_blocks = ((uint64_t)a->size + BLOCK - 1) / BLOCK * (BLOCK / 512);
	st->stx_mtime.tv_sec = a->mtime_sec;
	st->stx_mtime.tv_nsec = a->mtime_nsec;
	st->stx_atime = st->stx_ctime = st->stx_mtime;
	s3_device(m, &st->stx_dev_major, &st->stx_dev_minor);
}

static void stat_staged(const struct file *f, struct statx *st)
{
	memset(st, 0, sizeof(*st));
	staged_stat(&s3_open_of(f)->staged, st);
	s3_device(f->mount, &st->stx_dev_major, &st->stx_dev_minor);
}

static int s3_stat(const struct object_at *at, struct statx *st)
{
	struct ask a = { .m = at->m, .ask = S3_STAT, .name = at->name };
	int64_t r;

	if (at->f && s3_is_staged(at->f)) {
		stat_staged(at->f, st);
		return 0;
	}
	if (at->f) {
		s3_statx(at->m, &described(at->f->ofd)->attr, st);
		st->stx_nlink = !at->f->ofd->gone;
		return 0;
	}
	r = ask_do(&a);
	if (r >= 0)
		s3_statx(at->m, &a.slot->attr, st);
	ask_end(&a);
	return r < 0 ? (int)r : 0;
}

static off_t s3_mapped_most(const struct mount *m)
{
	return m->rule->value[S3_OPT_MMAP];
}

/* A bucket has room for anything. */
static int s3_statfs(struct mount *m, struct statfs *st)
{
	unsigned major, minor;

	s3_device(m, &major, &minor);
	memset(st, 0, sizeof(*st));
	st->f_bsize = st->f_frsize = BLOCK;
	st->f_blocks = st->f_bfree = st->f_bavail = 1ull << 40;
	st->f_files = st->f_ffree = 1u << 31;
	st->f_namelen = NAME_MAX;
	st->f_fsid.__val[0] = (int)minor;
	return 0;
}

static ssize_t s3_readlink(const struct object_at *at, char *buf, size_t n)
{
	struct ask a = { .m = at->m, .ask = S3_READLINK, .name = s3_name(at) };
	int64_t r = ask_do(&a);

	if (r >= 0) {
		r = (int64_t)strnlen(a.slot->text, n);
		memcpy(buf, a.slot->text, (size_t)r);
	}
	ask_end(&a);
	return (ssize_t)r;
}

static int s3_setattr(const struct object_at *at, const struct object_attr *set)
{
	struct s3_attr attr = { .mode = set->mode, .uid = set->uid, .gid = set->gid };
	struct timespec ts = set->times[1];

	if (at->f && s3_is_staged(at->f))
		return staged_setattr(&s3_open_of(at->f)->staged, set);
	if ((set->set & OBJECT_TIMES) && ts.tv_nsec == UTIME_OMIT)
		return set->set == OBJECT_TIMES ? s3_stat(at, &(struct statx){ 0 }) : -EINVAL;
	if (ts.tv_nsec == UTIME_NOW)
		clock_gettime(CLOCK_REALTIME, &ts);
	attr.mtime_sec = ts.tv_sec;
	attr.mtime_nsec = (uint32_t)ts.tv_nsec;
	return (int)ask_once(&(struct ask){ .m = at->m, .ask = S3_SETATTR, .name = s3_name(at), .attr = &attr,
					    .flags = (unsigned)set->set, .once = 1 });
}

static int s3_set_size(const struct object_at *at, off_t len)
{
	return at->f ? s3_file_truncate(at->f, len) : s3_truncate(at->m, at->name, len);
}

/* ---- extended attributes */

#define VALUE_MOST 65536        /* XATTR_SIZE_MAX */

/* What the agent has: its length is the result, as far as it fits in n bytes; 0 bytes ask for the length. */
static ssize_t get_value(struct ask *a, void *value, size_t n)
{
	char *copy;
	ssize_t r;

	do {
		r = (ssize_t)ask_do(a);
		if (r <= 0 || !n || (size_t)r > n) {
			ask_end(a);
			return r > 0 && n ? -ERANGE : r;
		}
		copy = value;
		r = s3_read_piece(a, 0, copy, (size_t)r);
		ask_end(a);
	} while (r == 0);
	return r;
}

static struct ask about(const struct object_at *at, enum s3_ask what, const char *text)
{
	struct ask a = { .m = at->m, .ask = what, .name = s3_name(at), .text = text };

	if (at->f && at->f->ofd->mode == S_IFREG) {
		a.ofd = at->f->ofd;
		a.handle = &s3_open_of(at->f)->handle;
	}
	return a;
}

/* No others can be kept; cp and ls ask about access lists and labels of every file. */
static int is_user(const char *key)
{
	return !strncmp(key, "user.", 5);
}

static ssize_t s3_getxattr(const struct object_at *at, const char *key, void *value, size_t n)
{
	struct ask a = about(at, S3_GETXATTR, key);

	if (!is_user(key))
		return -EOPNOTSUPP;
	return get_value(&a, value, n);
}

static ssize_t s3_listxattr(const struct object_at *at, char *list, size_t n)
{
	struct ask a = about(at, S3_LISTXATTR, NULL);

	return get_value(&a, list, n);
}

/* The key, a NUL, the value: in the slot's text. */
static int s3_setxattr(const struct object_at *at, const char *key, const void *value, size_t n, int flags)
{
	struct ask a = about(at, S3_SETXATTR, NULL);
	size_t len = strlen(key) + 1;
	char text[S3_NAME_MAX];
	struct iovec from = { (void *)(uintptr_t)value, n }, to = { text + len, n };

	if (!is_user(key))
		return -EOPNOTSUPP;
	if (n > sizeof(text) - len - 1)
		return n > VALUE_MOST ? -E2BIG : -ENOSPC;
	memcpy(text, key, len);
	if (value && n && process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)n)
		return -EFAULT;
	text[len + (value ? n : 0)] = 0;
	a.text = text;
	a.text_len = len + (value ? n : 0);
	a.len = value ? (int64_t)n : -1;
	a.flags = (unsigned)flags;
	a.once = 1;
	return (int)ask_once(&a);
}

/* ---- directories */

struct listing {
	char *page;
	object_each *each;
	void *arg;
	int64_t n;              /* entries told */
};

/* 0, or what the caller's function said. */
static int each_of_page(struct listing *l, size_t size)
{
	int r = 0;

	for (size_t at = 0; !r && at + offsetof(struct s3_entry, name) < size; ) {
		const struct s3_entry *e = (const struct s3_entry *)(l->page + at);

		r = l->each(l->arg, e->name, e->type, e->ino);
		at += e->size;
		l->n++;
	}
	return r;
}

/* The pages of an answer; 1: there is more to be asked for. */
static int each_page(struct listing *l, const struct ask *a)
{
	for (unsigned i = 0; i < a->slot->pieces && i < S3_PIECES; i++) {
		ssize_t n = s3_read_piece(a, i, l->page, PAGE);
		int r;

		if (n <= 0)
			return n < 0 ? (int)n : 1;
		r = each_of_page(l, (size_t)n);
		if (r)
			return r;
	}
	return a->slot->off != 0;
}

static int list_all(const struct object_at *at, struct listing *l)
{
	int r;

	do {
		struct ask a = { .m = at->m, .ask = S3_LIST, .name = s3_name(at), .off = l->n };

		r = (int)ask_do(&a);
		if (r >= 0)
			r = each_page(l, &a);
		ask_end(&a);
	} while (r == 1);
	return r;
}

static int s3_list(const struct object_at *at, object_each *each, void *arg)
{
	struct listing l = { .each = each, .arg = arg };
	int r;

	l.page = REAL(mmap)(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l.page == MAP_FAILED)
		return -ENOMEM;
	r = list_all(at, &l);
	REAL(munmap)(l.page, PAGE);
	return r;
}

/* ---- names */

static int s3_mkdir(struct mount *m, const char *name, mode_t mode)
{
	return (int)ask_once(&(struct ask){ .m = m, .ask = S3_MKDIR, .name = name, .mode = mode & ~umask_now(), .once = 1 });
}

static int s3_symlink(struct mount *m, const char *target, const char *name)
{
	return (int)ask_once(&(struct ask){ .m = m, .ask = S3_SYMLINK, .name = name, .text = target, .once = 1 });
}

static int s3_remove(struct mount *m, const char *name, int directory)
{
	return (int)ask_once(&(struct ask){ .m = m, .ask = S3_REMOVE, .name = name, .flags = directory ? S3_DIRECTORY : 0,
					    .once = 1 });
}

static int s3_rename(struct mount *m, const char *from, const char *to, unsigned flags)
{
	return (int)ask_once(&(struct ask){ .m = m, .ask = S3_RENAME, .name = from, .text = to, .flags = flags, .once = 1 });
}

/* A copy is another file: only where the rule says that it will do. */
static int s3_link(const struct object_at *from, const char *to)
{
	if (from->m->rule->value[S3_OPT_LINK] == S3_LINK_REFUSE)
		return -EPERM;
	return s3_rename(from->m, s3_name(from), to, RENAME_NOREPLACE | S3_COPY);
}

static const struct object_ops ops = {
	.versions = 1,
	.stat = s3_stat,
	.readlink = s3_readlink,
	.list = s3_list,
	.statfs = s3_statfs,
	.setattr = s3_setattr,
	.truncate = s3_set_size,
	.getxattr = s3_getxattr,
	.listxattr = s3_listxattr,
	.setxattr = s3_setxattr,
	.mkdir = s3_mkdir,
	.symlink = s3_symlink,
	.remove = s3_remove,
	.rename = s3_rename,
	.link = s3_link,
	.open = s3_file_open,
	.attach = s3_file_attach,
	.detach = s3_file_detach,
	.finish = s3_file_finish,
	.preadv = s3_file_preadv,
	.pwritev = s3_file_pwritev,
	.allocate = s3_file_allocate,
	.sync = s3_file_sync,
	.mapped_most = s3_mapped_most,
};

const struct backend be_s3 = {
	.name = "s3",
	.mount = s3_mount,
	.fork_child = link_fork_child,
	.object = &ops,
};
