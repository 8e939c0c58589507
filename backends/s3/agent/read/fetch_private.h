/* SPDX-License-Identifier: MIT */
/* What fetch.c and fetch_disk.c share; nobody else includes it. */
#ifndef S3_AGENT_FETCH_PRIVATE_H
#define S3_AGENT_FETCH_PRIVATE_H

#include "fetch.h"

/* To the server, from c->off + c->filled on. */
void fetch_queue(struct fetch *f);
/* It is over: done, and f is gone. */
void fetch_settle(struct fetch *f, int err);

/* Looks on disk first; 0 if there is no use in that. Then fetch_queue or fetch_settle follows. */
int fetch_look(struct fetch *f);
void fetch_look_no_more(struct fetch *f);

#endif
