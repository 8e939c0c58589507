/* SPDX-License-Identifier: MIT */
/* The end of a process of its own will. */
#ifndef SHIM_EXIT_H
#define SHIM_EXIT_H

/*
 * Once before main, where there are files without a kernel file: their last
 * close is then noticed by the process itself also at exit(3) and at the end
 * of main.
 */
void exit_init(void);

#endif
