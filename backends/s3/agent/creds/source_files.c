/* SPDX-License-Identifier: MIT */
/* Credentials written down in AWS's shared files. */
#include "source.h"

static int written(struct source *s, enum awsconf_kind kind)
{
	const char *id = awsconf_get(s->conf, kind, s->profile, "aws_access_key_id");
	const char *secret = awsconf_get(s->conf, kind, s->profile, "aws_secret_access_key");
	const char *token = awsconf_get(s->conf, kind, s->profile, "aws_session_token");
	int err;

	if (!id && !secret)
		return 0;
	source_from(s, "profile %s of %s", s->profile, awsconf_file(s->conf, kind));
	if (!token)
		token = awsconf_get(s->conf, kind, s->profile, "aws_security_token");
	err = source_take(s, id, secret, token, NULL);
	return err ? err : source_end(s, 0);
}

int source_credentials_file(struct source *s)
{
	return written(s, AWSCONF_CREDENTIALS);
}

int source_config_file(struct source *s)
{
	return written(s, AWSCONF_PROFILE);
}
