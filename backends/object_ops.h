/* SPDX-License-Identifier: MIT */
/*
 * The contract of back ends whose files have no kernel file: a struct backend
 * with `object` set. The shim keeps the program's view (descriptors, position,
 * append, links, the working directory); the back end keeps names and bytes.
 *
 * A descriptor of such a file is a placeholder, a socket that gives unhooked
 * calls an error and never bytes. It stands for an open file description,
 * whose state is a struct ofd in memory shared by every process that has a
 * duplicate: through dup, fork, exec and SCM_RIGHTS.
 *
 *      open(f, at, ...)              the program opens; f->ofd is new
 *      attach(f)                     another process has come by the descriptor
 *              |
 *      preadv pwritev truncate ...   any thread of any of these processes
 *              |
 *      finish(m, ofd, f, how)        nobody anywhere has it any more
 *
 *      detach(f)                     this process has let go of f, before that or after
 *
 * One caller at a time finishes a description, and it is over when that
 * returns. If the caller is killed in it another calls it again, with the same
 * `how`: it must find out how far the first one came.
 *
 * A back end has no op for mmap. The core keeps what is mapped in shared memory
 * (shim/object/map_image.h), fills it by preadv, and gives what was stored there to
 * pwritev, at msync, munmap, close, fsync, exec, exit and after a kill; it
 * tells files by the dev and ino of their ofd, within a mount. Therefore
 *
 *   - dev and ino stay the same while the file is open, in every process, and
 *     two ofds that have them equal share bytes: what one writes the other
 *     reads, and their mappings are the same memory;
 *   - a version that others do not see, or not yet (one staged until it is
 *     published, a snapshot that an open keeps), has an ino of its own, that no
 *     file that is open has had; stat of the name may tell another;
 *   - preadv, pwritev, truncate, allocate and stat of an open file may be
 *     called with the lock of its image held: they make no call of a door, and
 *     take no lock that is held over one;
 *   - a pwritev from a mapping may come after the last close and before
 *     finish, never after that, unless its writer was killed: then through an
 *     ofd that was attached for that, and with `how` OFD_LOST to follow.
 *
 * What changes the bytes behind the core's back, on another machine, is not
 * seen in what is mapped; nor is it lost, but where a program stored.
 *
 * Ops return >= 0 or -errno with the kernel's meaning of the call, and may
 * change errno. A NULL op is the default in brackets. Names, keys of
 * attributes and vectors are copies; buffers and values are the program's own
 * pointers, and bad ones are -EFAULT. f and f->priv live until the op returns.
 *
 * Locks of the shim that may be held: ofd->lock in calls at the file's position,
 * an image's (shim/object/map_image.h) in calls that read or change the bytes of a file
 * that is mapped, ofd->end in finish.
 */
#ifndef BACKENDS_OBJECT_OPS_H
#define BACKENDS_OBJECT_OPS_H

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "conf/conf.h"

struct file;
struct mount;

#define OFD_PRIVATE 256        /* bytes of back-end state in a struct ofd */
#define OFD_ID 33              /* its name in the registry: hex, with the NUL */

/* An open file description, in shared memory (shim/object/ofd.h). */
struct ofd {
	uint64_t magic;
	uint64_t placeholder;          /* inode of its socket */
	char id[OFD_ID];
	_Atomic int flags;             /* what F_GETFL tells */
	_Atomic int64_t pos;           /* bytes; entries of a directory */
	pthread_mutex_t lock;          /* robust; of pos and of whatever the back end wants */
	pthread_mutex_t end;           /* robust; held by whoever closes or ends it (shim/object/ofd.h) */
	_Atomic int ended;             /* finish has returned */
	_Atomic int closer;            /* the process that closed it, or is about to by exec */
	_Atomic int writer;            /* the process that wrote last and has not closed it since */
	uint32_t umask;                /* its opener's, then */
	uint64_t dev, ino;             /* the file's, as stat tells */
	int mapped;                    /* some process maps it, or did */
	uint32_t mode;                 /* its type: S_IFREG, S_IFDIR */
	_Atomic uint32_t gone;         /* its name was removed */
	char be[16];                   /* the mount: the back end's name, */
	char target[CONF_PATH_MAX];    /* and what follows it in the rule */
	char name[CONF_PATH_MAX];      /* below the mount: "" or "/a/b"; kept up to date by the core */
	_Alignas(16) char priv[OFD_PRIVATE];
};

/* Whether its descriptors read, or write; those of O_PATH, and of all of O_ACCMODE, do neither. */
static inline int ofd_reads(const struct ofd *o)
{
	int access = o->flags & (O_ACCMODE | O_PATH);

	return access == O_RDONLY || access == O_RDWR;
}

static inline int ofd_writes(const struct ofd *o)
{
	int access = o->flags & (O_ACCMODE | O_PATH);

	return access == O_WRONLY || access == O_RDWR;
}

/* What a call is about: an open file, or a name below the mount ("" or "/a/b"). */
struct object_at {
	struct mount *m;
	struct file *f;                /* NULL: `name` */
	const char *name;              /* its last component is not followed if it is a link */
};

/* What chmod, chown and utimensat set. */
struct object_attr {
	int set;                       /* OBJECT_* */
	mode_t mode;
	uid_t uid;                     /* -1: as it is */
	gid_t gid;
	struct timespec times[2];      /* as utimensat(2): UTIME_NOW, UTIME_OMIT */
};
enum { OBJECT_MODE = 1, OBJECT_OWNER = 2, OBJECT_TIMES = 4 };

/* Called for each entry of a directory, without . and ..; nonzero ends it. */
typedef int object_each(void *arg, const char *name, unsigned char type, uint64_t ino);

enum ofd_end {
	OFD_CLOSED,                    /* the last close, in the calling process: may be told of errors */
	OFD_LOST,                      /* its last holder was killed: noticed later, by somebody else */
};

struct object_ops {
	/* each version of a file has an ino: locks are on the name then, and a number of it is what programs are told */
	int versions;
	int (*stat)(const struct object_at *at, struct statx *st);
	ssize_t (*readlink)(const struct object_at *at, char *buf, size_t n);     /* [EINVAL] */
	int (*access)(const struct object_at *at, int mode, int flags);           /* [by stat] */
	int (*list)(const struct object_at *at, object_each *each, void *arg);
	int (*statfs)(struct mount *m, struct statfs *st);                        /* [zeroes] */
	int (*setattr)(const struct object_at *at, const struct object_attr *set); /* [EPERM] */
	int (*truncate)(const struct object_at *at, off_t len);                   /* [EROFS] */

	/* value and list as getxattr(2) and listxattr(2) have them; a NULL value removes [EOPNOTSUPP] */
	ssize_t (*getxattr)(const struct object_at *at, const char *key, void *value, size_t n);
	ssize_t (*listxattr)(const struct object_at *at, char *list, size_t n);
	int (*setxattr)(const struct object_at *at, const char *key, const void *value, size_t n,
			int flags);

	/* names; NULL: EROFS, and EPERM for link, symlink and mknod */
	int (*mkdir)(struct mount *m, const char *name, mode_t mode);
	int (*mknod)(struct mount *m, const char *name, mode_t mode, dev_t dev);
	int (*symlink)(struct mount *m, const char *target, const char *name);
	int (*link)(const struct object_at *from, const char *to);
	int (*remove)(struct mount *m, const char *name, int directory);
	int (*rename)(struct mount *m, const char *from, const char *to, unsigned flags);

	/*
	 * Opens, making it if `flags` say so, a regular file or directory, or
	 * an open file once more (at->f, through /proc/self/fd); fills dev,
	 * ino and mode of f->ofd. f->ofd->umask is still to be applied.
	 */
	int (*open)(struct file *f, const struct object_at *at, int flags, mode_t mode);
	int (*attach)(struct file *f);                                            /* [0] */
	void (*detach)(struct file *f);                                           /* [nothing] */
	/* f: as this process had it open until now, or NULL. */
	int (*finish)(struct mount *m, struct ofd *o, struct file *f, enum ofd_end how);  /* [0] */

	ssize_t (*preadv)(struct file *f, const struct iovec *iov, int cnt, off_t off);
	/* *off -1: at the end, atomically, and *off becomes where that was; rwf: RWF_SYNC, RWF_DSYNC */
	ssize_t (*pwritev)(struct file *f, const struct iovec *iov, int cnt, off_t *off, int rwf);
	off_t (*seek)(struct file *f, off_t off, int whence);     /* SEEK_DATA, SEEK_HOLE [no holes] */
	int (*allocate)(struct file *f, int mode, off_t off, off_t len);          /* [EOPNOTSUPP] */
	int (*sync)(struct file *f, int data_only);                               /* [0] */
	off_t (*mapped_most)(const struct mount *m);  /* bytes of one file that may be mapped [1 GiB] */
};

#endif
