/* SPDX-License-Identifier: MIT */
/* A role assumed with a token that somebody else (Kubernetes, an OIDC provider) writes to a file. */
#include "source.h"

#include <errno.h>
#include <stdio.h>

/* The variable goes first, as with botocore. */
static const char *setting(const struct source *s, const char *variable, const char *name)
{
	const char *v = s->of & OF_ENVIRONMENT ? aws_env(variable) : NULL;

	return v ? v : source_setting(s, name);
}

int source_web_identity(struct source *s)
{
	const char *file = setting(s, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const char *role = setting(s, "AWS_ROLE_ARN", "role_arn"), *token;
	char session[65];

	if (!file)
		return 0;
	if (!role)
		return source_fail(s, "web identity: there is a token file, but no role: set AWS_ROLE_ARN or role_arn");
	token = source_read_line(s, file);
	if (!token)
		return -EACCES;
	source_session(session, setting(s, "AWS_ROLE_SESSION_NAME", "role_session_name"));
	source_from(s, "web identity, role %.200s, token of %.200s", role, file);
	return source_sts(s, (const struct sigv4_param[]){
			{ "Action", "AssumeRoleWithWebIdentity" }, { "Version", "2011-06-15" }, { "RoleArn", role },
			{ "RoleSessionName", session }, { "WebIdentityToken", token } }, 5, NULL);
}
