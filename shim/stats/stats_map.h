/* SPDX-License-Identifier: MIT */
/*
 * The half of the mappings that only the making of a segment needs; the other
 * half is in stats_segment.h. One thread at a time.
 */
#ifndef SHIM_STATS_MAP_H
#define SHIM_STATS_MAP_H

struct seg_header;

/* Where the file is found again: a path that stays, a tree in it, a segment in that. */
void map_place(const char *dir, const char *tree, const char *name);

/* Maps the header and the first arenas of the segment `fd`. 0, or -1. */
int map_base(int fd, unsigned arena_max);
void map_undo(void);

/* The header mapped now, or NULL. */
struct seg_header *map_header(void);

#endif
