/* SPDX-License-Identifier: MIT */
/*
 * publish=deferred: a small new file that was closed stays in the spool for a
 * moment, so that what is done to it by name right after (its times, a rename)
 * goes into the one upload, and uploads of many files go side by side. It is
 * marked in the journal: the next agent publishes it if this one ends before.
 * An error is told to who opens the file next, and to the log; the staged file
 * then stays for shim s3 recover.
 */
#ifndef S3_AGENT_DEFER_H
#define S3_AGENT_DEFER_H

#include "stage.h"

/* The last close of a description: 1 if the file is published later, 0: now, by the caller. */
int defer_close(struct stage *st, const char *description);
/* What the agent before us held back is published now; st is counted for it. */
void defer_resume(struct stage *st);
/* It is to be published now; done(arg, err) when that is over. st->held. */
void defer_release(struct stage *st, write_done *done, void *arg);

#endif
