/* SPDX-License-Identifier: MIT */
/*
 * What has a name in the segment besides calls and rules: files and notes.
 * Private to the recording; stats.h has the public half.
 *
 * The number stats_file returns is the process' own, not the segment's: a
 * fork child keeps its parent's open files, but counts in another segment.
 */
#ifndef SHIM_STATS_NAMES_H
#define SHIM_STATS_NAMES_H

#include <stdint.h>

#include "stats_layout.h"

/* The slot + 1 in the segment's list by the number of stats_file; 0 none. */
extern uint16_t file_slot[SEG_FILES + 1];

/*
 * The segment `h` begins, in place of `old` (NULL: there was none), from
 * which the files known so far are copied. Notes said so far are repeated.
 */
void names_begin(struct seg_header *h, const struct seg_header *old);

#endif
