/* SPDX-License-Identifier: MIT */
/*
 * What a program that does nothing else gets from libcurl's multi interface
 * when it uploads: what writing through the shim is measured against.
 *
 *      s3_upload parts PART CONNECTIONS SIZE URL     one object of SIZE bytes, by parts
 *      s3_upload put BYTES COUNT URL                 URL-1, URL-2, ..., one after the other
 *      s3_upload change PART CONNECTIONS SIZE URL    an object of SIZE bytes by copies of its own parts, but for
 *                                                    the last one, which is sent
 *      s3_upload move 1 /BUCKET/KEY URL              copied there, and deleted
 *      s3_upload write BYTES COUNT PATH              the same as files, without libcurl
 *
 * Signed if AWS_ACCESS_KEY_ID is set; with BENCH_MD5 each body has a
 * Content-MD5, as the shim's have where the server knows no CRC32C. Prints
 * seconds, seconds of processor time, and bytes. The bytes are a buffer's.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "s3_curl.h"

struct one {
	CURL *easy;
	struct curl_slist *headers;
	size_t at, len;                 /* of the body */
	int number;
	char source[1024], range[64];   /* what is copied instead of a body: "/bucket/key" */
	char etag[100];
	char text[4096];                /* the answer's body */
	size_t got;
};

static char *data;

static size_t give(char *to, size_t size, size_t n, void *arg)
{
	struct one *o = arg;

	n *= size;
	if (n > o->len - o->at)
		n = o->len - o->at;
	memcpy(to, data + o->at, n);
	o->at += n;
	return n;
}

static size_t take(char *p, size_t size, size_t n, void *arg)
{
	struct one *o = arg;

	n *= size;
	if (o->got + n < sizeof o->text)
		memcpy(o->text + o->got, p, n), o->got += n;
	return n;
}

static size_t header(char *p, size_t size, size_t n, void *arg)
{
	struct one *o = arg;

	if (n * size > 6 && n * size < 90 && !strncasecmp(p, "etag: ", 6))
		snprintf(o->etag, sizeof o->etag, "%.*s", (int)(n * size - 8), p + 6);
	return n * size;
}

static void sum(struct one *o)
{
	unsigned char md5[16];
	char text[32];

	if (!getenv("BENCH_MD5") || !o->len)
		return;
	EVP_Digest(data, o->len, md5, NULL, EVP_md5(), NULL);
	EVP_EncodeBlock((unsigned char *)text, md5, 16);
	o->headers = add_header(o->headers, "content-md5", text);
}

/* text NULL: len bytes of the buffer are the body. */
static void start(struct one *o, const char *method, const char *url, const char *query, size_t len, const char *text)
{
	struct http h = { .method = method, .url = url };
	char whole[4096];

	snprintf(whole, sizeof whole, "%s%s%s", url, *query ? "?" : "", query);
	curl_slist_free_all(o->headers);
	o->headers = curl_slist_append(NULL, "Expect:");
	o->at = o->got = 0;
	o->len = len;
	curl_easy_reset(o->easy);
	curl_easy_setopt(o->easy, CURLOPT_URL, whole);
	curl_easy_setopt(o->easy, CURLOPT_FAILONERROR, 1l);
	curl_easy_setopt(o->easy, CURLOPT_PRIVATE, o);
	curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(o->easy, CURLOPT_WRITEDATA, o);
	curl_easy_setopt(o->easy, CURLOPT_HEADERFUNCTION, header);
	curl_easy_setopt(o->easy, CURLOPT_HEADERDATA, o);
	curl_easy_setopt(o->easy, CURLOPT_UPLOAD_BUFFERSIZE, 512l << 10);
	if (strcmp(method, "DELETE") == 0) {
		curl_easy_setopt(o->easy, CURLOPT_CUSTOMREQUEST, method);
	} else if (text) {
		curl_easy_setopt(o->easy, CURLOPT_POSTFIELDS, text);
	} else {
		curl_easy_setopt(o->easy, CURLOPT_UPLOAD, 1l);
		curl_easy_setopt(o->easy, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(o->easy, CURLOPT_READDATA, o);
		curl_easy_setopt(o->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
		sum(o);
	}
	if (*o->source)
		h.header[h.headers++] = (struct http_header){ "x-amz-copy-source", o->source };
	if (*o->range)
		h.header[h.headers++] = (struct http_header){ "x-amz-copy-source-range", o->range };
	o->headers = add_signature(o->headers, &h, query, SIGV4_UNSIGNED);
	curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->headers);
	curl_multi_add_handle(multi, o->easy);
	bytes += (long long)len;
}

static struct {
	const char *url;
	long long len, size;            /* of a part, of all */
	int count, copies;
	char id[1024];
} upload;

static const char *path_of(const char *url)
{
	return strchr(strstr(url, "//") + 2, '/');
}

/* The next one, from 0 on. */
static void part(struct one *o, int i)
{
	long long at = upload.len * i, end = i == upload.count - 1 ? upload.size : at + upload.len;
	int copied = i < upload.copies;
	char query[2048];

	o->number = i + 1;
	o->source[0] = o->range[0] = 0;
	if (copied) {
		snprintf(o->source, sizeof o->source, "%s", path_of(upload.url));
		snprintf(o->range, sizeof o->range, "bytes=%lld-%lld", at, end - 1);
	}
	snprintf(query, sizeof query, "partNumber=%d&uploadId=%s", i + 1, upload.id);
	start(o, "PUT", upload.url, query, copied ? 0 : (size_t)(end - at), NULL);
}

/* A part's, or a copied one's. */
static void keep_etag(const struct one *o, char etag[100])
{
	const char *from = *o->source ? strstr(o->text, "<ETag>") : NULL;

	if (from)
		snprintf(etag, 100, "%.*s", (int)strcspn(from + 6, "<"), from + 6);
	else
		strcpy(etag, o->etag);
}

/* The id of a new upload, encoded. */
static void create(struct one *o, const char *url, char id[1024])
{
	char *from, *to;

	start(o, "POST", url, "uploads=", 0, "");
	wait_one();
	o->text[o->got] = 0;
	from = strstr(o->text, "<UploadId>");
	to = from ? strstr(from, "</UploadId>") : NULL;
	if (!to)
		fail("no upload");
	*to = 0;
	if (sigv4_encode(id, 1024, from + 10, strlen(from + 10), 0) < 0)
		fail("the upload's id is too long");
}

static void parts(long long len, int n, long long size, const char *url, int copied)
{
	struct one *all = calloc((size_t)n, sizeof *all);
	int next = 0, live = 0;
	char (*etag)[100], query[2048], *text;
	size_t used;
	FILE *f = open_memstream(&text, &used);

	upload.url = url;
	upload.len = len;
	upload.size = size;
	upload.count = (int)((size + len - 1) / len);
	upload.copies = copied ? upload.count - 1 : 0;
	etag = calloc((size_t)upload.count, sizeof *etag);
	for (int i = 0; i < n; i++)
		all[i].easy = curl_easy_init();
	create(&all[0], url, upload.id);
	for (; live < n && next < upload.count; live++)
		part(&all[live], next++);
	for (; live; live--) {
		struct one *o = wait_one();

		o->text[o->got] = 0;
		keep_etag(o, etag[o->number - 1]);
		if (next < upload.count) {
			part(o, next++);
			live++;
		}
	}
	fputs("<CompleteMultipartUpload>", f);
	for (int i = 0; i < upload.count; i++)
		fprintf(f, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i + 1, etag[i]);
	fputs("</CompleteMultipartUpload>", f);
	fclose(f);
	snprintf(query, sizeof query, "uploadId=%s", upload.id);
	all[0].source[0] = all[0].range[0] = 0;
	start(&all[0], "POST", url, query, 0, text);
	wait_one();
}

static void move(const char *from, const char *url)
{
	struct one *o = calloc(1, sizeof *o);
	char old[2048];

	o->easy = curl_easy_init();
	snprintf(o->source, sizeof o->source, "%s", from);
	start(o, "PUT", url, "", 0, NULL);
	wait_one();
	o->source[0] = 0;
	snprintf(old, sizeof old, "%.*s%s", (int)(path_of(url) - url), url, from);
	start(o, "DELETE", old, "", 0, NULL);
	wait_one();
}

static void puts_all(size_t len, int count, const char *url)
{
	struct one *o = calloc(1, sizeof *o);
	char name[2048];

	o->easy = curl_easy_init();
	for (int i = 1; i <= count; i++) {
		snprintf(name, sizeof name, "%s-%d", url, i);
		start(o, "PUT", name, "", len, NULL);
		wait_one();
	}
}

static void files(size_t len, int count, const char *path)
{
	char name[2048];

	for (int i = 1; i <= count; i++) {
		int fd;

		snprintf(name, sizeof name, "%s-%d", path, i);
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd)) {
			perror(name);
			exit(1);
		}
		bytes += (long long)len;
	}
}

int main(int argc, char **argv)
{
	double t;
	size_t most;

	if (argc < 5)
		fail("see its source");
	most = (size_t)atoll(argv[2]);
	data = malloc(most);
	memset(data, 'x', most);
	begin_curl();
	t = clock_of(CLOCK_MONOTONIC);
	if (argc == 6 && strcmp(argv[1], "parts") == 0)
		parts(atoll(argv[2]), atoi(argv[3]), atoll(argv[4]), argv[5], 0);
	else if (argc == 6 && strcmp(argv[1], "change") == 0)
		parts(atoll(argv[2]), atoi(argv[3]), atoll(argv[4]), argv[5], 1);
	else if (strcmp(argv[1], "move") == 0)
		move(argv[3], argv[4]);
	else if (strcmp(argv[1], "put") == 0)
		puts_all(most, atoi(argv[3]), argv[4]);
	else if (strcmp(argv[1], "write") == 0)
		files(most, atoi(argv[3]), argv[4]);
	else
		fail("see its source");
	print_cost(t);
	return 0;
}
