/* SPDX-License-Identifier: MIT */
/* The environment of the programs we start; see env.h. */
#include "env.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "real.h"

enum { PRELOAD, MAP, CONFIG, STATS, TREE, AGENT_DIR, AGENT_KEY, VARS };

#define RULES (1u << MAP | 1u << CONFIG)      /* one without the other means something else */
#define MARKER "SHIM_HIDDEN="
#define MARKER_SIZE (sizeof(MARKER) + 8)
#define ROOM 1024                             /* bytes that are enough for most environments' */

static const char *const names[VARS] = {
	"LD_PRELOAD", "SHIM_MAP", "SHIM_CONFIG", "SHIM_STATS", "SHIM_TREE", "SHIM_AGENT_DIR", "SHIM_AGENT_KEY",
};

static char *kept[VARS];         /* "NAME=value"; NULL if there was none */
static unsigned have;            /* bit by variable */
static char agent_key[33];       /* env_agent's */
static const char *library;      /* the name of the file we are, without its directory */

/* The value in an entry `name`=..., NULL if it is another's. */
static const char *value_of(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(entry, name, n) && entry[n] == '=' ? entry + n + 1 : NULL;
}

static const char *find(char *const envp[], const char *name)
{
	for (; envp && *envp; envp++) {
		const char *value = value_of(*envp, name);

		if (value)
			return value;
	}
	return NULL;
}

/* The variable an entry is of; VARS if none of ours. */
static unsigned which(const char *entry)
{
	unsigned v = 0;

	if (*entry != 'L' && *entry != 'S')
		return VARS;
	while (v < VARS && !value_of(entry, names[v]))
		v++;
	return v;
}

int env_off(char *const envp[])
{
	const char *value = find(envp, "SHIM");

	return value && !strcmp(value, "off");
}

/* Whether a list of preloads, separated as the loader wants it, has us in it. */
static int lists_us(const char *value)
{
	size_t n = strlen(library);

	while (*(value += strspn(value, " :"))) {
		size_t len = strcspn(value, " :");

		if (len >= n && !memcmp(value + len - n, library, n) &&
		    (len == n || value[len - n - 1] == '/'))
			return 1;
		value += len;
	}
	return 0;
}

/* ---- before main */

/* Our own file as the loader found it, by a name that outlives a change of directory. */
static const char *own_path(char buf[2 * PATH_MAX])
{
	Dl_info info;
	char *end;

	if (!dladdr(names, &info) || !info.dli_fname || !(end = strrchr(info.dli_fname, '/')))
		return NULL;
	library = end + 1;
	if (*info.dli_fname == '/')
		return info.dli_fname;
	if (!REAL(getcwd)(buf, PATH_MAX) || strlen(info.dli_fname) >= PATH_MAX)
		return NULL;
	end = buf + strlen(buf);
	*end = '/';
	strcpy(end + 1, info.dli_fname);
	return buf;
}

static char *keep(char **at, unsigned v, const char *value)
{
	char *entry = *at;

	if (!value)
		return NULL;
	have |= 1u << v;
	*at += sprintf(entry, "%s=%s", names[v], value) + 1;
	return entry;
}

void env_keep(char *const envp[], const char *file)
{
	static char room[ROOM];
	char buf[2 * PATH_MAX], *at = room;
	const char *values[VARS], *path = own_path(buf);
	size_t size = 0;

	for (unsigned v = 0; v < VARS; v++)
		values[v] = find(envp, names[v]);
	/* preloaded by other means, we come back by them */
	values[PRELOAD] = library && values[PRELOAD] && lists_us(values[PRELOAD]) ? path : NULL;
	if (*agent_key)
		values[AGENT_KEY] = agent_key;
	if (!values[MAP] && !values[CONFIG] && *file)
		values[CONFIG] = file;
	for (unsigned v = 0; v < VARS; v++)
		size += values[v] ? strlen(names[v]) + strlen(values[v]) + 2 : 0;
	if (!size || !library)
		return;
	if (size > sizeof(room))
		at = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return;
	for (unsigned v = 0; v < VARS; v++)
		kept[v] = keep(&at, v, values[v]);
}

void env_agent(const char *key)
{
	snprintf(agent_key, sizeof(agent_key), "%s", key);
}

const char *env_agent_dir(void)
{
	return kept[AGENT_DIR] ? kept[AGENT_DIR] + strlen(names[AGENT_DIR]) + 1 : NULL;
}

/* What is left of an entry that an exec added or extended: NULL if nothing. */
static char *shown(char *entry, unsigned hidden)
{
	unsigned v = which(entry);
	char *theirs;

	if (!strncmp(entry, MARKER, strlen(MARKER)))
		return NULL;
	if (v == VARS || !(hidden & 1u << v))
		return entry;
	theirs = v == PRELOAD ? strchr(entry, ':') : NULL;
	if (!theirs)
		return NULL;
	entry = theirs + 1 - strlen("LD_PRELOAD=");
	return memcpy(entry, "LD_PRELOAD=", strlen("LD_PRELOAD="));
}

/* What follows the array stays where it is: some look for the auxiliary vector there. */
void env_hide(char **envp)
{
	const char *marker = find(envp, "SHIM_HIDDEN");
	unsigned hidden = 0;
	char **to = envp;

	if (!marker)
		return;
	for (; *marker >= '0' && *marker <= '9'; marker++)
		hidden = hidden * 10 + (unsigned)(*marker - '0');
	for (; *envp; envp++) {
		char *entry = shown(*envp, hidden);

		if (entry)
			*to++ = entry;
	}
	while (to < envp)
		*to++ = NULL;
}

/* ---- at an exec */

#define BLOCK 64                 /* pointers looked at in one go */

/* Reads memory of our own that may not be there. -1: it is not. */
static ssize_t try_read(void *to, size_t n, const struct iovec *from, unsigned long cnt)
{
	struct iovec local = { to, n };
	ssize_t r = process_vm_readv(getpid(), &local, 1, from, cnt, 0);

	if (r >= 0 || errno == EFAULT)
		return r;
	/* forbidden here: trust the pointers */
	for (size_t done = 0; cnt--; from++) {
		memcpy((char *)to + done, from->iov_base, from->iov_len);
		done += from->iov_len;
	}
	return (ssize_t)n;
}

/* The pointers from `list` on in this page, at most BLOCK; how many of them come before a NULL, or -1. */
static long block(char *const list[], size_t *n)
{
	size_t left = (4096 - ((uintptr_t)list & 4095)) / sizeof(*list);
	struct iovec from = { (void *)list, 0 }, each[BLOCK];
	char *entries[BLOCK], first[BLOCK];
	size_t i = 0;

	*n = left < 1 ? 1 : left < BLOCK ? left : BLOCK;
	from.iov_len = *n * sizeof(*list);
	if (try_read(entries, from.iov_len, &from, 1) != (ssize_t)from.iov_len)
		return -1;
	for (; i < *n && entries[i]; i++)
		each[i] = (struct iovec){ entries[i], 1 };
	return i && try_read(first, i, each, i) != (ssize_t)i ? -1 : (long)i;
}

long env_count(char *const list[])
{
	int saved = errno;
	long total = 0, r;
	size_t n;

	do {
		r = list ? block(list + total, &n) : 0;
		total += r;
	} while (list && r == (long)n);
	errno = saved;
	return r < 0 ? -1 : total;
}

/* Takes one entry into account; 0 if it says that the program wants to be without us. */
static int consider(struct env_plan *p, const char *entry, long i)
{
	unsigned v = which(entry);
	const char *value;

	if (v == VARS)
		return strcmp(entry, "SHIM=off") != 0;
	value = entry + strlen(names[v]) + 1;
	if (v == PRELOAD) {
		if (!*value)
			return 0;
		if (!(p->missing & 1u << PRELOAD) || !lists_us(value)) {
			p->preload = i;
			return 1;
		}
	} else if ((RULES & 1u << v) && kept[v] && strcmp(entry, kept[v])) {
		p->missing &= ~RULES;
	}
	p->missing &= ~(1u << v);
	return 1;
}

size_t env_plan(struct env_plan *p, char *const envp[])
{
	long n = have ? env_count(envp) : -1;
	size_t size;

	*p = (struct env_plan){ .missing = have, .preload = -1 };
	for (long i = 0; i < n; i++)
		if (!consider(p, envp[i], i))
			return 0;
	if (n < 0 || !p->missing)
		return 0;
	if (!(p->missing & 1u << PRELOAD))
		p->preload = -1;
	p->count = (size_t)n;
	size = (p->count + VARS + 2) * sizeof(char *) + MARKER_SIZE;
	if (p->preload >= 0)
		size += strlen(kept[PRELOAD]) + strlen(envp[p->preload]) + 1;
	return size;
}

char **env_fill(const struct env_plan *p, char *const envp[], void *buf)
{
	char **to = buf, *text = (char *)(to + p->count + VARS + 2);
	size_t n = p->count;

	if (n)
		memcpy(to, envp, n * sizeof(*to));
	for (unsigned v = 0; v < VARS; v++) {
		if (!(p->missing & 1u << v))
			continue;
		if (v != PRELOAD || p->preload < 0)
			to[n++] = kept[v];
		else
			to[p->preload] = text + MARKER_SIZE;
	}
	if (p->preload >= 0)
		sprintf(text + MARKER_SIZE, "%s:%s", kept[PRELOAD],
			envp[p->preload] + strlen("LD_PRELOAD="));
	sprintf(text, MARKER "%u", p->missing);
	to[n++] = text;
	to[n] = NULL;
	return to;
}

int env_serves(char *const envp[])
{
	const char *preload = find(envp, "LD_PRELOAD");

	return !library || (!env_off(envp) && (!(have & 1u << PRELOAD) || (preload && lists_us(preload))));
}
