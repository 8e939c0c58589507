/* SPDX-License-Identifier: MIT */
/*
 * An HTTP server of the test's own on loopback: a thread that answers one
 * request after the other by a function of the test, and keeps what was asked.
 */
#ifndef TESTS_UNIT_S3_SCRIPTED_H
#define TESTS_UNIT_S3_SCRIPTED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct scripted {
	int fd;
	pthread_t thread;
	char url[64];                   /* http://127.0.0.1:PORT */
	/* the answer to a request: "STATUS\nbody", for free; NULL: the connection is closed without one */
	char *(*answer)(const char *request, void *arg);
	void *arg;
	pthread_mutex_t lock;           /* held in answer, and to change what it looks at */
	unsigned requests;
	char last[65536];               /* the last request, with its body */
};

static int scripted_read(int c, char *to, size_t room)
{
	size_t n = 0, want = 0;
	char *end = NULL, *len;
	ssize_t r;

	while (n < room - 1 && (!end || n < want) && (r = read(c, to + n, room - 1 - n)) > 0) {
		n += (size_t)r;
		to[n] = 0;
		end = strstr(to, "\r\n\r\n");
		len = strcasestr(to, "\r\ncontent-length:");
		if (end)
			want = (size_t)(end - to) + 4 + (len && len < end ? (size_t)atol(len + 17) : 0);
	}
	return end && n >= want;
}

static void scripted_one(struct scripted *s, int c)
{
	static char text[65536];
	char head[160], *a, *body;

	if (!scripted_read(c, text, sizeof(text)))
		return;
	pthread_mutex_lock(&s->lock);
	s->requests++;
	strcpy(s->last, text);
	a = s->answer(text, s->arg);
	pthread_mutex_unlock(&s->lock);
	if (!a)
		return;
	body = strchr(a, '\n');
	*body++ = 0;
	snprintf(head, sizeof(head), "HTTP/1.1 %s X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", a, strlen(body));
	if (write(c, head, strlen(head)) < 0 || write(c, body, strlen(body)) < 0)
		perror("scripted server");
	free(a);
}

static void *scripted_run(void *arg)
{
	struct scripted *s = arg;
	int c;

	while ((c = accept(s->fd, NULL, NULL)) >= 0) {
		scripted_one(s, c);
		close(c);
	}
	return NULL;
}

static void scripted_start(struct scripted *s, char *(*answer)(const char *request, void *arg), void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	*s = (struct scripted){ .answer = answer, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) || listen(s->fd, 1000) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) || pthread_create(&s->thread, NULL, scripted_run, s))
		abort();
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(a.sin_port));
}

static void scripted_stop(struct scripted *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static inline unsigned scripted_requests(struct scripted *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Counts from 0 again. */
static inline void scripted_reset(struct scripted *s)
{
	pthread_mutex_lock(&s->lock);
	s->requests = 0;
	pthread_mutex_unlock(&s->lock);
}

/* The last request has this in it. */
static inline int scripted_saw(struct scripted *s, const char *text)
{
	int found;

	pthread_mutex_lock(&s->lock);
	found = strstr(s->last, text) != NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

#endif
