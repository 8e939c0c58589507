/* SPDX-License-Identifier: MIT */
/*
 * The interposed calls as numbers, CALL_read and so on, for the statistics.
 * The numbers are stable only within one build: a segment carries the names
 * (stats_layout.h). call_names is in calls.c.
 */
#ifndef SHIM_CALLS_H
#define SHIM_CALLS_H

enum call {
#define ROW(name) CALL_##name,
#include "rows.h"
#undef ROW
	CALLS
};

/* "read", "pread", ...; CALLS entries. */
extern const char *const call_names[];

#endif
