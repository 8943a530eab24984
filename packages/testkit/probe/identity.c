/* Commands that print the state of the process: identity, rights, limits, signals, namespaces, arguments, terminal. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

int probe_id(int argc, char **argv)
{
	(void)argc, (void)argv;
	uid_t uid[3];
	gid_t gid[3], groups[1024];
	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	printf("{\"uid\":[%u,%u,%u],\"gid\":[%u,%u,%u],\"groups\":[", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2]);
	int count = getgroups(1024, groups);
	for (int i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	printf("]}\n");
	return 0;
}

int probe_caps(int argc, char **argv)
{
	(void)argc, (void)argv;
	/* capget(2), version 3; musl comes without the kernel's headers */
	struct {
		uint32_t version;
		int pid;
	} header = { .version = 0x20080522 };
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2] = { 0 };
	uint64_t bounding = 0, ambient = 0;
	if (syscall(SYS_capget, &header, data))
		return json_errno(errno);
	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bounding |= UINT64_C(1) << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= UINT64_C(1) << cap;
	}
#define SET(field) (unsigned long long)((uint64_t)data[1].field << 32 | data[0].field)
	printf("{\"effective\":\"%016llx\",\"permitted\":\"%016llx\",\"inheritable\":\"%016llx\"", SET(effective),
	       SET(permitted), SET(inheritable));
	printf(",\"bounding\":\"%016llx\",\"ambient\":\"%016llx\"}\n", (unsigned long long)bounding,
	       (unsigned long long)ambient);
	return 0;
}

int probe_prctl(int argc, char **argv)
{
	(void)argc, (void)argv;
	int death_signal = 0, subreaper = 0;
	prctl(PR_GET_PDEATHSIG, &death_signal);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	printf("{\"noNewPrivs\":%d,\"seccomp\":%d,\"dumpable\":%d,\"parentDeathSignal\":%d,\"subreaper\":%d}\n",
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP), prctl(PR_GET_DUMPABLE), death_signal,
	       subreaper);
	return 0;
}

int probe_rlimits(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const names[] = { "CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
					     "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
					     "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME" };
	putchar('{');
	for (int i = 0; i < 16; i++) {
		struct rlimit limit;
		if (getrlimit(i, &limit))
			return json_errno(errno);
		printf("%s\"RLIMIT_%s\":[%lld,%lld]", i ? "," : "", names[i], (long long)limit.rlim_cur,
		       (long long)limit.rlim_max);
	}
	printf("}\n");
	return 0;
}

int probe_signals(int argc, char **argv)
{
	(void)argc, (void)argv;
	uint64_t blocked = 0;
	const char *comma = "";
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked);
	printf("{\"blocked\":[");
	for (int i = 1; i <= 64; i++) {
		if (blocked & UINT64_C(1) << (i - 1))
			printf("%s%d", comma, i), comma = ",";
	}
	printf("],\"ignored\":[");
	comma = "";
	for (int i = 1; i <= 64; i++) {
		uintptr_t action[8] = { 0 }; /* the kernel's struct begins with the handler */
		if (syscall(SYS_rt_sigaction, i, NULL, action, sizeof blocked))
			continue;
		if (action[0] == (uintptr_t)SIG_IGN)
			printf("%s%d", comma, i), comma = ",";
	}
	printf("]}\n");
	return 0;
}

int probe_namespaces(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time" };
	putchar('{');
	for (int i = 0; i < 8; i++) {
		char path[64];
		struct stat status;
		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		printf("%s\"%s\":%llu", i ? "," : "", names[i],
		       stat(path, &status) ? 0ULL : (unsigned long long)status.st_ino);
	}
	printf("}\n");
	return 0;
}

static int list(char **items)
{
	putchar('[');
	for (int i = 0; items[i]; i++) {
		if (i)
			putchar(',');
		json_string(items[i]);
	}
	printf("]\n");
	return 0;
}

int probe_env(int argc, char **argv)
{
	(void)argc, (void)argv;
	return list(environ);
}

int probe_args(int argc, char **argv)
{
	(void)argc;
	return list(argv);
}

int probe_process(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct utsname names;
	char directory[4096];
	mode_t mask = umask(0);
	umask(mask);
	uname(&names);
	FILE *file = fopen("/proc/self/oom_score_adj", "r");
	int score = 0;
	if (file && fscanf(file, "%d", &score) != 1)
		score = 0;
	printf("{\"pid\":%d,\"ppid\":%d,\"pgid\":%d,\"sid\":%d,\"umask\":%d,\"oomScoreAdj\":%d,\"nice\":%d", getpid(),
	       getppid(), getpgrp(), getsid(0), (int)mask, score, getpriority(PRIO_PROCESS, 0));
	printf(",\"cwd\":");
	json_string(getcwd(directory, sizeof directory) ? directory : "");
	printf(",\"hostname\":");
	json_string(names.nodename);
	printf(",\"domainname\":");
	json_string(names.domainname);
	printf("}\n");
	return 0;
}

int probe_terminal(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct winsize size = { 0 };
	ioctl(0, TIOCGWINSZ, &size);
	printf("{\"terminals\":[%d,%d,%d],\"columns\":%d,\"rows\":%d,\"foreground\":%d}\n", isatty(0), isatty(1),
	       isatty(2), size.ws_col, size.ws_row, tcgetpgrp(0) == getpgrp());
	return 0;
}
