/* SPDX-License-Identifier: MIT */
/*
 * The variables that put a program under the shim, and how they reach the
 * programs it starts though it gives them an environment without (`env -i`,
 * git, scons). A copy is taken before main. Each exec adds what is missing
 * behind the program's own variables, and one more, SHIM_HIDDEN, that says
 * what was added; the new image removes all that from its environment before
 * any other code of it runs, so that nobody sees what was not given.
 *
 * Left alone is an environment that has SHIM=off, or an empty LD_PRELOAD:
 * who writes that wants to be without.
 *
 * All but env_keep and env_hide may be called from any thread, a signal
 * handler or a vfork child; they allocate nothing.
 */
#ifndef SHIM_ENV_H
#define SHIM_ENV_H

#include <stddef.h>

/* Whether `envp` has SHIM=off. */
int env_off(char *const envp[]);

/*
 * Before main, once: copies the variables of `envp`, and remembers `file`,
 * the configuration that was read though no variable names it, or "". Without
 * memory nothing is ever added.
 */
void env_keep(char *const envp[], const char *file);

/*
 * Before main, and before env_keep: the agent of s3 that the programs started
 * from here are to ask where their environment has no credentials.
 */
void env_agent(const char *key);
#define ENV_AGENT_KEY "SHIM_AGENT_KEY"

/* SHIM_AGENT_DIR, whatever became of the environment; NULL without. */
const char *env_agent_dir(void);

/* Before main, once everything was read: removes what an exec added. */
void env_hide(char **envp);

/* What an environment lacks. */
struct env_plan {
	size_t count;            /* entries there are */
	unsigned missing;        /* bit by variable */
	long preload;            /* the entry to be extended, -1 if none */
};

/*
 * How many bytes env_fill needs to complete `envp` (NULL: empty); 0 if it is
 * to be used as it is. A bad pointer in it gives 0, for the kernel to say
 * EFAULT.
 */
size_t env_plan(struct env_plan *p, char *const envp[]);

/* The completed environment, in `buf`; its strings are the old ones' or there. */
char **env_fill(const struct env_plan *p, char *const envp[], void *buf);

/* `envp`, completed in the stack frame of the caller. */
#define ENV_COMPLETE(envp) ({                                                 \
	struct env_plan plan_;                                                \
	size_t n_ = env_plan(&plan_, envp);                                   \
	n_ ? env_fill(&plan_, envp, __builtin_alloca(n_)) : (char **)(envp); })

/*
 * Whether a program started with `envp`, a completed one, runs under the
 * shim, as far as its environment decides it.
 */
int env_serves(char *const envp[]);

/* The entries of an argument list or environment before its NULL, -1 if the kernel would say EFAULT. */
long env_count(char *const list[]);

#endif
