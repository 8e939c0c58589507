/* SPDX-License-Identifier: MIT */
/* shim check: the rules as they are understood, and what this system offers them. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define LABEL "%-12s "

/* ---- rules */

/* The rule as SHIM_MAP would have it, without "PREFIX=". */
static char *target_text(struct conf_rule *r)
{
	struct conf one = { .nrules = 1, .rules = r };
	size_t n = conf_format_map(&one, NULL, 0) + 1;
	char *text = malloc(n);

	if (!text)
		die(1, "out of memory");
	conf_format_map(&one, text, n);
	memmove(text, strchr(text, '=') + 1, strlen(strchr(text, '=')));
	return text;
}

static int width(const struct conf *c)
{
	size_t most = 6;

	for (unsigned i = 0; i < c->nrules; i++)
		if (strlen(c->rules[i].prefix) > most)
			most = strlen(c->rules[i].prefix);
	return (int)(most < 40 ? most : 40);
}

static void print_rules(const struct conf *c)
{
	int w = width(c);

	if (!c->nrules) {
		puts("No rules: nothing is redirected, calls on regular files are timed.\n");
		return;
	}
	printf("%-*s  %-28s  %s\n", w, "PREFIX", "TARGET", "FROM");
	for (unsigned i = 0; i < c->nrules; i++) {
		char *target = target_text(&c->rules[i]);

		printf("%-*s  %-28s  %s\n", w, c->rules[i].prefix, target, c->rules[i].where);
		free(target);
	}
	putchar('\n');
}

static void print_stats(const struct conf *c)
{
	if (c->stats == CONF_STATS_OFF)
		printf(LABEL "off\n", "statistics");
	else if (c->stats == CONF_STATS_DIR)
		printf(LABEL "in %s\n", "statistics", c->stats_dir);
	else
		printf(LABEL "in /dev/shm/shim-%u\n", "statistics", (unsigned)geteuid());
}

/* ---- small files of /proc and /sys */

/* The first line, or what follows `key` in its line; "" if it cannot be read. */
static void read_word(const char *path, const char *key, char *word, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[256];

	word[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		char *p = line + strlen(key);

		if (strncmp(line, key, strlen(key)))
			continue;
		p += strspn(p, " \t");
		snprintf(word, size, "%.*s", (int)strcspn(p, "\n"), p);
		break;
	}
	if (f)
		fclose(f);
}

/* ---- io_uring */

static const char *seccomp_hint(void)
{
	char mode[16];

	read_word("/proc/self/status", "Seccomp:", mode, sizeof(mode));
	return !strcmp(mode, "2") ? "; a seccomp filter is at work here" : "";
}

static void explain_uring(int err)
{
	char off[16];

	read_word("/proc/sys/kernel/io_uring_disabled", "", off, sizeof(off));
	if (err == EPERM && *off && strcmp(off, "0"))
		printf("sysctl kernel.io_uring_disabled is %s", off);
	else if (err == EPERM)
		printf("not permitted%s", seccomp_hint());
	else if (err == ENOSYS)
		printf("the kernel has no io_uring, or a seccomp filter hides it%s", seccomp_hint());
	else
		printf("io_uring_setup: %s", strerror(err));
}

/* Linux 5.18: a ring without a descriptor in the program's way. */
static int can_register_ring(int ring)
{
	struct io_uring_rsrc_update up = { .offset = -1U, .data = (unsigned long long)ring };

	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_RING_FDS, &up, 1) == 1;
}

static void print_uring(void)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);

	printf(LABEL, "io_uring");
	if (ring < 0) {
		printf("not usable: ");
		explain_uring(errno);
		puts("; uring rules use plain calls");
		return;
	}
	if (can_register_ring(ring))
		printf("usable (features 0x%x, registered rings)\n", params.features);
	else
		printf("not used: no registered rings before Linux 5.18 (%s); uring rules use plain "
		       "calls\n", strerror(errno));
	close(ring);
}

/* ---- the rest of the system */

static void print_kernel(void)
{
	struct utsname u;

	uname(&u);
	printf(LABEL "%s %s %s\n", "kernel", u.sysname, u.release, u.machine);
}

static const char *tsc_state(void)
{
#ifdef __x86_64__
	unsigned a, b, c, d = 0;
	int mode = PR_TSC_ENABLE;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
		return "no invariant TSC";
	if (!prctl(PR_GET_TSC, &mode) && mode != PR_TSC_ENABLE)
		return "invariant TSC, forbidden to this process";
	return "invariant TSC";
#else
	return "no TSC";
#endif
}

static void print_clock(void)
{
	char source[32];
	const char *tsc = tsc_state();

	read_word("/sys/devices/system/clocksource/clocksource0/current_clocksource", "", source,
		  sizeof(source));
	printf(LABEL "%s, the kernel's clock source is %s\n", "clock", tsc,
	       *source ? source : "unknown");
}

static void print_size(unsigned long long bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	unsigned i = 0;

	for (; size >= 1024 && i < 4; i++)
		size /= 1024;
	printf("%.*f %s", i ? 1 : 0, size, units[i]);
}

static void print_shm(void)
{
	struct statfs fs;

	printf(LABEL, "/dev/shm");
	if (statfs("/dev/shm", &fs)) {
		printf("not usable: %s; no statistics, no mem rules\n", strerror(errno));
		return;
	}
	printf("%s, ", fs.f_type == TMPFS_MAGIC ? "tmpfs" : "NOT a tmpfs");
	print_size(fs.f_bavail * (unsigned long long)fs.f_bsize);
	printf(" free of ");
	print_size(fs.f_blocks * (unsigned long long)fs.f_bsize);
	puts(access("/dev/shm", W_OK | X_OK) ? ", not writable" : "");
}

static void print_limit(const char *prefix, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		printf("%sunlimited", prefix);
	else
		printf("%s%llu", prefix, (unsigned long long)limit);
}

static void print_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	printf(LABEL, "descriptors");
	print_limit("at most ", r.rlim_cur);
	print_limit(" (hard limit ", r.rlim_max);
	puts(")");
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "map", required_argument, NULL, 'm' }, { "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	const char *file = NULL;
	char *rules = NULL;
	struct conf c;
	int opt;

	while ((opt = getopt_long(argc, argv, "m:c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'm': rules = add_rule(rules, optarg); break;
		case 'c': file = optarg; break;
		case 'h': return show_help();
		default: return EXIT_USAGE;
		}
	}
	if (optind < argc)
		usage_error("unexpected \"%s\"", argv[optind]);
	load_configuration(&c, file, rules);
	print_rules(&c);
	print_kernel();
	print_uring();
	print_clock();
	print_shm();
	print_descriptors();
	print_stats(&c);
	conf_free(&c);
	return 0;
}
