/* SPDX-License-Identifier: MIT */
/*
 * The commands of `shim s3`, which the tool has this program run: each goes
 * through its requests one after the other, in a process of its own.
 */
#ifndef S3_AGENT_CMD_H
#define S3_AGENT_CMD_H

#include "s3/proto.h"
#include "conf/conf.h"
#include "request/s3.h"

enum { CMD_FAILED = 1, CMD_USAGE = 2, CMD_CONFIG = 78 };

/* "shim s3 NAME ...", argv[1] being "s3". The exit status. */
int cmd_main(int argc, char **argv);

/* The commands; argv[0] is their name. */
int cmd_check(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_head(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_cp(int argc, char **argv);
int cmd_mv(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_mb(int argc, char **argv);
int cmd_rb(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_gc(int argc, char **argv);

/* "shim: " and one line on standard error. */
void cmd_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A usage error: one line and how to call the running command. Returns CMD_USAGE. */
int cmd_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The configuration, read once; NULL after a line on standard error. */
const struct conf *cmd_conf(void);

/* The bucket of a target, "bucket/prefix?options": 0, or CMD_CONFIG after a line. */
int cmd_bucket(const char *target, struct s3_bucket **b);

/*
 * The rule for s3 that a path is under, and what stands after its prefix, "" or
 * "/a/b". 0; CMD_CONFIG after a line; -ENOENT: no such rule, or another -errno.
 */
int cmd_path(const char *word, const struct conf_rule **r, char name[S3_NAME_MAX]);

/* Runs the loop until somebody calls cmd_ready. */
void cmd_wait(void);
void cmd_ready(void);

/* Runs it until uploads that are being aborted are, or for some seconds: nobody would know of them. */
void cmd_settle(void);

/* One request, to its end; its `done` is called, if it has one. What done gets. */
int cmd_request(struct s3_request *r);

#endif
