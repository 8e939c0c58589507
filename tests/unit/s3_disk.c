/* SPDX-License-Identifier: MIT */
/*
 * The directory of the disk cache: what is read from it is what was written, or
 * nothing, whatever became of its files, and it stays below its bound, with
 * several processes at work and some of them killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "read/disk_store.h"
#include "s3_bytes.h"

#define KIB 1024
#define MIB (1 << 20)
#define OBJECT (3 * MIB + 5000)

static char top[64], dir[80];
static struct disk_store *store;
static unsigned char data[OBJECT + DISK_PAGE], buf[OBJECT + DISK_PAGE];
static unsigned bad;

/* Object number n, its bytes in data. */
static struct disk_id object(unsigned n, int64_t size)
{
	char key[20];
	const char *const text[] = { "http://host", "bucket", key, "\"etag\"" };

	snprintf(key, sizeof key, "%u", n);
	bytes_at(data, 0, (size_t)size, n * 1000003u);
	return disk_id_of(text, 4, size);
}

/* How many bytes from off on are there; they are right. */
static size_t there(const struct disk_id *id, int64_t off, size_t len)
{
	size_t n = disk_read(store, id, off, len, buf, &bad);

	assert_true(n <= len);
	assert_memory_equal(buf, data + off, n);
	return n;
}

static int begin(void **state)
{
	(void)state;
	strcpy(top, "/dev/shm/shim-disk.XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof dir, "%s/a/b", top);
	store = disk_store_open(dir, 64 * MIB);
	assert_non_null(store);
	bad = 0;
	return 0;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	disk_store_close(store);
	snprintf(command, sizeof command, "rm -rf '%s'", top);
	return system(command);
}

/* Calls fn for each file of objects. */
static void each(void (*fn)(const char *path, const struct stat *st))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[400];
	struct stat st;

	assert_non_null(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (strlen(e->d_name) > 32 && stat(path, &st) == 0)
			fn(path, &st);
	}
	closedir(d);
}

static int64_t bytes;
static unsigned files;

static void add(const char *path, const struct stat *st)
{
	(void)path;
	bytes += st->st_blocks * 512;
	files++;
}

static int64_t taken(void)
{
	bytes = files = 0;
	each(add);
	return bytes;
}

static void what_is_written_is_read(void **state)
{
	struct disk_id id = object(1, OBJECT), other = object(2, OBJECT);

	(void)state;
	object(1, OBJECT);
	assert_int_equal(there(&id, 0, OBJECT), 0);
	assert_int_equal(disk_write(store, &id, 0, OBJECT, data), 0);
	assert_int_equal(there(&id, 0, OBJECT), OBJECT);
	assert_int_equal(there(&id, 0, OBJECT + 100), OBJECT);
	assert_int_equal(there(&id, MIB - DISK_PAGE, 2 * DISK_PAGE + 17), 2 * DISK_PAGE + 17);
	assert_int_equal(there(&id, 3 * MIB, 100000), 5000);
	assert_int_equal(there(&id, 100, 100), 0);      /* not at a page */
	assert_int_equal(disk_read(store, &other, 0, MIB, buf, &bad), 0);
	disk_forget(store, &id);
	assert_int_equal(there(&id, 0, OBJECT), 0);
	assert_int_equal(bad, 0);
}

/* Whole pages only, but for the object's last. */
static void parts_are_pages(void **state)
{
	struct disk_id id = object(1, OBJECT);

	(void)state;
	assert_int_equal(disk_write(store, &id, 5000, 10000, data + 5000), 0);
	assert_int_equal(there(&id, 4096, 4096), 0);
	assert_int_equal(there(&id, 8192, 8192), 4096);
	assert_int_equal(disk_write(store, &id, 100, 200, data + 100), 0);
	assert_int_equal(there(&id, 0, 4096), 0);
	assert_int_equal(disk_write(store, &id, 2 * MIB - 8192, MIB + 8192 + 5000, data + 2 * MIB - 8192), 0);
	assert_int_equal(there(&id, 2 * MIB - 8192, MIB + 20000), MIB + 8192 + 5000);
	assert_int_equal(there(&id, 2 * MIB - 12288, MIB), 0);
	assert_int_equal(disk_write(store, &id, 0, 2 * MIB, data), 0);
	assert_int_equal(there(&id, 0, OBJECT), OBJECT);
	assert_int_equal(bad, 0);
}

static char only[400];

static void remember(const char *path, const struct stat *st)
{
	(void)st;
	strcpy(only, path);
}

static void put_file(const void *p, size_t n)
{
	int fd = open(only, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static size_t get_file(unsigned char *p, size_t room)
{
	int fd = open(only, O_RDONLY);
	ssize_t n = read(fd, p, room);

	assert_true(n > 0 && (size_t)n < room);
	close(fd);
	return (size_t)n;
}

/* Four pages and a bit in one file, every byte of it wrong once; it is noticed where it matters. */
static void any_byte_may_be_wrong(void **state)
{
	static unsigned char file[8 * DISK_PAGE];
	const size_t size = 3 * DISK_PAGE + 50;
	struct disk_id id = object(1, (int64_t)size);
	size_t n;

	(void)state;
	assert_int_equal(disk_write(store, &id, 0, size, data), 0);
	each(remember);
	n = get_file(file, sizeof file);
	for (size_t i = 0; i < n; i++) {
		size_t got;

		file[i] ^= (unsigned char)(1 << i % 8);
		bad = 0;
		put_file(file, n);
		got = there(&id, 0, size);
		if (i >= DISK_PAGE)
			assert_int_equal(got, (i - DISK_PAGE) / DISK_PAGE * DISK_PAGE);
		if (got < size)
			assert_int_equal(bad, 1);
		assert_int_equal(access(only, F_OK) == 0, !bad);
		file[i] ^= (unsigned char)(1 << i % 8);
	}
	put_file(file, n);
	assert_int_equal(there(&id, 0, size), size);
	/* cut short anywhere */
	for (size_t i = 0; i < n; i += 7) {
		put_file(file, i);
		assert_true(there(&id, 0, size) < size);
	}
	/* and what was damaged is written again */
	put_file("garbage", 7);
	assert_int_equal(disk_write(store, &id, 0, size, data), 0);
	assert_int_equal(there(&id, 0, size), size);
}

/* The files of another object, or of another place, under its name. */
static void names_are_not_believed(void **state)
{
	struct disk_id one = object(1, OBJECT), two = object(2, OBJECT);
	char path[500];

	(void)state;
	assert_int_equal(disk_write(store, &two, 0, MIB, data), 0);
	each(remember);
	strcpy(path, only);
	object(1, OBJECT);
	assert_int_equal(disk_write(store, &one, 0, MIB, data), 0);
	assert_int_equal(unlink(path), 0);
	each(remember);
	assert_int_equal(rename(only, path), 0);
	object(2, OBJECT);
	assert_int_equal(there(&two, 0, MIB), 0);
	assert_int_equal(bad, 1);
	object(1, OBJECT);
	assert_int_equal(disk_write(store, &one, 0, MIB, data), 0);
	snprintf(path, sizeof path, "%.390s1", only);   /* ...-0 to ...-1 */
	path[strlen(path) - 2] = '1';
	path[strlen(path) - 1] = 0;
	assert_int_equal(rename(only, path), 0);
	assert_int_equal(there(&one, MIB, MIB), 0);
	assert_int_equal(bad, 2);
}

static void links_and_others_directories_are_refused(void **state)
{
	struct disk_id id = object(1, OBJECT);
	char path[100];

	(void)state;
	snprintf(path, sizeof path, "%s/link", top);
	assert_int_equal(symlink(dir, path), 0);
	assert_null(disk_store_open(path, MIB));
	assert_int_equal(chmod(dir, 0750), 0);
	assert_null(disk_store_open(dir, MIB));
	assert_int_equal(errno, EPERM);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(disk_write(store, &id, 0, MIB, data), 0);
	each(remember);
	snprintf(path, sizeof path, "%s/target", top);
	assert_int_equal(rename(only, path), 0);
	assert_int_equal(symlink(path, only), 0);
	assert_int_equal(there(&id, 0, MIB), 0);
	assert_true(disk_write(store, &id, 0, MIB, data) < 0);
	assert_int_equal(unlink(only), 0);
	assert_int_equal(mkfifo(only, 0600), 0);
	assert_int_equal(there(&id, 0, MIB), 0);        /* and does not wait */
	assert_true(disk_write(store, &id, 0, MIB, data) < 0);
}

static void make_old(const char *path, const struct stat *st)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000 } };

	(void)st;
	utimensat(AT_FDCWD, path, times, 0);
}

static void the_bound_holds_and_what_is_used_stays(void **state)
{
	struct disk_id used = object(0, 3 * MIB);

	(void)state;
	disk_store_close(store);
	store = disk_store_open(dir, 16 * MIB);
	assert_int_equal(disk_write(store, &used, 0, 3 * MIB, data), 0);
	for (unsigned n = 1; n < 30; n++) {
		struct disk_id id = object(n, OBJECT);
		unsigned block = n % 3;

		assert_int_equal(disk_write(store, &id, block * MIB, MIB, data + block * MIB), 0);
		assert_int_equal(there(&id, block * MIB, MIB), MIB);
		assert_true(taken() <= 16 * MIB);
		each(make_old);
		object(0, 3 * MIB);
		assert_int_equal(there(&used, 0, 3 * MIB), 3 * MIB);
	}
	assert_true(taken() >= 10 * MIB);
}

static void a_wrong_total_is_counted_again(void **state)
{
	struct disk_id id = object(1, OBJECT);
	char path[100];

	(void)state;
	disk_store_close(store);
	store = disk_store_open(dir, 16 * MIB);
	snprintf(path, sizeof path, "%s/lock", dir);
	for (unsigned n = 0; n < 20; n++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (n % 2)
			assert_int_equal(write(fd, "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16), 16);
		close(fd);
		if (n % 3 == 0)
			unlink(path);
		id = object(n, OBJECT);
		assert_int_equal(disk_write(store, &id, 0, OBJECT, data), 0);
		assert_int_equal(there(&id, 0, OBJECT), OBJECT);
		assert_true(taken() <= 16 * MIB);
	}
	assert_int_equal(disk_write(store, &id, 0, 100, data), 0);
	disk_store_close(store);
	store = disk_store_open(dir, MIB);
	assert_int_equal(disk_write(store, &id, 0, MIB, data), -E2BIG);
}

/* Files that cannot grow beyond 64 KiB. */
static void a_write_that_fails_leaves_what_is_right(void **state)
{
	struct rlimit old, little;
	struct disk_id id = object(1, OBJECT);
	size_t n;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	little = (struct rlimit){ 64 * KIB, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &little);
	assert_true(disk_write(store, &id, 0, OBJECT, data) < 0);
	n = there(&id, 0, OBJECT);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(n <= 64 * KIB);
	assert_int_equal(disk_write(store, &id, 0, OBJECT, data), 0);
	assert_int_equal(there(&id, 0, OBJECT), OBJECT);
}

static int say(const char *path, const char *fmt, unsigned id)
{
	char text[40];
	int fd = open(path, O_WRONLY), n = snprintf(text, sizeof text, fmt, id);
	ssize_t r = write(fd, text, (size_t)n);

	close(fd);
	return r == n ? 0 : -1;
}

/* A small tmpfs of its own; 0 if it may. */
static int mount_little(void)
{
	unsigned uid = geteuid();

	if (unshare(CLONE_NEWNS) &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNS) || say("/proc/self/uid_map", "%u %1$u 1", uid)))
		return -1;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", top, "tmpfs", 0, "size=2m");
}

static void on_a_full_disk(void)
{
	struct disk_id id = object(1, OBJECT);

	if (mount_little())
		_exit(77);
	store = disk_store_open(dir, 64 * MIB);
	if (!store || disk_write(store, &id, 0, OBJECT, data) != -ENOSPC)
		_exit(1);
	if (there(&id, 0, MIB) != MIB || there(&id, 2 * MIB, MIB) == MIB)
		_exit(2);
	_exit(0);
}

static void a_full_disk_is_an_error_and_no_more(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		on_a_full_disk();
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Writes and reads the same few objects as the others do, for ever or so often. */
static void worker(unsigned seed, unsigned rounds)
{
	store = disk_store_open(dir, 16 * MIB);
	for (unsigned i = 0; i < rounds; i++) {
		unsigned n = rand_r(&seed) % 9;
		struct disk_id id = object(n, OBJECT);
		int64_t off = rand_r(&seed) % (OBJECT / DISK_PAGE) * DISK_PAGE;
		size_t len = rand_r(&seed) % (2 * MIB);
		size_t got;

		len = off + (int64_t)len > OBJECT ? OBJECT - (size_t)off : len;
		if (rand_r(&seed) % 2)
			disk_write(store, &id, off, len, data + off);
		got = disk_read(store, &id, off, len, buf, &bad);
		if (memcmp(buf, data + off, got))
			_exit(1);
	}
	_exit(0);
}

static void several_at_once_some_killed(void **state)
{
	pid_t pid[4], victim;
	int status;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		if (!(pid[i] = fork()))
			worker(i + 1, often(150, 40));
	for (int i = 0; i < 30; i++) {
		const struct timespec ms = { .tv_nsec = 3000000 + i * 300000 };

		victim = fork();
		if (!victim)
			worker(100 + (unsigned)i, UINT32_MAX);
		nanosleep(&ms, NULL);
		kill(victim, SIGKILL);
		waitpid(victim, &status, 0);
		assert_true(WIFSIGNALED(status));
	}
	for (unsigned i = 0; i < 4; i++) {
		waitpid(pid[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_true(taken() <= 16 * MIB);
	for (unsigned n = 0; n < 9; n++) {
		struct disk_id id = object(n, OBJECT);

		there(&id, 0, OBJECT);
	}
}

static void notes(void **state)
{
	struct disk_id id = object(1, 0);
	static unsigned char file[2000];
	char text[20];
	size_t n;

	(void)state;
	assert_true(disk_recall(store, &id, text, sizeof text) < 0);
	assert_int_equal(disk_note(store, &id, "hello", 5), 0);
	assert_int_equal(disk_note(store, &id, "you", 3), 0);
	assert_int_equal(disk_recall(store, &id, text, sizeof text), 3);
	assert_memory_equal(text, "you", 3);
	assert_true(disk_recall(store, &id, text, 2) < 0);
	each(remember);
	n = get_file(file, sizeof file);
	for (size_t i = 0; i < n; i++) {
		int r;

		file[i] ^= 1;
		put_file(file, n);
		r = disk_recall(store, &id, text, sizeof text);
		assert_true(r < 0 || (r == 3 && !memcmp(text, "you", 3)));
		file[i] ^= 1;
	}
	for (size_t i = 0; i < n; i++) {
		int r;

		put_file(file, i);
		r = disk_recall(store, &id, text, sizeof text);
		assert_true(r < 0 || (r == 3 && !memcmp(text, "you", 3)));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(parts_are_pages),
		TEST(any_byte_may_be_wrong),
		TEST(names_are_not_believed),
		TEST(links_and_others_directories_are_refused),
		TEST(the_bound_holds_and_what_is_used_stays),
		TEST(a_wrong_total_is_counted_again),
		TEST(a_write_that_fails_leaves_what_is_right),
		TEST(a_full_disk_is_an_error_and_no_more),
		TEST(several_at_once_some_killed),
		TEST(notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
