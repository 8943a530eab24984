/* Operations that the program is allowed or denied. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

int probe_sleep(int argc, char **argv)
{
	(void)argc, (void)argv;
	uint64_t all = ~UINT64_C(0);
	siginfo_t info;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
	printf("ready\n");
	fflush(stdout);
	while (syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof all) < 0)
		continue;
	printf("{\"signal\":%d}\n", info.si_signo);
	return 0;
}

int probe_syscall(int argc, char **argv)
{
	long arguments[7] = { 0 };
	for (int i = 0; i < argc && i < 7; i++)
		arguments[i] = strtol(argv[i], NULL, 0);
	errno = 0;
	long result = syscall(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
			      arguments[6]);
	printf("{\"result\":%ld,\"errno\":%d}\n", result, result < 0 ? errno : 0);
	return 0;
}

int probe_memory(int argc, char **argv)
{
	(void)argc;
	size_t length = strtoul(argv[0], NULL, 10) << 20;
	char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return json_errno(errno);
	for (size_t at = 0; at < length; at += 4096)
		memory[at] = 1;
	return json_errno(0);
}

int probe_forks(int argc, char **argv)
{
	(void)argc;
	static pid_t children[65536];
	int wanted = atoi(argv[0]), started = 0, error = 0;
	while (started < wanted && started < 65536) {
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		if (pid < 0) {
			error = errno;
			break;
		}
		children[started++] = pid;
	}
	for (int i = 0; i < started; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		continue;
	printf("{\"started\":%d,\"errno\":%d}\n", started, error);
	return 0;
}
