/* SPDX-License-Identifier: MIT */
/* How far long work is; see cmd_target.h. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd_target.h"

#define PATIENCE 1.0                    /* seconds until it is long work */
#define EVERY 0.2

static const char *what;
static int64_t total, so_far;
static double began, told;
static int shown;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_begin(const char *what_, int64_t total_)
{
	what = isatty(2) && !isatty(1) ? what_ : NULL;
	total = total_;
	so_far = 0;
	shown = 0;
	began = told = seconds();
}

static void show(double now)
{
	double mib = (double)so_far / (1 << 20), speed = mib / (now - began);

	if (total > 0)
		fprintf(stderr, "\r%.60s  %3d %%  %.1f MiB  %.1f MiB/s\033[K", what,
			(int)((double)so_far * 100 / (double)total), mib, speed);
	else
		fprintf(stderr, "\r%.60s  %.1f MiB  %.1f MiB/s\033[K", what, mib, speed);
	shown = 1;
	told = now;
}

void progress_add(int64_t bytes)
{
	double now;

	so_far += bytes;
	if (!what)
		return;
	now = seconds();
	if (now - began >= PATIENCE && now - told >= EVERY)
		show(now);
}

void progress_end(void)
{
	if (what && shown)
		fputs("\r\033[K", stderr);
	what = NULL;
}
