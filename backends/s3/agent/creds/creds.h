/* SPDX-License-Identifier: MIT */
/*
 * Credentials by the chain and the names of AWS's own tools: environment,
 * assume role, web identity, SSO cache, shared files and profiles,
 * credential_process, container, IMDSv2. Kept until shortly before they expire,
 * and wiped. Secrets are in no message.
 */
#ifndef S3_AGENT_CREDS_H
#define S3_AGENT_CREDS_H

#include <time.h>

#include "sigv4.h"

struct creds;                           /* the chain of one profile */

/* What a rule may say of it; NULL: by the environment. */
struct creds_how {
	const char *profile;            /* profile=; variables with credentials do not count then */
	int anonymous;                  /* anonymous=on: no signature */
};

/* Found or made; lives as long as the agent. NULL without memory. */
struct creds *creds_of(const struct creds_how *how);

/* What is wrong with the files or the profile's name, "file:line: ...", or NULL. Known from creds_of on. */
const char *creds_wrong(const struct creds *c);

/*
 * Calls got(arg, key, err) as soon as there are some, at once if they are kept:
 * key is valid during the call; NULL with err 0: anonymous; err -EACCES and the
 * like with a reason in creds_source(). One fetch serves all who wait.
 */
void creds_get(struct creds *c, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg);

/* got will not be called with this arg. */
void creds_cancel(struct creds *c, void *arg);

/* The server refused them (ExpiredToken, InvalidAccessKeyId): the next get asks again. */
void creds_refused(struct creds *c);

/* "environment, key ****MPLE", "profile x of /home/u/.aws/credentials, ...", or what was tried in vain, or is asked just now. */
const char *creds_source(const struct creds *c);

/* When they expire, by our clock; 0: never or none yet. */
time_t creds_expire(const struct creds *c);

/* A setting of the profile or its variable (region, endpoint_url, ca_bundle, s3.addressing_style ...), or NULL. */
const char *creds_setting(const struct creds *c, const char *name);

#endif
