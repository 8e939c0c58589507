/* SPDX-License-Identifier: MIT */
/* Nothing is written yet: EROFS. Goes with the first that does. */
#include <errno.h>
#include "write.h"
int write_init(void) { return 0; }
const char *write_spool(void) { return "/nonexistent"; }
void write_open(struct s3_bucket *b, const char *name, const char *d, int flags, mode_t mode, void (*opened)(void *arg, struct stage *st, int err), void *arg) { (void)b,(void)name,(void)d,(void)flags,(void)mode; opened(arg, NULL, -EROFS); }
int write_attach(const char *spool, const char *d, struct stage **out) { (void)spool,(void)d,(void)out; return -ENOENT; }
void stage_put(struct stage *st) { (void)st; }
const char *stage_spool(const struct stage *st) { (void)st; return ""; }
void stage_attr(const struct stage *st, struct s3_attr *attr) { (void)st,(void)attr; }
struct object *stage_base(const struct stage *st) { (void)st; return NULL; }
#define NO { done(arg, -EROFS); }
#pragma GCC diagnostic ignored "-Wunused-parameter"
void write_wrote(struct stage *st, int64_t off, int64_t len, write_done *done, void *arg) NO
void write_publish(struct stage *st, const char *description, unsigned flags, write_done *done, void *arg) NO
void write_abandon(struct stage *st, const char *description) {}
int write_pending(struct s3_bucket *b, const char *name, struct s3_attr *attr) { return 0; }
void write_pending_each(struct s3_bucket *b, const char *dir, void (*each)(void *arg, const char *name, uint64_t ino), void *arg) {}
void write_remove(struct s3_bucket *b, const char *name, unsigned flags, write_done *done, void *arg) NO
void write_rename(struct s3_bucket *b, const char *from, const char *to, unsigned flags, write_done *done, void *arg) NO
void write_mkdir(struct s3_bucket *b, const char *name, mode_t mode, write_done *done, void *arg) NO
void write_symlink(struct s3_bucket *b, const char *name, const char *text, write_done *done, void *arg) NO
void write_setattr(struct s3_bucket *b, const char *name, const struct s3_attr *attr, unsigned set, write_done *done, void *arg) NO
void write_setxattr(struct s3_bucket *b, const char *name, struct stage *st, const char *key, const void *value, ssize_t len, int flags, write_done *done, void *arg) NO
