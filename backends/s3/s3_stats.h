/* SPDX-License-Identifier: MIT */
/*
 * What an agent counts: the file `stats` in its directory, mapped and written
 * by the agent alone, read by anyone who may (`shim report`). Counters only
 * grow; a reader may see one request half counted. The file stays when the
 * agent ends, and the next one in that directory goes on with it.
 */
#ifndef BACKENDS_S3_STATS_H
#define BACKENDS_S3_STATS_H

#include <stdint.h>

#define S3_STATS_MAGIC 0x3154535f33736873ull    /* "shs3_ST1" */
#define S3_STATS_BINS 24                        /* bin i: below 2^i microseconds; the last: all above */
#define S3_STATS_NOTES 16
#define S3_STATS_NOTE 240

/* NAME, what the servers bill it as: 1 reading, 2 writing and listing, 0 nothing */
#define S3_KINDS(X) \
	X(GET, 1) X(HEAD, 1) X(LIST, 2) X(PUT, 2) X(PART, 2) X(COPY, 2) X(POST, 2) X(DELETE, 0)

enum s3_kind {
#define X(name, bill) S3_KIND_##name,
	S3_KINDS(X)
#undef X
	S3_KIND_COUNT
};

struct s3_kind_stats {
	uint64_t requests;              /* settled */
	uint64_t failed;
	uint64_t retries;               /* attempts after the first */
	uint64_t sent, received;        /* bytes of bodies */
	uint64_t first_byte_ns, transfer_ns;    /* sums, of those answered at the first attempt */
	uint64_t first_byte[S3_STATS_BINS];
};

/*
 * What went wrong, once however often and with however many objects: the same
 * kind of request, bucket, status and code. The text is the last one's. When
 * there are more, the one that was longest ago gives way.
 */
struct s3_stats_note {
	uint64_t what;                  /* tells them apart; 0: unused */
	uint64_t failed;                /* times */
	uint64_t repeated;              /* times that another attempt was made */
	uint64_t last;                  /* seconds since 1970 */
	char text[S3_STATS_NOTE];
};

struct s3_stats {
	uint64_t magic;
	uint64_t size;                  /* of this structure */
	uint64_t agent;                 /* its pid */
	uint64_t began;                 /* seconds since 1970; of the first agent */
	uint64_t agents;                /* that wrote here, one after another */
	struct s3_kind_stats kind[S3_KIND_COUNT];
	uint64_t reads;                 /* guests' calls */
	uint64_t waited;                /* ... that were not answered at once */
	uint64_t asked;                 /* bytes; what a guest reads by itself of what it was told is not in it */
	uint64_t fetched;               /* bytes that came into the cache */
	uint64_t used;                  /* ... and were told to a guest */
	uint64_t held[2];               /* nanoseconds in which read-bandwidth=, write-bandwidth= held something back */
	uint64_t verified, corrupt;     /* objects whose checksum was looked at, and was wrong */
	uint64_t hedges, hedges_won;            /* second requests for what was late, and those that were first */
	uint64_t disk_hits, disk_misses;        /* pieces that were on disk=, or not all of them */
	uint64_t disk_read, disk_written;       /* bytes */
	uint64_t disk_bad;              /* files there that were damaged */
	uint64_t cache_size, cache_taken;
	struct s3_stats_note note[S3_STATS_NOTES];
};

#endif
