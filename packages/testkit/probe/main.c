#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	probe_command *run;
	int arguments; /* at least */
	const char *doc;
} commands[] = {
	{ "id", probe_id, 0, "user and group ids (real, effective, saved) and supplementary groups" },
	{ "caps", probe_caps, 0, "capability sets as hexadecimal masks" },
	{ "prctl", probe_prctl, 0, "no_new_privs, seccomp mode, dumpable, parent-death signal, subreaper" },
	{ "rlimits", probe_rlimits, 0, "soft and hard limits by name; -1 is unlimited" },
	{ "signals", probe_signals, 0, "blocked and ignored signals, by number" },
	{ "namespaces", probe_namespaces, 0, "inode of each namespace" },
	{ "env", probe_env, 0, "environment as a list" },
	{ "args", probe_args, 0, "the arguments after this word" },
	{ "process", probe_process, 0, "pid, ppid, pgid, sid, cwd, umask, host name, oom_score_adj, nice" },
	{ "terminal", probe_terminal, 0, "which of descriptors 0-2 are terminals, and the size of 0" },
	{ "fds", probe_fds, 0, "open descriptors with their targets" },
	{ "open", probe_open, 1, "PATH [r|w|rw]: errno of open(2)" },
	{ "stat", probe_stat, 1, "PATH: type, mode, owner, device numbers; the link itself" },
	{ "read", probe_read, 1, "PATH: content, or errno" },
	{ "mounts", probe_mounts, 0, "/proc/self/mountinfo" },
	{ "sysctl", probe_sysctl, 1, "NAME: value, or errno" },
	{ "sleep", probe_sleep, 0, "says ready, waits for a signal, says which, exits with 0" },
	{ "syscall", probe_syscall, 1, "NUMBER [ARGUMENT…]: result and errno of a raw system call" },
	{ "memory", probe_memory, 1, "MIB: touches so much memory" },
	{ "udp-echo", probe_udp_echo, 1, "PORT: sends every datagram back; says ready first" },
	{ "forks", probe_forks, 1, "COUNT: how many of so many children could be started" },
};

void json_bytes(const char *bytes, long length)
{
	putchar('"');
	for (long i = 0; i < length; i++) {
		unsigned char c = bytes[i];
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void json_string(const char *text)
{
	json_bytes(text, (long)strlen(text));
}

int json_errno(int error)
{
	printf("{\"errno\":%d", error);
	if (error) {
		printf(",\"error\":");
		json_string(strerror(error));
	}
	printf("}\n");
	return 0;
}

int json_file(const char *path)
{
	static char content[1 << 20];
	long length = 0, got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return json_errno(errno);
	while ((got = read(fd, content + length, sizeof content - (size_t)length)) > 0)
		length += got;
	if (got < 0)
		return json_errno(errno);
	printf("{\"errno\":0,\"content\":");
	json_bytes(content, length);
	printf("}\n");
	return 0;
}

static int usage(const char *self)
{
	fprintf(stderr, "Usage: %s COMMAND [ARGUMENT…]\n\n", self);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		fprintf(stderr, "  %-11s %s\n", commands[i].name, commands[i].doc);
	}
	return 2;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (argc - 2 < commands[i].arguments)
			break;
		return commands[i].run(argc - 2, argv + 2);
	}
	return usage(argc > 0 ? argv[0] : "probe");
}
