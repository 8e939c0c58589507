/* SPDX-License-Identifier: MIT */
/* Nothing is written yet: EROFS. Goes with the first that does. */
#include <errno.h>
#include "write.h"
#define NO { done(arg, -EROFS); }
#pragma GCC diagnostic ignored "-Wunused-parameter"
void write_remove(struct s3_bucket *b, const char *name, unsigned flags, write_done *done, void *arg) NO
void write_rename(struct s3_bucket *b, const char *from, const char *to, unsigned flags, write_done *done, void *arg) NO
void write_mkdir(struct s3_bucket *b, const char *name, mode_t mode, write_done *done, void *arg) NO
void write_symlink(struct s3_bucket *b, const char *name, const char *text, write_done *done, void *arg) NO
void write_setattr(struct s3_bucket *b, const char *name, const struct s3_attr *attr, unsigned set, write_done *done, void *arg) NO
void write_setxattr(struct s3_bucket *b, const char *name, struct stage *st, const char *key, const void *value, ssize_t len, int flags, write_done *done, void *arg) NO
