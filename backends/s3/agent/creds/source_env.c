/* SPDX-License-Identifier: MIT */
/* Credentials in AWS_ACCESS_KEY_ID and its kin. */
#include "source.h"

int source_environment(struct source *s)
{
	const char *id = aws_env("AWS_ACCESS_KEY_ID"), *secret = aws_env("AWS_SECRET_ACCESS_KEY");
	const char *token = aws_env("AWS_SESSION_TOKEN");
	int err;

	if (!id && !secret)
		return 0;
	if (!id || !secret)
		return source_fail(s, "environment: %s is set, but %s is not",
				   id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
				   id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	source_from(s, "environment");
	err = source_take(s, id, secret, token ? token : aws_env("AWS_SECURITY_TOKEN"),
			  aws_env("AWS_CREDENTIAL_EXPIRATION"));
	return err ? err : source_end(s, 0);
}
