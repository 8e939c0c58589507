/* SPDX-License-Identifier: MIT */
/* The two forms of a report; cmd_report in report.c chooses. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <stdio.h>

#include "segment.h"

void report_text(const struct stats_set *set, FILE *out);

/* Returns 0, or -1 if it could not be written. */
int report_json(const struct stats_set *set, FILE *out);

/* Depth and submission of asynchronous requests; whether a cell is about those. report_async.c */
void report_async(const struct stats_set *set, FILE *out);
int report_is_async(const struct stat_cell *c);

/* What the S3 agents of this user counted; returns how many there are. report_s3.c */
int report_s3(FILE *out);

#endif
