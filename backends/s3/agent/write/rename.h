/* SPDX-License-Identifier: MIT */
/* What rename.c and rename_tree.c share: a file, and a directory. */
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

#endif
