/* SPDX-License-Identifier: MIT */
/*
 * The agent's log: the file `log` in its directory, one line an event, kept
 * below 1 MiB with one predecessor, `log.old`. SHIM_AGENT_LOG says how much:
 * error, warn (the default), info, debug. No secret is ever given to it.
 */
#ifndef S3_AGENT_LOG_H
#define S3_AGENT_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Opens it in the directory; before that, and without it, nothing is kept. */
void log_init(int dir);

/* printf-like; cut at 1000 bytes, control characters become '?'. Any thread. */
void log_say(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes text fit for a line: control characters become '?'. */
void log_plain(char *text);

#endif
