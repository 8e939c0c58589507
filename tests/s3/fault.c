/* SPDX-License-Identifier: MIT */
/*
 * fault [-p PORT] [-t PORT -c CERTIFICATE -k KEY] ID:SECRET...
 *
 * Serves on 127.0.0.1, and by TLS with -t; port 0 is any that is free. Prints
 * both, a line each. fault_rules.c says how it is commanded.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"

static SSL_CTX *tls;
static atomic_ulong connections;

/* Signed well enough, and by whom it may. */
static bool allowed(struct request *q, struct answer *a)
{
	char why[256];
	if (!header_of(q, "authorization") && strcmp(set.anonymous, "on") == 0)
		return true;
	const char *err = sign_check(q, set.region, server_now(), why);
	if (!err)
		return true;
	bool bad = strcmp(err, "AuthorizationHeaderMalformed") == 0 || strcmp(err, "ExpiredToken") == 0 ||
		   strcmp(err, "XAmzContentSHA256Mismatch") == 0 || strcmp(err, "InvalidToken") == 0;
	answer_error(a, strcmp(err, "NotImplemented") == 0 ? 501 : bad ? 400 : 403, err, why);
	if (strstr(why, "expecting"))
		text_print(&a->extra, "x-amz-bucket-region: %s\r\n", set.region);
	return false;
}

/* Content-MD5, where there is one, is the body's. */
static bool intact(struct request *q, struct answer *a)
{
	const char *md5 = header_of(q, "content-md5");
	unsigned char raw[64] = "";
	char hex[33];
	if (!md5)
		return true;
	if (strlen(md5) == 24 && EVP_DecodeBlock(raw, (const unsigned char *)md5, 24) == 18) {
		for (int i = 0; i < 16; i++)
			sprintf(hex + 2 * i, "%02x", raw[i]);
		if (strcmp(hex, q->md5) == 0)
			return true;
	}
	answer_error(a, 400, "BadDigest", "Content-MD5");
	return false;
}

/* The call itself, with the store's lock. */
static void perform(struct request *q, struct answer *a)
{
	pthread_mutex_lock(&store_lock);
	if (q->rule && q->rule->fault->when == FIRST)
		q->rule->fault->fn(q, a, q->rule->arg);
	if (*q->bucket && strcmp(q->call->name, "CreateBucket") != 0 && !store_bucket(q->bucket, false))
		answer_error(a, 404, "NoSuchBucket", q->bucket);
	else
		q->call->fn(q, a);
	pthread_mutex_unlock(&store_lock);
}

static bool is_data(const struct request *q)
{
	return strcmp(q->call->name, "PutObject") == 0 || strcmp(q->call->name, "UploadPart") == 0;
}

/* 0, or -1: the connection is over. */
static int answer_to(struct request *q, struct answer *a)
{
	const struct fault *f;
	if (strcmp(q->bucket, "-") == 0) {
		if (request_body(q, true) < 0)
			return -1;
		control(q, a);
		return answer_send(q->c, a);
	}
	q->call = call_of(q);
	if (!q->call) {
		answer_error(a, 405, "MethodNotAllowed", q->method);
		a->close = true;
		return answer_send(q->c, a);
	}
	q->rule = rule_for(q);
	f = q->rule ? q->rule->fault : NULL;
	if (f && f->when == EARLY) {
		f->fn(q, a, q->rule->arg);
		return answer_send(q->c, a);
	}
	if (request_body(q, !(is_data(q) && strcmp(set.discard, "on") == 0)) < 0)
		return -1;
	if (!allowed(q, a) || !intact(q, a) || !sum_intact(q, a))
		return answer_send(q->c, a);
	if (f && f->when == INSTEAD)
		f->fn(q, a, q->rule->arg);
	else
		perform(q, a);
	if (f && f->when == AFTER)
		f->fn(q, a, q->rule->arg);
	return answer_send(q->c, a);
}

static int one(struct conn *c, struct request *q, unsigned long number)
{
	struct answer a = { .status = 200, .length = -1, .stop_at = ALL, .flip = -1, .delay_ms = set.delay_ms };
	int got = request_read(c, q, &a), err = -1;
	q->number = number;
	a.head_only = q->method && strcmp(q->method, "HEAD") == 0;
	bool logged = got > 0 && strcmp(q->bucket, "-") != 0;
	if (logged)
		log_begin(&a);
	if (got > 0)
		err = answer_to(q, &a);
	else if (got < 0)
		answer_send(c, &a);
	if (logged)
		log_request(q, &a);
	if (a.data)
		data_put(a.data);
	if (q->body)
		data_put(q->body);
	free(a.body.p);
	free(a.extra.p);
	return err;
}

static void *serve(void *arg)
{
	struct conn *c = arg;
	struct request *q = calloc(1, sizeof(*q));
	unsigned long number = ++connections;
	if (!c->tls || SSL_accept(c->tls) == 1) {
		while (one(c, q, number) == 0)
			;
	}
	if (c->tls)
		SSL_free(c->tls);
	close(c->fd);
	free(q);
	free(c);
	return NULL;
}

static int listener(int port, const char *scheme)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 1000) < 0) {
		perror("fault");
		exit(1);
	}
	getsockname(fd, (struct sockaddr *)&at, &len);
	printf("%s %d\n", scheme, ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void greet(int at, bool secure)
{
	struct conn *c = calloc(1, sizeof(*c));
	pthread_t t;
	pthread_attr_t attr;
	c->fd = accept4(at, NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0) {
		free(c);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (secure) {
		c->tls = SSL_new(tls);
		SSL_set_fd(c->tls, c->fd);
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 << 10);
	if (pthread_create(&t, &attr, serve, c) != 0) {
		perror("fault: thread");
		close(c->fd);
	}
}

static void certificate(const char *cert, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "fault: %s or %s\n", cert, key);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *cert = NULL, *key = NULL;
	int opt, port = 0, tls_port = -1;
	while ((opt = getopt(argc, argv, "p:t:c:k:")) > 0) {
		switch (opt) {
		case 'p': port = atoi(optarg); break;
		case 't': tls_port = atoi(optarg); break;
		case 'c': cert = optarg; break;
		case 'k': key = optarg; break;
		default: return 2;
		}
	}
	for (; optind < argc; optind++) {
		char *colon = strchr(argv[optind], ':');
		if (!colon)
			return 2;
		*colon = '\0';
		sign_allow(argv[optind], colon + 1, "");
	}
	signal(SIGPIPE, SIG_IGN);
	if (tls_port >= 0)
		certificate(cert, key);
	struct pollfd p[2] = { { .fd = listener(port, "http"), .events = POLLIN },
			       { .fd = tls_port < 0 ? -1 : listener(tls_port, "https"), .events = POLLIN } };
	while (poll(p, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			if (p[i].revents)
				greet(p[i].fd, i);
		}
	}
	return 1;
}
