/* SPDX-License-Identifier: MIT */
/* shim calls: what is intercepted, from the table the wrappers are made of. */
#include "tool.h"

#include <getopt.h>
#include <stdio.h>

static const struct entry {
	const char *name, *kind, *of;
} entries[] = {
#define FD(ret, name, ...) { #name, "descriptor", NULL },
#define FDAT(ret, name, ...) { #name, "descriptor", NULL },
#define FDADOPT(ret, name, ...) { #name, "descriptor", NULL },
#define LOOK(ret, name, ...) { #name, "passed", NULL },
#define BARE(name) { #name, "own", NULL },
#define PASS(ret, name, ...) { #name, "passed", NULL },
#define PATH(ret, name, ...) { #name, "path", NULL },
#define PATHAT(ret, name, ...) { #name, "path", NULL },
#define NEWFD(ret, name, ...) { #name, "new descriptor", NULL },
#define CHK(ret, name, ...) { "__" #name "_chk", "fortified", NULL },
#define OWN(name) { #name, "own", NULL },
#define ALIAS(new, old) { #new, "alias of ", #old },
#define TWIN(new, old) { #new, "alias of ", #old },
#include "calls.def"
};

static void print_table(void)
{
	printf("%-24s %s\n", "CALL", "KIND");
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		printf("%-24s %s%s\n", entries[i].name, entries[i].kind,
		       entries[i].of ? entries[i].of : "");
	printf("\n"
	       "descriptor      served by the back end of the file\n"
	       "passed          libc's own, timed\n"
	       "path            the path is resolved against the rules, then libc's own\n"
	       "new descriptor  libc's own; makes a descriptor, which may reuse a number\n"
	       "fortified       the name a program has that was built with _FORTIFY_SOURCE\n"
	       "own             written for this call alone\n");
}

static void print_names(void)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		puts(entries[i].name);
}

int cmd_calls(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plain", no_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int plain = 0, opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return show_help();
		if (opt != 'p')
			return EXIT_USAGE;
		plain = 1;
	}
	if (optind < argc)
		usage_error("unexpected \"%s\"", argv[optind]);
	if (plain)
		print_names();
	else
		print_table();
	return 0;
}
