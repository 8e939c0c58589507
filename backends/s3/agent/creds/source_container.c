/* SPDX-License-Identifier: MIT */
/* Credentials that the container's agent (ECS, EKS pod identity, Greengrass) hands out over HTTP. */
#include "source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

/* Never through a proxy. */
static const struct http_site near = { .proxy = (char []){ "" }, .connect_ms = 2000, .stall_ms = 2000, .total_ms = 5000 };

static int is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Others could read the token that is sent; https proves who they are. */
static int is_allowed(const char *scheme, char *host)
{
	static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost" };

	if (!strcmp(scheme, "https"))
		return 1;
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = 0;
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (!strcmp(host, hosts[i]))
			return 1;
	return is_loopback(host);
}

static int check_url(struct source *s, const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL, *scheme = NULL;
	int ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
		 !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
		 (!strcmp(scheme, "http") || !strcmp(scheme, "https")) && is_allowed(scheme, host);

	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(u);
	return ok ? 0 : source_fail(s, "container: AWS_CONTAINER_CREDENTIALS_FULL_URI: only https, or a host of the "
				    "container itself, may be asked");
}

static int answered(struct source *s, int status)
{
	json_t *j;
	int err;

	if (status != 200)
		return source_refused(s, "container", status);
	j = source_json(s, "container", s->call->answer, s->call->len);
	err = j ? source_take_json(s, j, "Token") : -EACCES;
	source_json_free(j);
	return err ? err : source_end(s, 0);
}

/* The token, read again each time since it is replaced; NULL: none, or *err. */
static const char *authorization(struct source *s, int *err)
{
	const char *file = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = file ? source_read_line(s, file) : aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");

	*err = file && !token ? -EACCES : 0;
	if (token && strpbrk(token, "\r\n"))
		*err = source_fail(s, "container: the authorization token has more than one line");
	return token;
}

int source_container(struct source *s)
{
	const char *relative = aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI"), *token;
	struct source_call *c;
	int err = 0;

	if (!relative && !full)
		return 0;
	source_from(s, "container");
	token = authorization(s, &err);
	if (!err && !relative)
		err = check_url(s, full);
	if (err)
		return err;
	c = source_request(s, &near, "GET", "%s%s", relative ? "http://169.254.170.2" : "", relative ? relative : full);
	if (!c)
		return -EACCES;
	source_header(c, "accept", "application/json");
	if (token)
		source_header(c, "authorization", token);
	return source_send(s, answered);
}
