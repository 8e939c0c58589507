/* SPDX-License-Identifier: MIT */
/*
 * Finding the agent, and starting it if there is none. One serves a user's
 * programs that agree in what concerns it: the variables of AWS's tools and of
 * proxies, HOME, certificates, the namespaces, the bound of the cache. They
 * meet in a directory that nobody else may enter:
 *
 *      /dev/shm/shim-s3-UID/KEY    or below $SHIM_AGENT_DIR
 *          socket    bound by whoever starts the agent, before that
 *          lock      held by who starts it, and by an agent that ends
 *          log       the agent's
 *
 * The program is not to notice: the agent is no child of it, in a session of its
 * own, with nothing of the program's; spawn.h.
 */
#ifndef BACKENDS_S3_START_H
#define BACKENDS_S3_START_H

#include "proto.h"

/* Before main: where the agent's program is, seen from the library's file. */
void start_init(void);

/* What the agent may keep in memory: the most of what the rules say; before main. */
void start_cache(long long bytes);

/*
 * A connection to the agent, which is started if need be: the socket, the
 * channel's memory, the cache, the bell, all close-on-exec at the lowest free
 * numbers, and what the agent said. 0 or -errno: -ECONNREFUSED if it cannot be
 * started or does not answer, and the reason is in the statistics. Blocks up to
 * some seconds; signals are to be blocked, and cancellation disabled. One thread
 * at a time.
 */
enum { START_SOCK, START_CHANNEL, START_CACHE, START_BELL, START_FDS };
int start_connect(int fd[START_FDS], struct s3_welcome *w);

/* Starts `program` with the listening socket as descriptor 0; the directory is its argument. 0 or -errno. spawn.c */
int start_spawn(const char *program, const char *dir, int listener, long long cache);

#endif
