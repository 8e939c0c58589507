/* SPDX-License-Identifier: MIT */
/* How the agent is made; spawn.c and keeper.c. */
#ifndef BACKENDS_S3_SPAWN_H
#define BACKENDS_S3_SPAWN_H

#include <sys/types.h>

struct spawn {
	const char *program;
	char *argv[5];
	char **envp;
	int listener, error;            /* error: errno, or 0 */
	char *stack;                    /* the end of the agent's until it is another program */
	pid_t owner;                    /* the program */
	int keep;                       /* orphans would be the program's */
	char *keeper_stack;             /* the end of a keeper's */
	int told;                       /* keeper.c's */
};

/* In a child of its own, for clone(2): becomes the agent, or sets s->error. */
int spawn_agent(void *spawn);

/* All signals are as by default and none is blocked; that one is ignored. 0: none. */
void spawn_reset_signals(int ignored);

/* Whether the program is PID 1 or a subreaper. */
int keeper_wanted(void);
/* Ends the keeper that was started before in this program, if there is one. */
void keeper_end(void);
/* In a vfork child of the program: makes a keeper, a child of the program, and waits until the agent runs. */
void keeper_start(struct spawn *s);

#endif
