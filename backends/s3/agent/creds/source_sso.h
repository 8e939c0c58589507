/* SPDX-License-Identifier: MIT */
/* What source_sso.c shares with source_sso_token.c; nobody else includes it. */
#ifndef S3_AGENT_SOURCE_SSO_H
#define S3_AGENT_SOURCE_SSO_H

#include "source.h"

#define SSO_LOGIN "run `aws sso login --profile %s`"

struct sso {
	const char *region, *account, *role, *name;     /* name: of the session, or the start URL; its hash names the file */
	int is_session;                 /* only such a token can be renewed */
	int renewed;                    /* or tried to */
	int (*then)(struct source *s);
	char token[SOURCE_TOKEN_MAX];
	char path[PATH_MAX];            /* of the token's file */
};

/*
 * Gets the token, from its file or renewed, into the source's state, and goes on
 * with `then`. As a provider. once more: 1: it was refused, renew it whatever its
 * file says; 0 if that cannot be.
 */
int sso_token(struct source *s, int (*then)(struct source *s));
int sso_token_again(struct source *s);

#endif
