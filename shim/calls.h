/* SPDX-License-Identifier: MIT */
/*
 * The interposed calls as numbers, CALL_read and so on, for the statistics.
 * The numbers are stable only within one build: a segment carries the names
 * (stats_layout.h). call_names is in calls.c.
 */
#ifndef SHIM_CALLS_H
#define SHIM_CALLS_H

/* What is no call by itself: requests of io_submit, from there until they are over. */
#define CALL_REQUESTS(R)                                                      \
	R(IOCB_CMD_PREAD) R(IOCB_CMD_PWRITE) R(IOCB_CMD_PREADV)               \
	R(IOCB_CMD_PWRITEV) R(IOCB_CMD_FSYNC) R(IOCB_CMD_FDSYNC)

/* Whose requests in flight, and time to submit them, are counted, too (stats_value). */
#define CALL_ASYNC(R)                                                         \
	R(aio_read) R(aio_write) R(aio_fsync) R(lio_listio) CALL_REQUESTS(R)

enum call {
#define ROW(name) CALL_##name,
#include "rows.h"
#undef ROW
#define REQUEST(name) CALL_##name,
	CALL_REQUESTS(REQUEST)
#undef REQUEST
#define ASYNC(name) CALL_##name##_depth, CALL_##name##_submit,
	CALL_ASYNC(ASYNC)
#undef ASYNC
	CALLS
};

/* "read", "pread", ...; CALLS entries. */
extern const char *const call_names[];

#endif
