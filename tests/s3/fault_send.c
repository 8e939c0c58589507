/* SPDX-License-Identifier: MIT */
/* Answers are sent, as whole and as soon as they are to be. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"

int conn_write(struct conn *c, const void *p, size_t n)
{
	while (n) {
		ssize_t k = c->tls ? SSL_write(c->tls, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return -1;
		p = (const char *)p + k;
		n -= k;
	}
	return 0;
}

/* RST, not FIN, when it is closed */
static void conn_reset(struct conn *c)
{
	struct linger l = { .l_onoff = 1 };
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* Waits until the client closes, at most so long. */
static void conn_stall(struct conn *c, unsigned ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	poll(&p, 1, ms);
}

void answer_error(struct answer *a, int status, const char *code, const char *message)
{
	a->status = status;
	snprintf(a->code, sizeof(a->code), "%s", code);
	a->body.n = 0;
	if (a->data)
		data_put(a->data);
	a->data = NULL;
	text_print(&a->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>", code);
	text_xml(&a->body, message, false);
	text_print(&a->body, "</Message><RequestId>0</RequestId></Error>");
}

static void head(const struct answer *a, int64_t len, struct text *t)
{
	char date[64];
	time_t now = server_now();
	struct tm tm;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	text_print(t, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: fault\r\nAccept-Ranges: bytes\r\nx-amz-request-id: 0\r\n",
		   a->status, a->status < 300 ? "OK" : "Not OK", date);
	if (*a->etag)
		text_print(t, "ETag: %s\r\n", a->etag);
	if (*a->range)
		text_print(t, "Content-Range: %s\r\n", a->range);
	if (a->length == CHUNKED)
		text_print(t, "Transfer-Encoding: chunked\r\n");
	else if (a->length != NO_LENGTH && a->status != 204 && a->status != 304)
		text_print(t, "Content-Length: %lld\r\n", (long long)(a->length >= 0 ? a->length : len));
	if (!a->data && a->body.n)
		text_print(t, "Content-Type: application/xml\r\n");
	if (a->close)
		text_print(t, "Connection: close\r\n");
	if (a->extra.n)
		text_add(t, a->extra.p, a->extra.n);
	text_print(t, "\r\n");
}

/* Who looks at the log meanwhile does not wait for it. */
static void held_up(struct answer *a, unsigned us)
{
	bool logged = a->begun;
	log_hold(a);
	usleep(us);
	if (logged)
		log_begin(a);
}

static int stop(struct conn *c, struct answer *a)
{
	if (a->stop == RESET)
		conn_reset(c);
	if (a->stop == STALL) {
		log_hold(a);
		conn_stall(c, set.stall_ms);
	}
	return -1;
}

/* Bytes [at, at + n) of the body. */
static int send_piece(struct conn *c, struct answer *a, int64_t at, size_t n, unsigned char *buf)
{
	char frame[32];
	if (a->data)
		data_read(a->data, a->off + at, buf, n);
	else
		memcpy(buf, a->body.p + at, n);
	if (a->flip >= at && a->flip < at + (int64_t)n)
		buf[a->flip - at] ^= 0xff;
	if (a->length == CHUNKED && conn_write(c, frame, sprintf(frame, "%zx\r\n", n)))
		return -1;
	if (conn_write(c, buf, n))
		return -1;
	a->sent += n;
	return a->length == CHUNKED ? conn_write(c, "\r\n", 2) : 0;
}

static int send_body(struct conn *c, struct answer *a, int64_t len)
{
	static _Thread_local unsigned char buf[65536];
	for (int64_t at = 0; at < len;) {
		int64_t n = len - at, most = a->drip ? a->drip : sizeof(buf);
		if (n > most)
			n = most;
		if (a->stop_at >= at && n > a->stop_at - at)
			n = a->stop_at - at;
		if (n && send_piece(c, a, at, n, buf))
			return -1;
		at += n;
		if (at == a->stop_at)
			return stop(c, a);
		if (a->drip && at < len)
			held_up(a, a->drip_ms * 1000);
	}
	return a->length == CHUNKED ? conn_write(c, "0\r\n\r\n", 5) : 0;
}

int answer_send(struct conn *c, struct answer *a)
{
	struct text t = { 0 };
	int64_t len = a->data ? a->len : (int64_t)a->body.n;
	if (a->length == NO_LENGTH)
		a->close = true;
	head(a, len, &t);
	if (a->delay_ms || set.delay_us)
		held_up(a, a->delay_ms * 1000 + set.delay_us);
	if (a->stop_at == BEFORE_HEAD) {
		free(t.p);
		return stop(c, a);
	}
	bool half = a->stop_at == IN_HEAD;
	int err = conn_write(c, t.p, half ? t.n / 2 : t.n);
	free(t.p);
	if (half)
		return stop(c, a);
	if (!err && !a->head_only && a->status != 204 && a->status != 304)
		err = send_body(c, a, len);
	/* what was promised and did not come would be missed for ever */
	if (!a->head_only && a->length >= 0 && a->length != len)
		a->close = true;
	return err || a->close ? -1 : 0;
}
