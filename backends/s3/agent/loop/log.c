/* SPDX-License-Identifier: MIT */
/* The agent's log; see log.h. */
#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE 1000
#define FILE_MOST (1 << 20)

static const char *const words[] = { "error", "warn", "info", "debug" };
static enum log_level most = LOG_WARN;
static int file = -1;

void log_init(int dir)
{
	const char *word = getenv("SHIM_AGENT_LOG");
	struct stat st;

	for (unsigned i = 0; word && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			most = (enum log_level)i;
	if (fstatat(dir, "log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > FILE_MOST)
		renameat(dir, "log", dir, "log.old");
	file = openat(dir, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

void log_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* One write for the line, so that those of threads stay whole. */
void log_say(enum log_level level, const char *fmt, ...)
{
	char line[LINE + 64];
	struct timespec ts;
	struct tm tm;
	va_list ap;
	int n, m;

	if (level > most || file < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = (int)strftime(line, sizeof(line), "%FT%T", &tm);
	n += snprintf(line + n, sizeof(line) - (size_t)n, ".%03ldZ %d %s: ", ts.tv_nsec / 1000000, (int)getpid(), words[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, LINE - (size_t)n, fmt, ap);
	va_end(ap);
	m = n + m < LINE - 1 ? n + m : LINE - 1;
	log_plain(line + n);
	n = m;
	line[n++] = '\n';
	if (write(file, line, (size_t)n) < 0)
		most = LOG_ERROR;
}
