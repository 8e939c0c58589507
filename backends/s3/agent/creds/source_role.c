/* SPDX-License-Identifier: MIT */
/* A profile's role, assumed with the credentials of another profile or of the host. */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEP 8                          /* roles that lead to roles */

static int with_source(struct source *s, const struct cred_set *g)
{
	const char *external = source_setting(s, "external_id"), *duration = source_setting(s, "duration_seconds");
	const struct sigv4_key key = { .id = g->id, .secret = g->secret, .token = *g->token ? g->token : NULL };
	struct sigv4_param p[6] = { { "Action", "AssumeRole" }, { "Version", "2011-06-15" } };
	char session[65];
	size_t n = 2;

	p[n++] = (struct sigv4_param){ "RoleArn", source_setting(s, "role_arn") };
	p[n++] = (struct sigv4_param){ "RoleSessionName", source_session(session, source_setting(s, "role_session_name")) };
	if (external)
		p[n++] = (struct sigv4_param){ "ExternalId", external };
	if (duration)
		p[n++] = (struct sigv4_param){ "DurationSeconds", duration };
	source_from(s, "role %.200s of profile %.64s, by %.160s", source_setting(s, "role_arn"), s->profile, g->from);
	return source_sts(s, p, n, &key);
}

static void have_source(struct source *child, int err)
{
	struct source *s = child->arg;
	int r = err ? source_fail(s, "role %.160s of profile %.64s: %s", source_setting(s, "role_arn"), s->profile,
				  child->got.from)
		    : with_source(s, &child->got);

	source_free(child);
	if (r <= 0)
		source_end(s, r);
}

/* Whether its role is on the way to `s` already. */
static int comes_back(const struct source *s, const char *profile)
{
	int deep = 0;

	for (; s; s = s->parent)
		if (deep++ == DEEP || !strcmp(s->profile, profile))
			return 1;
	return 0;
}

static int ask(struct source *s, const char *profile, unsigned of, const char *only)
{
	struct source *child = source_new(s->conf, profile, of);

	if (!child)
		return source_fail(s, "no memory");
	child->only = only;
	child->site = s->site;
	child->parent = s;
	child->done = have_source;
	child->arg = s;
	source_from(s, "role %.200s of profile %.64s", source_setting(s, "role_arn"), s->profile);
	source_start(child);
	return 1;
}

/* Of itself it takes what is written there. */
static int ask_profile(struct source *s, const char *other)
{
	if (!awsconf_has_profile(s->conf, other))
		return source_fail(s, "source_profile %.64s of profile %.64s does not exist", other, s->profile);
	if (!strcmp(other, s->profile))
		return ask(s, other, OF_PROFILE, NULL);
	if (comes_back(s, other))
		return source_fail(s, "source_profile %.64s of profile %.64s comes back to itself", other, s->profile);
	return ask(s, other, OF_PROFILE | OF_ROLE, NULL);
}

static int ask_host(struct source *s, const char *name)
{
	static const char *const names[] = { "Environment", "EcsContainer", "Ec2InstanceMetadata" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return ask(s, s->profile, 0, names[i]);
	return source_fail(s, "credential_source %.64s of profile %.64s is none of Environment, EcsContainer, "
			   "Ec2InstanceMetadata", name, s->profile);
}

int source_role(struct source *s)
{
	const char *profile = source_setting(s, "source_profile"), *host = source_setting(s, "credential_source");

	if (!source_setting(s, "role_arn") || source_setting(s, "web_identity_token_file"))
		return 0;
	if (!profile == !host)
		return source_fail(s, "profile %.64s has a role_arn, and %s of source_profile and credential_source",
				   s->profile, profile ? "both" : "neither");
	if (source_setting(s, "mfa_serial"))
		return source_fail(s, "role of profile %.64s: mfa_serial needs a code typed in; use a credential_process, "
				   "or a session of aws sts get-session-token", s->profile);
	return profile ? ask_profile(s, profile) : ask_host(s, host);
}
