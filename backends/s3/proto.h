/* SPDX-License-Identifier: MIT */
/*
 * What a guest (libshim.so in a program) and its shim-agent say to each other.
 *
 * A guest connects to the agent's SEQPACKET socket and says hello; the agent
 * checks the peer's uid and answers with three descriptors:
 *
 *      channel   shared memory: struct s3_channel, the guest's slots
 *      cache     memory the agent writes and guests only pread(2): the table of
 *                chunks, then their bytes
 *      bell      an eventfd; rung when the agent sleeps
 *
 * After that the socket tells only that the other side is gone (POLLHUP).
 *
 * A call: the guest takes a free slot, fills in the request, sets its bit in
 * `asked`, rings if the agent sleeps, and waits on the slot's state by futex.
 * The agent answers in the same slot. Only the agent says that it is awake
 * again, so that a guest interrupted before it rings keeps nobody waiting.
 *
 * Bytes never pass through a slot. The agent answers a read with pieces of the
 * cache; the guest preads them into the program's buffer, and then looks
 * whether the chunk still has the generation it was told: if not, the agent
 * used the memory again meanwhile, and the guest asks once more. So nothing is
 * pinned, a guest may keep what it was told for later reads, and one that is
 * killed leaves nothing behind. Replies without a fixed size (a listing, an
 * attribute) are a piece of the cache too. What is written goes to a spool file
 * that guest and agent both have open (Writing, below).
 */
#ifndef BACKENDS_S3_PROTO_H
#define BACKENDS_S3_PROTO_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define S3_PROTO 1u                /* of hello; another number is another agent's */
#define S3_SLOTS 128               /* calls in flight of one guest process */
#define S3_PIECES 32               /* of one answer */
#define S3_NAME_MAX 4096
#define S3_ETAG_MAX 80             /* quotes included, NUL too */
#define S3_VERSION_MAX 64

enum s3_ask {
	S3_MOUNT = 1,    /* text: "bucket/prefix?options" of a rule -> mount: for the other calls */
	S3_STAT,         /* name -> attr */
	S3_OPEN,         /* name, flags, mode, text: ofd->id -> attr, handle, spool if writing; else perhaps pieces */
	S3_ATTACH,       /* spool and text: ofd->id, or attr (etag, size) and name: a description that another
	                    process opened, or an agent that is gone -> handle */
	S3_READ,         /* handle, off, len -> pieces from `off` on; fewer at the end */
	S3_LIST,         /* name, off: entries told before -> pieces of whole s3_entry; off: 0, or there are more */
	S3_READLINK,     /* name -> text */
	S3_GETXATTR,     /* name or handle, text: the key -> one piece: value; its length in result */
	S3_LISTXATTR,
	S3_DROP,         /* handle: this process is done with it; no answer, the agent frees the slot */
	/* writing; see below */
	S3_WROTE,        /* handle, off, len: room for len more bytes of the spool is wanted -> when there is, or why not */
	S3_PUBLISH,      /* handle, text: ofd->id, flags: S3_LAST if nothing follows, with S3_READER if it could not write
	                    -> the object is as written, or why not */
	S3_ABANDON,      /* handle, text: ofd->id: its last holder was killed; the spool stays, listed */
	S3_REMOVE,       /* name, flags: S3_DIRECTORY */
	S3_RENAME,       /* name, text: the new name; flags: RENAME_* of renameat2, S3_COPY: the old name stays */
	S3_MKDIR,        /* name, mode */
	S3_SYMLINK,      /* name, text: what it points to */
	S3_SETATTR,      /* name; attr (mode, uid, gid with -1: as it is, mtime), flags: OBJECT_* */
	S3_SETXATTR,     /* name or handle; text: key, NUL, value; len: of the value, -1 removes; flags */
};
enum { S3_LAST = 1, S3_DIRECTORY = 2, S3_READER = 4, S3_COPY = 1 << 30 };

/*
 * Writing. S3_OPEN with O_WRONLY, O_RDWR or O_TRUNC, with ofd->id in `text`,
 * answers with a handle and the name of a staged file in `spool`; so may an
 * S3_OPEN to read, of a name that is staged and not in the bucket yet. The guest
 * opens both its files in the welcome's directory (journal.h; staged.h does
 * it), keeps the name in ofd->priv, and reads and writes them without a call of
 * the agent but for two: S3_READ gives bytes of the opened version, S3_WROTE
 * makes room. An O_TRUNC that joins a staged file is the guest's to carry out,
 * by staged_truncate, and so is every ftruncate; truncate(2) is S3_OPEN,
 * staged_truncate, S3_PUBLISH with S3_LAST. chmod and the like of an open file that
 * writes are in the journal; only extended attributes are asked for.
 *
 * The room: a guest takes the blocks it newly fills from journal->room, and
 * where that would become negative, or its write ends beyond journal->ready,
 * asks S3_WROTE first, with the place and length of the write. The agent adds
 * some MiB each time, looks what there is to be uploaded already, and answers
 * late if uploads are far behind, -ENOSPC beyond spool=, or with an error that
 * an upload had.
 *
 * fsync is S3_PUBLISH. finish with OFD_CLOSED is S3_PUBLISH with S3_LAST, and
 * with OFD_LOST S3_ABANDON, by a process that may never have opened the file:
 * it attaches first (`spool`, `text`: ofd->id); -ENOENT then means that whoever
 * was killed in it had come to the end. With it the handle ends, too; one that
 * had the file open gives its own. A publish that fails may be repeated; one that
 * fails with S3_LAST leaves the staged file in the spool, and the handle.
 */

/* What is known of an object. */
struct s3_attr {
	int64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t mode;             /* with its type */
	uint32_t uid, gid;
	uint64_t ino;              /* of bucket, key and version: the same in every agent */
	char etag[S3_ETAG_MAX];    /* "" of a directory */
	char version[S3_VERSION_MAX];
};

/* Part of an answer: `len` bytes at `at` of the cache, valid while the chunk has this generation. */
struct s3_piece {
	uint32_t chunk, generation;
	uint64_t at;               /* in the cache's file */
	int64_t off;               /* of the object */
	uint64_t len;
};

/* An entry of a listing: its name follows, with a NUL, padded to 8. */
struct s3_entry {
	uint64_t ino;
	uint16_t size;             /* of all this */
	uint8_t type;              /* DT_* */
	char name[];
};

enum s3_state { S3_FREE, S3_TAKEN, S3_ASKED, S3_WAITED, S3_ANSWERED };

struct s3_slot {
	_Atomic uint32_t state;    /* the futex; ASKED becomes WAITED when the guest sleeps */
	uint32_t ask;              /* enum s3_ask */
	uint32_t mount;
	uint32_t flags;
	uint64_t handle;           /* of an open object; unknown after the agent was started again: ESTALE_HANDLE */
	int64_t off, len;
	uint32_t mode;
	/* the answer */
	uint32_t pieces;
	int64_t result;            /* >= 0 or -errno */
	int64_t eof;               /* S3_READ: the object's size */
	struct s3_attr attr;
	char spool[NAME_MAX + 1];  /* "" or a staged file: ID of ID.data and ID.journal in the spool directory */
	struct s3_piece piece[S3_PIECES];
	char name[S3_NAME_MAX];    /* below the mount: "" or "/a/b" */
	char text[S3_NAME_MAX];
};
#define S3_NO_HANDLE (-5001)       /* result: the handle is not of this agent; S3_ATTACH, then again */

struct s3_channel {
	_Atomic uint64_t asked[S3_SLOTS / 64];
	_Atomic uint32_t sleeping; /* the agent waits for the bell */
	_Atomic uint32_t freed;    /* futex: a slot became free while all were taken */
	struct s3_slot slot[S3_SLOTS];
};

/* The cache's file begins with the generations, one a page; odd while a chunk begins there. Compare for equality. */
struct s3_chunk {
	_Atomic uint32_t generation;
};

struct s3_hello {
	uint32_t proto;
	uint32_t pid;
};

struct s3_welcome {                /* with channel, cache and bell by SCM_RIGHTS */
	uint32_t proto;
	uint32_t pid;              /* the agent's */
	uint64_t chunks;           /* of the table at the start of the cache */
	char spool[PATH_MAX];      /* the directory of spool files */
};

#endif
