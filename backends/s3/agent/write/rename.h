/* SPDX-License-Identifier: MIT */
/* What rename.c, rename_tree.c and rename_mark.c share: a file, and a directory. */
#ifndef S3_AGENT_RENAME_H
#define S3_AGENT_RENAME_H

#include "change.h"

#define RENAME_TRIES 4                  /* at what others keep replacing */

/* A staged file moves along; attr: of what was copied to the new key, or NULL. */
void rename_stage(struct stage *st, const char *name, const char *key, const struct s3_attr *attr);

/* All of the directory c->name goes to c->to; ends c. */
void rename_tree(struct change *c);
/* Likewise where c->to is a directory, too: -ENOTEMPTY, unless it is empty or what such a rename left that was cut short. */
void rename_tree_onto(struct change *c);
/* Ends c and what rename_tree made for it; and when all of it is at c->to. */
void rename_tree_end(struct change *c, int err);
void rename_tree_moved(struct change *c);

/*
 * Steps of rename_tree, in rename_mark.c: they go on with next(c) or end by rename_tree_end.
 * Before anything is copied: c->to has a marker that says it comes from c->name, else a copy of
 * that one's, if it has one.
 */
void rename_mark(struct change *c, int marker, void (*next)(struct change *c));
/* Before anything is removed: the marker of c->name says where it goes. */
void rename_mark_old(struct change *c, void (*next)(struct change *c));
/* At last: the new one says nothing any more, and then the old one goes; ends c. */
void rename_unmark(struct change *c);

#endif
