/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead (ahead.h): what is served, what is not, and several threads with one
 * buffer beside one that writes. What the sanitizers say is half of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ahead.h"
#include "backend.h"
#include "files/guard.h"

#define BLOCK 4096
#define BLOCKS 256
#define SIZE (128 * 1024)
#define THREADS 3

static struct generations all;
static struct generation *g = &all.of[7];
static struct ahead a;
static int fd;
static char path[] = "/var/tmp/shim-ahead.XXXXXX";

/* Every word of a block says which it is, and of which version. */
static void put(int block, uint32_t version)
{
	uint32_t *data = aligned_alloc(BLOCK, BLOCK);

	for (size_t i = 0; i < BLOCK / sizeof(*data); i += 2) {
		data[i] = (uint32_t)block;
		data[i + 1] = version;
	}
	assert_int_equal(pwrite(fd, data, BLOCK, (off_t)block * BLOCK), BLOCK);
	generation_touch(g);
	free(data);
}

static uint32_t *buffer(void)
{
	static __thread uint32_t *mine;

	if (!mine)
		mine = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mine;
}

/* The version of a block, by the buffer, or the kernel where it is not there; *ahead counts the first. */
static uint32_t look(int block, int *ahead)
{
	uint32_t *data = buffer();
	ssize_t r = ahead_pread(&a, g, SIZE, fd, data, BLOCK, (off_t)block * BLOCK);

	*ahead += r != BE_NATIVE;
	if (r == BE_NATIVE)
		r = pread(fd, data, BLOCK, (off_t)block * BLOCK);
	assert_int_equal(r, BLOCK);
	assert_int_equal(data[0], block);
	assert_memory_equal(data, data + 2, BLOCK - 8);
	return data[1];
}

static int make(void **state)
{
	(void)state;
	for (int i = 0; i < BLOCKS; i++)
		put(i, 0);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	ahead_free(&a, SIZE);
	memset(&a, 0, sizeof(a));
	return 0;
}

/* From the third read in turn on, the first being where a file begins. */
static void in_turn(void **state)
{
	int ahead = 0;

	(void)state;
	for (int i = 0; i < BLOCKS; i++)
		look(i, &ahead);
	assert_int_equal(ahead, BLOCKS - 2);
	assert_int_equal(ahead_pread(&a, g, SIZE, fd, buffer(), BLOCK, BLOCKS * BLOCK), BE_NATIVE);
	/* what is in the buffer is there for whoever asks for it */
	ahead = 0;
	look(BLOCKS - 1, &ahead);
	look(BLOCKS - 3, &ahead);
	assert_int_equal(ahead, 2);
}

static void not_in_turn(void **state)
{
	int ahead = 0;

	(void)state;
	for (int i = 0; i < 3 * BLOCKS; i++)
		look(i * 7 % BLOCKS, &ahead);
	for (int i = BLOCKS - 1; i >= 0; i--)
		look(i, &ahead);
	assert_int_equal(ahead, 0);
	assert_null(a.buffer);
}

/* A reader that writes what it has read: soon nothing is read ahead any more. */
static void in_between(void **state)
{
	int ahead = 0;

	(void)state;
	for (int round = 0; round < 8; round++)
		for (int i = 0; i < BLOCKS; i++) {
			assert_true(look(i, &ahead) == (uint32_t)round);
			put(i, (uint32_t)round + 1);
		}
	assert_in_range(ahead, 1, 100);
}

static void an_old_one(void **state)
{
	int ahead = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		look(i, &ahead);
	assert_int_equal(ahead, 8);
	ahead_old_ns = 0;
	look(10, &ahead);
	assert_int_equal(ahead, 8);
	ahead_old_ns = UINT64_MAX;
}

/* A truncation is under way: it says so by an odd generation. */
static void while_cut(void **state)
{
	int ahead = 0, held;

	(void)state;
	for (int i = 0; i < 10; i++)
		look(i, &ahead);
	held = generation_begin(g);
	for (int i = 10; i < 20; i++)
		look(i, &ahead);
	generation_end(g, held);
	assert_int_equal(ahead, 8);
}

/* By read: the position is the kernel's, and another may move it. */
static void by_position(void **state)
{
	int ahead = 0, copy = dup(fd);

	(void)state;
	lseek(fd, 0, SEEK_SET);
	for (int i = 0; i < 20; i++) {
		ssize_t r = ahead_read(&a, g, SIZE, fd, buffer(), BLOCK);

		ahead += r != BE_NATIVE;
		if (r == BE_NATIVE)
			r = read(copy, buffer(), BLOCK);
		assert_int_equal(r, BLOCK);
		assert_int_equal(buffer()[0], i);
	}
	assert_int_equal(ahead, 18);
	lseek(copy, 100 * BLOCK, SEEK_SET);
	if (ahead_read(&a, g, SIZE, fd, buffer(), BLOCK) == BE_NATIVE)
		read(fd, buffer(), BLOCK);
	assert_int_equal(buffer()[0], 100);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 101 * BLOCK);
	close(copy);
}

/* A child begins with nothing, while the parent's reads are under way. */
static void forked(void **state)
{
	int ahead = 0, status;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 10; i++)
		look(i, &ahead);
	pid = fork();
	if (!pid) {
		ahead_fork_child();
		ahead = 0;
		for (int i = 10; i < 30; i++)
			look(i, &ahead);
		ahead_free(&a, SIZE);
		_exit(ahead);
	}
	for (int i = 10; i < BLOCKS; i++)
		look(i, &ahead);
	assert_int_equal(ahead, BLOCKS - 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 15, 20);
}

static _Atomic uint32_t written[BLOCKS];
static _Atomic int stop;

/* Never a version older than what was written when the read began. */
static void *reads(void *arg)
{
	int ahead = 0;

	for (int round = 0; round < 40; round++)
		for (int i = (int)(intptr_t)arg * 10; i < BLOCKS; i++) {
			uint32_t before = atomic_load(&written[i]);

			assert_true(look(i, &ahead) >= before);
		}
	return (void *)(intptr_t)ahead;
}

static void *writes(void *arg)
{
	uint32_t version = 0;

	while (!stop) {
		int block = (int)(++version * 37 % BLOCKS);

		put(block, version);
		atomic_store(&written[block], version);
		nanosleep(&(struct timespec){ .tv_nsec = 700000 }, NULL);
	}
	return arg;
}

static void many_threads(void **state)
{
	pthread_t t[THREADS], w;
	intptr_t ahead = 0;

	(void)state;
	assert_int_equal(pthread_create(&w, NULL, writes, NULL), 0);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, reads, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *r;

		pthread_join(t[i], &r);
		ahead += (intptr_t)r;
	}
	stop = 1;
	pthread_join(w, NULL);
	print_message("%ld reads from the buffer\n", (long)ahead);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_turn), TEST(not_in_turn), TEST(in_between), TEST(an_old_one), TEST(while_cut),
		TEST(by_position), TEST(forked), TEST(many_threads),
	};
	int r = mkstemp(path);

	ahead_old_ns = UINT64_MAX;
	close(r);
	fd = open(path, O_RDWR | O_DIRECT);
	unlink(path);
	/* before cmocka has handlers, which block all signals under TSan: then nobody would copy */
	guard_arm();
	if (fd < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
