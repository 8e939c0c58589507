/* SPDX-License-Identifier: MIT */
/* Streams to processes; what stdio.c must know of them. */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include <stdio.h>

/*
 * If s is a stream of our own popen, closes it, waits for its process, and
 * leaves what fclose(3) and pclose(3) return in *status. 0 if it is not.
 */
int process_close(FILE *s, int *status);

#endif
