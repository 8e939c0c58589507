/* SPDX-License-Identifier: MIT */
/*
 * AWS's shared files, ~/.aws/config and ~/.aws/credentials (or those that
 * AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name), as botocore reads them.
 * Not by libinih: Debian's cuts lines at 200 bytes, and session tokens are longer.
 */
#ifndef S3_AGENT_AWSCONF_H
#define S3_AGENT_AWSCONF_H

#include <limits.h>
#include <stddef.h>

#define AWSCONF_WHY 512

enum awsconf_kind {
	AWSCONF_PROFILE,        /* [default], [profile x] of config */
	AWSCONF_CREDENTIALS,    /* [x] of credentials */
	AWSCONF_SSO,            /* [sso-session x] */
	AWSCONF_SERVICES,       /* [services x] */
	AWSCONF_OTHER,
};

struct awsconf;

/* Reads both; a file that does not exist is an empty one. NULL: `why` is "file:line: what is wrong". */
struct awsconf *awsconf_load(char why[AWSCONF_WHY]);
void awsconf_free(struct awsconf *c);   /* wipes; NULL is fine */

/* A setting, or NULL; a nested one is "s3.addressing_style". */
const char *awsconf_get(const struct awsconf *c, enum awsconf_kind kind, const char *section,
			const char *name);

/* That of a profile in either file; credentials goes first. */
const char *awsconf_profile(const struct awsconf *c, const char *profile, const char *name);
int awsconf_has_profile(const struct awsconf *c, const char *profile);

/* The file that has sections of a kind. */
const char *awsconf_file(const struct awsconf *c, enum awsconf_kind kind);

/* Forgets the values of secrets, for a copy that is kept. */
void awsconf_wipe(struct awsconf *c);

/* A setting by its variable, or of the profile; c may be NULL. awsset.c */
const char *aws_setting(const struct awsconf *c, const char *profile, const char *name);
int aws_is_true(const char *value);     /* "true"; NULL is not */

/* The URL configured for a service ("s3", "sts", "sso"), or NULL; c may be NULL. awsset.c */
const char *aws_endpoint(const struct awsconf *c, const char *profile, const char *service);

/* An environment variable that is not empty, or NULL. */
const char *aws_env(const char *name);

/* "~/x" and "$HOME/x" by its first component; others as they are. -ENAMETOOLONG. */
int aws_path(char out[PATH_MAX], const char *path);

/*
 * A whole file of at most `most` bytes, with a NUL, for the caller to OPENSSL_clear_free;
 * NULL and errno, EOPNOTSUPP of a pipe, which might be waited for.
 */
char *aws_read_file(const char *path, size_t most, size_t *len);

#endif
