/* SPDX-License-Identifier: MIT */
/* What headers.c shares with headers_rule.c; nobody else includes it. */
#ifndef S3_AGENT_HEADERS_PRIVATE_H
#define S3_AGENT_HEADERS_PRIVATE_H

#include "headers.h"

enum header {
	HEADER_PAYER, HEADER_SSE, HEADER_KMS_KEY, HEADER_CLASS, HEADER_TAGS, HEADER_ACL,
	HEADER_C_ALGORITHM, HEADER_C_KEY, HEADER_C_MD5,
	HEADER_FROM_C_ALGORITHM, HEADER_FROM_C_KEY, HEADER_FROM_C_MD5,
	HEADER_COUNT,
};

struct headers {
	char *value[HEADER_COUNT];      /* NULL: not sent */
};

/* Sets a copy of the value. */
void headers_set(struct headers *h, enum header which, const char *value);

#endif
