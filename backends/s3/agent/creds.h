/* SPDX-License-Identifier: MIT */
/*
 * Credentials by the chain and the names of AWS's own tools: environment,
 * shared files and profiles, credential_process, assume role, web identity,
 * container, IMDSv2, SSO cache. Kept until shortly before they expire, and
 * wiped. Secrets are in no message.
 */
#ifndef S3_AGENT_CREDS_H
#define S3_AGENT_CREDS_H

#include "sigv4.h"

struct creds;                           /* the chain of one profile */

/* What a rule may say of it; NULL: by the environment. */
struct creds_how {
	const char *profile;            /* profile= */
	int anonymous;                  /* anonymous=on: no signature */
};

/* Found or made; lives as long as the agent. */
struct creds *creds_of(const struct creds_how *how);

/*
 * Calls got(arg, key, err) as soon as there are some, at once if they are kept:
 * key is valid during the call; NULL with err 0: anonymous; err -EACCES and the
 * like with a reason in creds_source().
 */
void creds_get(struct creds *c, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg);

/* The server refused them (ExpiredToken, InvalidAccessKeyId): the next get asks again. */
void creds_refused(struct creds *c);

/* "environment", "profile x of /home/u/.aws/credentials", ..., or what was tried in vain; with the key's id masked but for 4. */
const char *creds_source(const struct creds *c);

/* A setting of the profile or its variable (region, endpoint_url, ca_bundle, ...), or NULL. */
const char *creds_setting(const struct creds *c, const char *name);

#endif
