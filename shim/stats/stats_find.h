/* SPDX-License-Identifier: MIT */
/*
 * Which tree a process counts in when SHIM_TREE does not say: that of its own
 * previous image, else of its nearest ancestor that counts anywhere. Private
 * to the recording.
 *
 * The directory of the trees holds a small index for this, ".pids": entries
 * by process number that each process overwrites as it starts. It is a hint,
 * right or missing, never wrong: an entry names its process by start time.
 *
 * Both may change errno and are async-signal-safe.
 */
#ifndef SHIM_STATS_FIND_H
#define SHIM_STATS_FIND_H

#include "stats_tree.h"

/* Writes the tree's name and returns 1, or 0 if there is none yet. */
int tree_find(int dir, const struct process *p, char tree[TREE_NAME_MAX]);

/* Lets the next image of `p`, and its children, find `tree`. */
void tree_remember(int dir, const struct process *p, const char *tree);

#endif
