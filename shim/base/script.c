/* SPDX-License-Identifier: MIT */
/* The first line of a script; see script.h. */
#include "script.h"

#include <errno.h>
#include <string.h>

#include "real.h"

#define BLANK " \t"

/* Splits s->line; 0 if the kernel finds no interpreter in it either. */
static int parse(struct script *s)
{
	char *end = strchr(s->line, '\n'), *name = s->line + 2, *blank;

	if (strncmp(s->line, "#!", 2))
		return 0;
	if (end)
		*end = 0;
	name += strspn(name, BLANK);
	blank = name + strcspn(name, BLANK);
	/* a name that may go on behind what was read is none */
	if (!*name || (!end && !*blank && strlen(s->line) == SCRIPT_LINE))
		return 0;
	for (end = name + strlen(name); strchr(BLANK, end[-1]); )
		*--end = 0;
	s->interpreter = name;
	s->argument = NULL;
	if (blank < end) {
		*blank++ = 0;
		s->argument = blank + strspn(blank, BLANK);
	}
	return 1;
}

int script_read(struct script *s, const char *path)
{
	int saved = errno, fd = -1;
	ssize_t n = -1;
	struct stat st;

	/* to open a device may do something */
	if (own_stat(AT_FDCWD, path, &st, 0) == 0 && S_ISREG(st.st_mode))
		fd = REAL(open)(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		n = REAL(pread)(fd, s->line, SCRIPT_LINE, 0);
		REAL(close)(fd);
	}
	errno = saved;
	s->line[n < 0 ? 0 : n] = 0;
	return parse(s);
}
