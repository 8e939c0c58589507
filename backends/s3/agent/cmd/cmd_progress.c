/* SPDX-License-Identifier: MIT */
/* How far long work is; see cmd_progress.h. */
#include "cmd_progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 1.0                    /* seconds until it is long work */
#define EVERY 0.2

static const char *what;
static unsigned flags;
static int64_t total, so_far;
static double began, told;
static int shown;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_begin(const char *what_, int64_t total_, unsigned flags_)
{
	what = isatty(2) && !((flags_ & PROGRESS_OUTPUT) && isatty(1)) ? what_ : NULL;
	flags = flags_;
	total = total_;
	so_far = 0;
	shown = 0;
	began = told = seconds();
}

/* ---- the line */

static size_t put_amount(char *out, size_t room, double n, unsigned how)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned i = 0;

	if (how & PROGRESS_COUNT)
		return (size_t)snprintf(out, room, "%.0f", n);
	for (n /= 1024; n >= 1024 && i < 3; i++)
		n /= 1024;
	return (size_t)snprintf(out, room, "%.1f %s", n, units[i]);
}

static size_t put_time(char *out, size_t room, double s)
{
	long n = (long)(s + 0.5);

	if (n >= 360000)
		return (size_t)snprintf(out, room, "%ld h", n / 3600);
	if (n >= 3600)
		return (size_t)snprintf(out, room, "%ld:%02ld:%02ld", n / 3600, n / 60 % 60, n % 60);
	return (size_t)snprintf(out, room, "%ld:%02ld", n / 60, n % 60);
}

void progress_line(char *out, size_t room, const char *name, int64_t done, int64_t all, double s, unsigned how)
{
	double speed = s > 0 ? (double)done / s : 0;
	size_t n = (size_t)snprintf(out, room, "%.40s  ", name);

	if (all > 0)
		n += (size_t)snprintf(out + n, room - n, "%d %%  ", (int)((double)done * 100 / (double)all));
	n += put_amount(out + n, room - n, (double)done, how);
	if (all > 0) {
		n += (size_t)snprintf(out + n, room - n, " of ");
		n += put_amount(out + n, room - n, (double)all, how);
	}
	n += (size_t)snprintf(out + n, room - n, "  ");
	n += put_amount(out + n, room - n, speed, how);
	n += (size_t)snprintf(out + n, room - n, "/s");
	if (all > done && speed > 0) {
		n += (size_t)snprintf(out + n, room - n, "  ");
		n += put_time(out + n, room - n, (double)(all - done) / speed);
		snprintf(out + n, room - n, " left");
	}
}

/* ---- on the terminal */

void progress_show(void)
{
	double now;
	char line[200];

	if (!what)
		return;
	now = seconds();
	if (now - began < PATIENCE || now - told < EVERY)
		return;
	progress_line(line, sizeof(line), what, so_far, total, now - began, flags);
	fprintf(stderr, "\r%s\033[K", line);
	shown = 1;
	told = now;
}

void progress_add(int64_t n)
{
	so_far += n;
	progress_show();
}

void progress_clear(void)
{
	if (what && shown)
		fputs("\r\033[K", stderr);
	shown = 0;
}

void progress_end(void)
{
	progress_clear();
	what = NULL;
}
