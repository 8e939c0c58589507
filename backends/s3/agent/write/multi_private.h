/* SPDX-License-Identifier: MIT */
/*
 * What the files of multipart uploads share: multi.c says what is to be sent,
 * multi_parts.c sends it, multi_upload.c begins and aborts uploads.
 */
#ifndef S3_AGENT_MULTI_PRIVATE_H
#define S3_AGENT_MULTI_PRIVATE_H

#include "body.h"
#include "multi.h"

enum { WANTED, SENDING, SENT };

struct piece {
	struct part part;
	int state;
	int again;                      /* it changed while it was sent */
	char etag[S3_ETAG_MAX], crc[SUM_CRC_TEXT];
	uint64_t sum;                   /* its CRC, if crc is not "" */
};

struct multi {
	struct stage *st;
	struct multi *prev, *next;
	struct piece *piece;
	int n;
	int planned;                    /* else at fixed places, growing with the file */
	int created;                    /* st->j->upload is its id */
	enum sum_crc kind;
	int crc;                        /* parts have that checksum, */
	int full;                       /* and the whole of them has, too */
	int sending;
	int err;
	char *stored;                   /* the metadata it was begun with, but for */
	char stamp[80];
	void (*done)(void *arg, int err);       /* publishing */
	void *arg;
	struct s3_request *create;
	struct send *sends;
};

/* A part on its way. */
struct send {
	struct multi *m;
	struct send *prev, *next;
	int number;                     /* from 0 */
	int64_t len;
	struct body body;
	struct s3_request *r;
	char text[16];
	struct copy_range *copy;
};

/* multi_parts.c */
/* Sends what may be sent; calls m->done when that was all. */
void multi_pump(struct multi *m);
/* It can't go on: whoever waits is told; a stream's error is told at the next write. */
void multi_fail(struct multi *m, int err);
/* Takes back what is on its way. */
void multi_cancel_sends(struct multi *m);

/* multi_upload.c: CreateMultipartUpload; then m->created and multi_pump, or multi_fail. */
void multi_create(struct multi *m, const struct meta *meta);

/* multi.c: all there are. */
extern struct multi *multi_all;

#endif
