/* SPDX-License-Identifier: MIT */
/*
 * start [PRELOAD]: a measuring command for alternate: what it takes to run
 * /bin/true to its end, with LD_PRELOAD set so or not at all.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define RUNS 50

extern char **environ;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	char *child[] = { "true", NULL }, line[64];

	if (argc > 1)
		setenv("LD_PRELOAD", argv[1], 1);
	while (fgets(line, sizeof(line), stdin)) {
		double begin = now();

		for (int i = 0; i < RUNS; i++) {
			pid_t pid;
			int status;

			if (posix_spawn(&pid, "/bin/true", NULL, NULL, child, environ) ||
			    waitpid(pid, &status, 0) < 0 || status) {
				fprintf(stderr, "start: /bin/true did not run\n");
				return 1;
			}
		}
		printf("%.0f\n", (now() - begin) / RUNS);
		fflush(stdout);
	}
	return 0;
}
