/* SPDX-License-Identifier: MIT */
/*
 * A server on loopback for the units of the agent: it answers its n-th request
 * with the n-th piece of a script, whatever was asked, and keeps what was asked.
 */
#ifndef TESTS_UNIT_S3_SERVER_H
#define TESTS_UNIT_S3_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEEN 64

struct reply {
	const char *text;       /* sent as it is; NULL: the script ends */
	size_t n;               /* of it; 0: strlen */
	enum { REPLY_KEEP, REPLY_CLOSE, REPLY_RESET, REPLY_HANG } then;
};

static struct {
	int fd, port;
	char url[64];
	pthread_mutex_t lock;
	const struct reply *script;
	unsigned asked, connections;
	char *seen[SEEN];       /* heads with their bodies */
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One request with its body; NULL: the other side is gone. */
static inline char *server_read(int fd)
{
	size_t n = 0, room = 65536, want = 0;
	char *text = malloc(room), *end, *length;
	ssize_t got;

	do {
		if (n + 1 == room)
			text = realloc(text, room *= 2);
		got = read(fd, text + n, room - n - 1);
		if (got <= 0) {
			free(text);
			return NULL;
		}
		text[n += (size_t)got] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = end ? strcasestr(text, "\r\nContent-Length:") : NULL;
		want = !end ? n + 1 : (size_t)(end - text) + 4 + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	} while (n < want);
	return text;
}

/* The reply to a request, as a copy whose text is to be freed: the test may be over before it is sent. */
static inline struct reply server_next(char *request)
{
	struct reply r = { .text = "HTTP/1.1 599 the script is over\r\nContent-Length: 0\r\n\r\n" };

	pthread_mutex_lock(&server.lock);
	if (server.asked < SEEN)
		server.seen[server.asked] = request;
	else
		free(request);
	if (server.script && server.script->text)
		r = *server.script++;
	r.n = r.n ? r.n : strlen(r.text);
	r.text = strndup(r.text, r.n);
	if (strstr(r.text, "\r\nConnection: close\r\n"))
		r.then = REPLY_CLOSE;
	server.asked++;
	pthread_mutex_unlock(&server.lock);
	return r;
}

static inline int server_send(int fd, const struct reply *r)
{
	ssize_t sent = 1;

	for (size_t at = 0; at < r->n && sent > 0; at += (size_t)sent)
		sent = send(fd, r->text + at, r->n - at, MSG_NOSIGNAL);
	free((void *)(uintptr_t)r->text);
	return sent > 0;
}

static inline void *server_connection(void *arg)
{
	struct linger at_once = { 1, 0 };
	int fd = (int)(intptr_t)arg, more = 1;
	char *request, byte;

	while (more && (request = server_read(fd))) {
		struct reply r = server_next(request);

		more = server_send(fd, &r) && r.then == REPLY_KEEP;
		if (r.then == REPLY_HANG)
			while (read(fd, &byte, 1) > 0)
				;
		if (r.then == REPLY_RESET)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	}
	close(fd);
	return NULL;
}

static inline void *server_accept(void *arg)
{
	pthread_t t;
	int fd;

	while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&server.lock);
		server.connections++;
		pthread_mutex_unlock(&server.lock);
		pthread_create(&t, NULL, server_connection, (void *)(intptr_t)fd);
		pthread_detach(t);
	}
	return arg;
}

static inline int server_begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	pthread_t t;

	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (struct sockaddr *)&a, n) || listen(server.fd, 1000) ||
	    getsockname(server.fd, (struct sockaddr *)&a, &n))
		return -1;
	server.port = ntohs(a.sin_port);
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%d", server.port);
	return pthread_create(&t, NULL, server_accept, NULL);
}

static inline void server_script(const struct reply *script)
{
	pthread_mutex_lock(&server.lock);
	for (unsigned i = 0; i < SEEN; i++) {
		free(server.seen[i]);
		server.seen[i] = NULL;
	}
	server.script = script;
	server.asked = server.connections = 0;
	pthread_mutex_unlock(&server.lock);
}

static inline unsigned server_asked(void)
{
	pthread_mutex_lock(&server.lock);
	unsigned n = server.asked;
	pthread_mutex_unlock(&server.lock);
	return n;
}

/* The n-th request has this in its head or body. */
static inline int server_saw(unsigned n, const char *text)
{
	pthread_mutex_lock(&server.lock);
	int yes = n < server.asked && n < SEEN && server.seen[n] && strcasestr(server.seen[n], text);
	pthread_mutex_unlock(&server.lock);
	return yes;
}

#endif
