/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure FILE COMMAND [ARGUMENT...]: runs it and writes "wall_us cpu_us peak_kib exit_code" to FILE. Small on purpose:
 * the kernel counts the peak of whoever forks as the child's too, so that a script cannot measure a program smaller
 * than its own interpreter.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(long long seconds, long long rest)
{
	return seconds * 1000000 + rest;
}

static long long now(void)
{
	struct timespec time = {0};
	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return microseconds(time.tv_sec, time.tv_nsec / 1000);
}

int main(int argc, char **argv)
{
	struct rusage used = {0};
	int status = 0;
	FILE *file = argc > 2 ? fopen(argv[1], "we") : NULL;
	long long start = now();
	pid_t child = file != NULL ? fork() : -1;

	if (child == 0) {
		(void)execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child) {
		perror("measure");
		return 1;
	}
	long long cpu = microseconds(used.ru_utime.tv_sec, used.ru_utime.tv_usec) +
			microseconds(used.ru_stime.tv_sec, used.ru_stime.tv_usec);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return fprintf(file, "%lld %lld %ld %d\n", now() - start, cpu, used.ru_maxrss, code) < 0 || fclose(file) != 0;
}
