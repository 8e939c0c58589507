/* SPDX-License-Identifier: MIT */
/*
 * What a program that does nothing else gets from libcurl's multi interface
 * when it uploads: what writing through the shim is measured against.
 *
 *      s3_upload parts PART CONNECTIONS SIZE URL     one object of SIZE bytes, by parts
 *      s3_upload put BYTES COUNT URL                 URL-1, URL-2, ..., one after the other
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
	if (text) {
		curl_easy_setopt(o->easy, CURLOPT_POSTFIELDS, text);
	} else {
		curl_easy_setopt(o->easy, CURLOPT_UPLOAD, 1l);
		curl_easy_setopt(o->easy, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(o->easy, CURLOPT_READDATA, o);
		curl_easy_setopt(o->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
		sum(o);
	}
	o->headers = add_signature(o->headers, method, url, query, SIGV4_UNSIGNED);
	curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->headers);
	curl_multi_add_handle(multi, o->easy);
	bytes += (long long)len;
}

static void part(struct one *o, const char *url, const char *id, int number, size_t len)
{
	char query[2048];

	o->number = number;
	snprintf(query, sizeof query, "partNumber=%d&uploadId=%s", number, id);
	start(o, "PUT", url, query, len, NULL);
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

static void parts(long long len, int n, long long size, const char *url)
{
	struct one *all = calloc((size_t)n, sizeof *all);
	int count = (int)((size + len - 1) / len), next = 0, live = 0;
	char (*etag)[100] = calloc((size_t)count, sizeof *etag), id[1024], query[2048], *text;
	size_t used;
	FILE *f = open_memstream(&text, &used);

	for (int i = 0; i < n; i++)
		all[i].easy = curl_easy_init();
	create(&all[0], url, id);
	for (; live < n && next < count; live++, next++)
		part(&all[live], url, id, next + 1, (size_t)(next == count - 1 ? size - len * next : len));
	for (; live; live--) {
		struct one *o = wait_one();

		strcpy(etag[o->number - 1], o->etag);
		if (next < count) {
			part(o, url, id, next + 1, (size_t)(next == count - 1 ? size - len * next : len));
			next++;
			live++;
		}
	}
	fputs("<CompleteMultipartUpload>", f);
	for (int i = 0; i < count; i++)
		fprintf(f, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i + 1, etag[i]);
	fputs("</CompleteMultipartUpload>", f);
	fclose(f);
	snprintf(query, sizeof query, "uploadId=%s", id);
	start(&all[0], "POST", url, query, 0, text);
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
		parts(atoll(argv[2]), atoi(argv[3]), atoll(argv[4]), argv[5]);
	else if (strcmp(argv[1], "put") == 0)
		puts_all(most, atoi(argv[3]), argv[4]);
	else if (strcmp(argv[1], "write") == 0)
		files(most, atoi(argv[3]), argv[4]);
	else
		fail("see its source");
	print_cost(t);
	return 0;
}
