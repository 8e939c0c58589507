/* SPDX-License-Identifier: MIT */
/* What the recording's own files share: the segment in use. */
#ifndef SHIM_STATS_PRIVATE_H
#define SHIM_STATS_PRIVATE_H

#include "stats_layout.h"

/*
 * This process' segment, made now if there is none yet; NULL if it cannot be
 * made. In a fork child the first call gives it a segment of its own. errno
 * is left alone.
 */
struct seg_header *stats_segment(void);

/* The same without making one. */
struct seg_header *stats_segment_if_made(void);

#endif
