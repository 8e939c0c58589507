/* SPDX-License-Identifier: MIT */
/*
 * Headers that belong to the kind of a request, not to the request: what a rule
 * says of payment, encryption, storage class, tags and ACL. One table in
 * headers.c says which goes where; nobody who makes a request thinks of them.
 */
#ifndef S3_AGENT_HEADERS_H
#define S3_AGENT_HEADERS_H

#include "conf/conf.h"
#include "s3.h"

/*
 * Reads them of a rule whose bucket has its endpoint. 0, or -EINVAL and *why
 * says which option is wrong; never with a key in it. They live as long as the
 * bucket; headers_free wipes them.
 */
int headers_new(struct headers **out, const struct conf_rule *rule, const struct s3_bucket *b, char why[S3_WHY]);
void headers_free(struct headers *h);

/* Adds r's own headers, and of the rule's those that belong to its kind and are not among them. */
void headers_add(const struct s3_request *r, struct http *to);

/* What the rule says for this header of an object that is written, or NULL: its option, not the server's default. */
const char *headers_said(const struct s3_bucket *b, const char *name);

/* Whether the rule says how objects are encrypted. */
int headers_encrypt(const struct s3_bucket *b);

/* "KEY=VALUE,..." or with & between them, as a header has it: encoded, joined by &. -EINVAL: why says what is wrong. */
int headers_tags(const char *text, char *out, size_t room, char why[S3_WHY]);

#endif
