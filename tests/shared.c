/* SPDX-License-Identifier: MIT */
/*
 * shared WAY FILE: processes write records to FILE through one description, or
 * append through one each; says what is in it then. All must end within the
 * alarm. Run by shared.sh, natively and under a rule.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDS 10000
#define SIZE 16

static const char *path;

/* Records of `who`, numbered; through fd's position. */
static void records(int fd, int who, int n)
{
	char r[SIZE + 1];

	for (int i = 0; i < n; i++) {
		snprintf(r, sizeof(r), "%d %013d\n", who, i);
		if (write(fd, r, SIZE) != SIZE)
			_exit(1);
	}
}

/* Every record once, whole and in its writer's order, `n` of each of `whos`. */
static int check(int whos, int n)
{
	static int next[16];
	char r[SIZE + 1] = "";
	int fd = open(path, O_RDONLY), who, i, bad = 0;

	while (read(fd, r, SIZE) == SIZE)
		if (sscanf(r, "%d %d\n", &who, &i) != 2 || who < 0 || who >= whos || i != next[who]++)
			bad++;
	for (who = 0; who < whos; who++)
		bad += next[who] != n;
	printf("size %lld, bad %d\n", (long long)lseek(fd, 0, SEEK_END), bad);
	return bad != 0;
}

static int way_position(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fork() == 0) {
		records(fd, 0, RECORDS);
		_exit(0);
	}
	records(fd, 1, RECORDS);
	wait(NULL);
	return check(2, RECORDS);
}

static int way_append(void)
{
	close(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			records(open(path, O_WRONLY | O_APPEND), i, RECORDS / 4);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	return check(4, RECORDS / 4);
}

static int shared_fd;

static void *writes(void *arg)
{
	records(shared_fd, (int)(intptr_t)arg, RECORDS / 4);
	return NULL;
}

/* Children are made while threads are in write: they neither hold their locks nor hang. */
static int way_fork(void)
{
	pthread_t t[3];
	int bad = 0, status;

	shared_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, writes, (void *)(intptr_t)i);
	for (int i = 0; i < 50; i++) {
		if (fork() == 0) {
			records(shared_fd, 3, 0);
			_exit(lseek(shared_fd, 0, SEEK_CUR) < 0);
		}
		wait(&status);
		bad += status != 0;
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	if (fork() == 0) {
		records(shared_fd, 3, RECORDS / 4);
		_exit(0);
	}
	wait(&status);
	printf("children failed %d\n", bad + status);
	return check(4, RECORDS / 4);
}

/* Writers are killed in the middle: the next one goes on, and no record is torn. */
static int way_killed(void)
{
	char r[SIZE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), torn = 0;
	pid_t pid;

	for (int i = 0; i < 40; i++) {
		pid = fork();
		if (pid == 0)
			records(fd, 0, 1 << 30);
		usleep(500 + i * 40);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		records(fd, 1, 10);
	}
	lseek(fd, 0, SEEK_SET);
	while (read(fd, r, SIZE) == SIZE)
		torn += r[1] != ' ' || r[SIZE - 1] != '\n';
	printf("torn %d, rest %lld\n", torn, (long long)lseek(fd, 0, SEEK_END) % SIZE);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int (*run)(void); } ways[] = {
		{ "position", way_position }, { "append", way_append }, { "fork", way_fork }, { "killed", way_killed },
	};

	alarm(120);
	path = argc > 2 ? argv[2] : "";
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (argc > 2 && !strcmp(argv[1], ways[i].name))
			return ways[i].run();
	return 2;
}
