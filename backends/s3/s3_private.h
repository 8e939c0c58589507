/* SPDX-License-Identifier: MIT */
/* What the files of the back end share: s3.c names, s3_file.c open files, s3_read.c their bytes. */
#ifndef BACKENDS_S3_PRIVATE_H
#define BACKENDS_S3_PRIVATE_H

#include "ask.h"
#include "lease.h"
#include "staged.h"

/* An open file in this process: f->priv points to it. */
struct s3_open {
	_Atomic uint64_t handle;        /* the agent's; 0: not told of it yet */
	struct staged staged;           /* if described(ofd)->spool */
	struct leases leases;
};

static inline struct s3_open *s3_open_of(const struct file *f)
{
	return *(struct s3_open *const *)(const void *)f->priv;
}

static inline int s3_is_staged(const struct file *f)
{
	return described(f->ofd)->spool[0] != 0;
}

/* The name that a call is about. */
static inline const char *s3_name(const struct object_at *at)
{
	return at->f ? at->f->ofd->name : at->name;
}

/* The numbers of a rule's device: the same in every process. */
void s3_device(const struct mount *m, unsigned *major, unsigned *minor);
void s3_statx(const struct mount *m, const struct s3_attr *a, struct statx *st);

/* s3_file.c */
int s3_file_open(struct file *f, const struct object_at *at, int flags, mode_t mode);
int s3_file_attach(struct file *f);
void s3_file_detach(struct file *f);
int s3_file_finish(struct mount *m, struct ofd *o, struct file *f, enum ofd_end how);
ssize_t s3_file_preadv(struct file *f, const struct iovec *iov, int cnt, off_t off);
ssize_t s3_file_pwritev(struct file *f, const struct iovec *iov, int cnt, off_t *off, int rwf);
int s3_file_allocate(struct file *f, int mode, off_t off, off_t len);
int s3_file_truncate(struct file *f, off_t len);
int s3_file_sync(struct file *f, int data_only);
/* truncate(2) of a name. */
int s3_truncate(struct mount *m, const char *name, off_t len);

/* s3_read.c */
/* Bytes of the version that is open, n of them from `off` on, all there are. */
ssize_t s3_read(struct file *f, const struct iovec *iov, int cnt, off_t off, size_t n);
/* Keeps the pieces of an answer. */
void s3_keep(struct file *f, const struct ask *a);
/* One piece of an answer that has its bytes there: n of them into buf, or 0: ask again. */
ssize_t s3_read_piece(const struct ask *a, unsigned i, void *buf, size_t n);

#endif
