/* SPDX-License-Identifier: MIT */
/* The role of an EC2 machine, from its metadata service: version 2 only, since version 1 answers a forged request too. */
#include "source.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLES "latest/meta-data/iam/security-credentials/"

/* Never through a proxy. Elsewhere than on EC2 nobody answers, and programs wait for it. */
static struct http_site near = { .proxy = (char []){ "" } };

struct machine {
	char base[256], token[512], role[128];
};

static struct source_call *get(struct source *s, const char *path)
{
	const struct machine *m = s->state;
	struct source_call *c = source_request(s, &near, "GET", "%s" ROLES "%s", m->base, path);

	if (c)
		source_header(c, "x-aws-ec2-metadata-token", m->token);
	return c;
}

static int take(struct source *s, const json_t *j)
{
	const char *code = source_json_text(j, "Code");

	if (code && strcmp(code, "Success"))
		return source_fail(s, "instance metadata: role %.100s: %.60s", ((struct machine *)s->state)->role, code);
	source_from(s, "role %.100s of this machine", ((struct machine *)s->state)->role);
	return source_take_json(s, j, "Token");
}

static int have_credentials(struct source *s, int status)
{
	json_t *j;
	int err;

	if (status != 200)
		return source_refused(s, "instance metadata", status);
	j = source_json(s, "instance metadata", s->call->answer, s->call->len);
	err = j ? take(s, j) : -EACCES;
	source_json_free(j);
	return err ? err : source_end(s, 0);
}

/* The answer's first line as a string of its own; 0 if it is none that a URL or header may have. */
static int first_line(const struct source_call *c, char *to, size_t room)
{
	size_t n = strcspn(c->answer, "\r\n");

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)c->answer[i] <= ' ' || c->answer[i] == 0x7f)
			return 0;
	return n && snprintf(to, room, "%.*s", (int)n, c->answer) < (int)room;
}

static int have_role(struct source *s, int status)
{
	struct machine *m = s->state;

	if (status == 404)
		return source_none(s, "this machine has no role");
	if (status != 200 || !first_line(s->call, m->role, sizeof(m->role)))
		return source_refused(s, "instance metadata", status);
	return get(s, m->role) ? source_send(s, have_credentials) : -EACCES;
}

static int have_token(struct source *s, int status)
{
	struct machine *m = s->state;

	if (!status)
		return source_none(s, s->call->http.error);
	if (status != 200 || !first_line(s->call, m->token, sizeof(m->token)))
		return source_refused(s, "instance metadata", status);
	return get(s, "") ? source_send(s, have_role) : -EACCES;
}

static unsigned number(const struct source *s, const char *name, unsigned usual)
{
	const char *v = aws_setting(s->conf, s->profile, name);
	long n = v ? strtol(v, NULL, 10) : 0;

	return n > 0 && n <= 3600 ? (unsigned)n : usual;
}

static void set_base(const struct source *s, struct machine *m)
{
	const char *url = aws_setting(s->conf, s->profile, "ec2_metadata_service_endpoint");
	const char *mode = aws_setting(s->conf, s->profile, "ec2_metadata_service_endpoint_mode");

	if (!url)
		url = mode && !strcasecmp(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
	snprintf(m->base, sizeof(m->base), "%s%s", url, *url && url[strlen(url) - 1] == '/' ? "" : "/");
}

int source_machine(struct source *s)
{
	struct source_call *c;
	struct machine *m;

	if (aws_is_true(aws_env("AWS_EC2_METADATA_DISABLED")))
		return 0;
	m = source_state(s, sizeof(*m));
	if (!m)
		return source_fail(s, "no memory");
	set_base(s, m);
	near.connect_ms = near.stall_ms = near.total_ms = 1000 * number(s, "metadata_service_timeout", 1);
	c = source_request(s, &near, "PUT", "%slatest/api/token", m->base);
	if (!c)
		return -EACCES;
	c->tries = number(s, "metadata_service_num_attempts", 1);
	source_header(c, "x-aws-ec2-metadata-token-ttl-seconds", "21600");
	return source_send(s, have_token);
}
