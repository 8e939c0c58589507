/* SPDX-License-Identifier: MIT */
/*
 * The contract between the shim and its back ends; the only header they
 * share besides options.h and real.h.
 *
 *      configuration read            (options.c has checked every key)
 *              |
 *      mount(m)                      before main: validate, fill m->root;
 *              |                     no threads, rings, files or mappings yet
 *      start(m)                      at the first path or file of the rule in
 *              |                     a process, and again in a fork child
 *      opened(f, fd)                 after each open(2) of a regular file
 *              |
 *      preadv pwritev truncate ...   any number, from any thread, until
 *              |
 *      closed(f)                     the last descriptor of this process is gone
 *
 * A back end whose files the kernel does not have is another kind: object_ops.h.
 *
 * Every back end of this kind serves files that the kernel has too: the
 * program's descriptor is the real file's, and position, append, locks and
 * inheritance are the kernel's. An op therefore answers BE_NATIVE to hand the
 * call, unchanged, to libc's function of the same name; a NULL op is
 * BE_NATIVE. Ops return >= 0 or -errno, with the kernel's meaning of the
 * call; they may change errno, the caller restores it.
 *
 * Ops are called without locks held. A thread may be in an op while another
 * closes the descriptor: `f` stays alive until the op returns if the back
 * end says BE_PIN, and the vector is then a checked copy in our own memory;
 * the buffers it names never are. A signal handler may interrupt an op and
 * call another.
 */
#ifndef BACKENDS_BACKEND_H
#define BACKENDS_BACKEND_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "conf/conf.h"
#include "object_ops.h"

#define BE_NATIVE (-5000)      /* not an errno: "libc's own call, as it stands" */
#define BE_FILE_PRIVATE 128    /* bytes of back-end state in an open file */

enum be_flags {
	BE_PIN = 1,            /* ops use memory that closed() frees */
	BE_SHRINK = 2,         /* shrink_begin and shrink_end are told of the mount's files */
	BE_SHRINK_ALL = 4,     /* and of others: its files have more names than those under the rule */
	BE_TASK = 8,           /* ops use what a vfork child does not have, a ring */
	BE_AIO_NOW = 16,       /* aio_read(3) and its kin: the ops never wait, so the request is over at once */
	BE_AIO_RING = 32,      /* by a ring on the kernel's file; neither: libc does it */
	BE_AIO_ORDER = 64,     /* a file's requests one after the other */
	BE_NO_LINKS = 128,     /* no name is a symbolic link: a walk along a path need not ask */
	BE_WROTE = 256,        /* wrote is told of what was written to the mount's files */
};

struct mount {
	const struct conf_rule *rule;    /* NULL: the mount of everything under no rule */
	const struct backend *be;
	unsigned id;                     /* the statistics' rule number; 0 without a rule */
	unsigned flags;                  /* enum be_flags; the back end's unless mount() changes them */
	struct mount *shrink;            /* whose back end is told of truncations; NULL: nobody's; core's */
	char root[CONF_PATH_MAX];        /* the directory that holds the files; "" when it is the prefix itself */
	char prefix[CONF_PATH_MAX];      /* the rule's, with the links on its way resolved */
	size_t rootlen, prefixlen;
	size_t on_disk;                  /* of prefix: what existed when the mounts were made */
	_Atomic int started;             /* of the pid that start() ran in; core's */
	void *priv;                      /* the back end's */
};

/* An open file description, as far as this process knows it. */
struct file {
	struct mount *_Atomic mount;
	struct ofd *ofd;                 /* of a file without a kernel file (object_ops.h), else NULL */
	void *listing;                   /* object_dir.c's */
	_Atomic int kept;                /* object_end.c's: a hidden descriptor, or -1 */
	_Atomic unsigned stat_slot;      /* stats_file */
	_Atomic unsigned refs;           /* descriptors and pins */
	_Atomic int flags;               /* of open(2); O_APPEND and O_DIRECT follow F_SETFL; not with an ofd */
	dev_t dev;
	ino_t ino;
	struct file *next_retired;       /* fdtab's */
	const char *_Atomic hint;        /* where byte 0 may be in memory: worth a prefetch, nothing else */
	_Alignas(16) char priv[BE_FILE_PRIVATE]; /* the back end's, zeroed before opened() */
};

struct backend {
	const char *name;                /* as in options.c */
	unsigned flags;
	const struct object_ops *object; /* its files have no kernel file; all below but mount and start is not for them */

	int (*mount)(struct mount *m);   /* [0] */
	int (*start)(struct mount *m);   /* [0] */
	void (*fork_child)(void);        /* in a fork child, before anything else [nothing] */

	void (*opened)(struct file *f, int fd);  /* [nothing] */
	void (*closed)(struct file *f);          /* [nothing] */

	/*
	 * `off` -1: at the file's position, and move it. `rwf` are the flags
	 * of preadv2(2).
	 */
	ssize_t (*preadv)(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int rwf);
	ssize_t (*pwritev)(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int rwf);
	/*
	 * The same with one buffer at an offset >= 0, where nanoseconds
	 * count; errno must be as it was. [the op above]
	 */
	ssize_t (*pread)(struct file *f, int fd, void *buf, size_t n, off_t off);
	ssize_t (*pwrite)(struct file *f, int fd, const void *buf, size_t n, off_t off);

	int (*sync)(struct file *f, int fd, int data_only);

	/*
	 * With BE_SHRINK, around every native call that may take bytes away
	 * from a file: truncate, ftruncate, O_TRUNC, a hole punched. The
	 * numbers are the kernel's. shrink_begin's result goes to shrink_end.
	 */
	int (*shrink_begin)(struct mount *m, dev_t dev, ino_t ino);
	void (*shrink_end)(struct mount *m, dev_t dev, ino_t ino, int token);

	/*
	 * With BE_WROTE, when a call has written to a file of the mount, or an asynchronous
	 * request, before the program knows that it is over. In any thread; errno is the caller's.
	 */
	void (*wrote)(struct mount *m, dev_t dev, ino_t ino);

	/*
	 * A native call is about to write up to n bytes, at `off` or, if that
	 * is -1, at the position: 0 or -ENOSPC. [0]
	 */
	int (*room)(struct file *f, int fd, off_t off, size_t n);

	/*
	 * Attributes of files of the mount, by name or descriptor, are about
	 * to be looked at or set. [nothing]
	 */
	void (*looked_at)(struct mount *m);
};

extern const struct backend be_posix, be_uring, be_mem, be_s3;

/* All of them, NULL at the end. */
extern const struct backend *const backends[];

/* The back end of a rule's scheme. Never NULL for a checked rule. */
const struct backend *backend_find(const char *name);

#endif
