/* SPDX-License-Identifier: MIT */
/* The registry's files (ofd.h); for ofd*.c. */
#ifndef SHIM_OFD_FILES_H
#define SHIM_OFD_FILES_H

#include <sys/un.h>

#include "ofd.h"

/* The registry of the effective user, open; made if it is missing and `make` is set. Or -errno. */
int ofd_directory(int make);

/*
 * What the ids of a rule's descriptions begin with: hexadecimal digits, so that
 * who sweeps need not look at the others, of which there may be many.
 */
#define OFD_RULE 8
void ofd_rule(char rule[OFD_RULE + 1], const struct mount *m);

/* A file's name there: an id and a suffix. */
const char *ofd_entry(char buf[OFD_ID + 8], const char *id, const char *suffix);

/* The same as a socket's address. */
void ofd_address(struct sockaddr_un *a, const char *id, const char *suffix);

/* The record `name` of the registry `dir`, mapped, whatever is in it; NULL if there is none. */
struct ofd *ofd_record(int dir, const char *name);

/* Whether the record is complete: all but ended, closer, pos and flags stays then. */
int ofd_described(const struct ofd *o);

#endif
