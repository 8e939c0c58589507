/* SPDX-License-Identifier: MIT */
/*
 * The XML that S3 answers with, by expat: elements and text, nothing else. A
 * document type, and with it every entity but XML's own five, is refused.
 */
#ifndef S3_AGENT_XML_H
#define S3_AGENT_XML_H

#include <stddef.h>
#include <time.h>

#define XML_DEPTH 16
#define XML_PATH 256                    /* names of a path with their slashes */
#define XML_VALUE (64u << 10)           /* bytes of a leaf */

/*
 * Parses a whole document. leaf(arg, path, value) is called for each element
 * without elements in it, when it ends: path is "ListBucketResult/Contents/Key",
 * value its text as it stands, "" if there is none. end(arg, path) is called
 * for each other element when it ends; it may be NULL. Both return 0, or
 * -errno, which ends the parse and is returned. Else 0, -EBADMSG for what is
 * no XML or is refused, -E2BIG beyond the limits above, -ENOMEM.
 */
int xml_parse(const char *text, size_t n,
	      int (*leaf)(void *arg, const char *path, const char *value),
	      int (*end)(void *arg, const char *path), void *arg);

/* A date of such a document, "2009-10-12T17:50:30.000Z", in whole seconds; 0 of what is none. */
time_t xml_time(const char *iso);

#endif
