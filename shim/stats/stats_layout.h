/* SPDX-License-Identifier: MIT */
/*
 * A segment of statistics as it lies in a file: written by the library while
 * the program runs, read by the tool at any moment, also after the writer was
 * killed. Offsets only, no pointers; all numbers in the machine's own order.
 *
 *	0            struct seg_header
 *	SEG_FILES_AT struct seg_file[SEG_FILES], dense, the first `nfiles` used
 *	SEG_ARENA_AT arenas of SEG_ARENA_SIZE bytes, the first `narenas` begun
 *
 * The file is sparse and as long as it may ever become; only what `ready`
 * and the other marks cover has memory. A reader uses pread, because reading
 * a hole of tmpfs through a mapping fills it.
 *
 * A thread owns a chain of arenas and is the only writer of their cells.
 * Nothing is ever taken back: an arena outlives its thread, a segment its
 * process, and the next one goes on counting in it.
 */
#ifndef SHIM_STATS_LAYOUT_H
#define SHIM_STATS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define SEG_MAGIC 0x314d494853ull     /* "SHIM1"; written last */
#define SEG_VERSION 1u
#define SEG_GONE UINT64_MAX           /* `owner` of a segment about to be removed */

#define SEG_CALLS 320u
#define SEG_CALL_LEN 32u
#define SEG_RULES 65u                 /* rule 0 and CONF_RULES_MAX more */
#define SEG_RULE_LEN 192u
#define SEG_NOTES 32u
#define SEG_NOTE_LEN 160u
#define SEG_EXE_LEN 256u
#define SEG_CMD_LEN 512u

#define SEG_FILES 1024u
#define SEG_FILE_INDEX 2048u
#define SEG_PATH_LEN 200u
#define SEG_FILE_GROUP 16u            /* counters of that many files are allocated together */

#define SEG_ARENAS 1024u
#define SEG_ARENA_SIZE (256u << 10)
#define SEG_UNIT 64u                  /* offsets in an arena count such units */

/* fio's FIO_IO_U_PLAT_BITS 6, with 32 groups in place of its 29: up to 137 s. */
#define SEG_BIN_BITS 6u
#define SEG_GROUP_BINS (1u << SEG_BIN_BITS)
#define SEG_GROUPS 32u
#define SEG_BINS (SEG_GROUPS * SEG_GROUP_BINS)

#define SEG_SIZES 8u
#define SEG_ERRORS 8u

/* What could not be recorded in full; bits of `degraded`. */
enum {
	SEG_NO_ROOM = 1,      /* no memory in the file system: coarse counters from then on */
	SEG_FILES_FULL = 2,   /* more than SEG_FILES files: the rest is not listed by file */
	SEG_NOTES_FULL = 4,
};

/* Every thread's, added atomically: calls for which there was no cell. */
struct seg_coarse {
	uint64_t count, bytes, errors, ns;
};

/* One call in one size class under one rule, from one thread. */
struct seg_cell {
	uint32_t key;                     /* SEG_KEY */
	uint16_t next;                    /* the next cell of the arena, in units; 0 ends */
	uint16_t pad;
	uint64_t count, ns, bytes;
	uint64_t min, max;                /* ns */
	uint64_t shorter;                 /* succeeded with fewer bytes than asked for */
	uint64_t error_count[SEG_ERRORS]; /* the last one also counts what finds no slot */
	uint16_t error[SEG_ERRORS];       /* errno values; 0 unused, in the last slot "others" */
	uint16_t group[SEG_GROUPS];       /* SEG_GROUP_BINS counts each: units after the cell; 0 none */
} __attribute__((aligned(64)));

/* One file from one thread. */
struct seg_use {
	uint64_t count, bytes, ns, max, errors;
};

struct seg_arena {
	uint32_t used, ready;             /* bytes handed out (at most the size counts); bytes with memory */
	uint32_t next;                    /* the chain's next arena: index + 1, or 0 */
	uint32_t cells;                   /* the newest cell, in units; 0 none */
	uint32_t index;                   /* which arena this is */
	uint16_t uses[SEG_FILES / SEG_FILE_GROUP]; /* struct seg_use[SEG_FILE_GROUP], in units */
} __attribute__((aligned(64)));

/* A name for (dev, ino): slot i is the file i + 1 of stats_file. */
struct seg_file {
	uint64_t dev, ino;
	char path[SEG_PATH_LEN];
};

struct seg_note {
	uint32_t ready;                   /* nonzero once `text` is whole */
	char text[SEG_NOTE_LEN];
};

enum { SEG_ARENA_NEW, SEG_ARENA_HEAD, SEG_ARENA_MORE };

struct seg_slot {
	uint32_t owner;                   /* the thread's id; 0 free, SEG_KEPT never to be taken over */
	uint32_t kind;
};

#define SEG_KEPT UINT32_MAX

/* What tells segments apart; small enough to be read onto any stack. */
struct seg_head {
	uint64_t magic;
	uint32_t version, size;           /* `size` of struct seg_header */
	uint64_t layout;                  /* equal: call numbers and rules mean the same */
	uint64_t pidns;                   /* inode of the pid namespace `owner` counts in; 0 unknown */
	uint64_t owner;                   /* SEG_OWNER; also of a dead process */
	uint64_t first_start, last_start; /* CLOCK_REALTIME seconds */
	uint32_t ppid, ncalls, nrules;
	uint32_t processes;               /* that have counted here, one after another */
	uint32_t degraded;
	uint32_t tsc;                     /* the latest was timed with the TSC, not CLOCK_MONOTONIC */
	uint32_t arena_max;               /* as many as the file is long enough for */
	uint32_t narenas, nfiles, files_ready, nnotes, pad;
};

struct seg_header {
	struct seg_head head;
	char exe[2][SEG_EXE_LEN];         /* of the first and the latest process */
	char cmdline[2][SEG_CMD_LEN];     /* arguments separated by spaces */
	struct seg_slot slot[SEG_ARENAS];
	struct seg_coarse coarse[SEG_CALLS];
	uint16_t file_index[SEG_FILE_INDEX]; /* file numbers by hash, open addressing; 0 empty */
	struct seg_note note[SEG_NOTES];
	char call[SEG_CALLS][SEG_CALL_LEN];
	char rule[SEG_RULES][SEG_RULE_LEN];  /* "PREFIX=TARGET", [0] ""; memory for `nrules` */
};

#define SEG_PAGE 4096ull
#define SEG_ROUND(n) (((uint64_t)(n) + SEG_PAGE - 1) & ~(SEG_PAGE - 1))
#define SEG_FILES_AT SEG_ROUND(sizeof(struct seg_header))
#define SEG_ARENA_AT (SEG_FILES_AT + SEG_ROUND(SEG_FILES * sizeof(struct seg_file)))
#define SEG_FULL_SIZE (SEG_ARENA_AT + (uint64_t)SEG_ARENAS * SEG_ARENA_SIZE)

/* The process a segment belongs to: start time in ticks after boot, and pid. */
#define SEG_OWNER(pid, start) ((uint64_t)(start) << 22 | (uint64_t)(pid))
#define SEG_OWNER_PID(o) ((int)((o) & 0x3fffff))
#define SEG_OWNER_START(o) ((o) >> 22)

#define SEG_KEY(call, size, rule) (0x80000000u | (rule) << 13 | (size) << 10 | (call))
#define SEG_KEY_CALL(k) ((k) & 0x3ff)
#define SEG_KEY_SIZE(k) ((k) >> 10 & 7)
#define SEG_KEY_RULE(k) ((k) >> 13 & 0x7f)

/* The bin of a latency; fio's plat_val_to_idx. */
static inline unsigned seg_bin(uint64_t ns)
{
	unsigned msb = 63 - (unsigned)__builtin_clzll(ns | SEG_GROUP_BINS);
	unsigned shift = msb - SEG_BIN_BITS;
	uint64_t bin = ((uint64_t)shift << SEG_BIN_BITS) + (ns >> shift);

	return bin < SEG_BINS ? (unsigned)bin : SEG_BINS - 1;
}

/* The middle of a bin; fio's plat_idx_to_val. */
static inline uint64_t seg_bin_value(unsigned bin)
{
	unsigned shift = bin >> SEG_BIN_BITS ? (bin >> SEG_BIN_BITS) - 1 : 0;
	uint64_t low = (uint64_t)(bin - (shift << SEG_BIN_BITS)) << shift;

	return shift ? low + (1ull << (shift - 1)) : low;
}

/* The class of a request: 0, and up to 512, 4K, 16K, 64K, 256K, 1M bytes, more. */
static inline unsigned seg_size_class(uint64_t size)
{
	/* by the width of size - 1 */
	static const uint8_t by_width[] = {
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6,
	};
	unsigned width;

	if (!size)
		return 0;
	width = 64 - (unsigned)__builtin_clzll((size - 1) | 1);
	return width < sizeof(by_width) ? by_width[width] : 7;
}

#endif
