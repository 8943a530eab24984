/* The program's view of its file system. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

int probe_fds(int argc, char **argv)
{
	(void)argc, (void)argv;
	const char *comma = "";
	putchar('[');
	for (int fd = 0; fd < 1024; fd++) {
		char path[64], target[PATH_MAX] = "";
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof target - 1) < 0)
			target[0] = '\0';
		printf("%s{\"fd\":%d,\"flags\":%d,\"target\":", comma, fd, flags);
		json_string(target);
		putchar('}');
		comma = ",";
	}
	printf("]\n");
	return 0;
}

int probe_open(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "r";
	int flags = strcmp(how, "rw") == 0 ? O_RDWR : strcmp(how, "w") == 0 ? O_WRONLY : O_RDONLY;
	return json_errno(open(argv[0], flags | O_CLOEXEC | O_NONBLOCK) < 0 ? errno : 0);
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFLNK: return "symlink";
	case S_IFCHR: return "character";
	case S_IFBLK: return "block";
	case S_IFIFO: return "fifo";
	default: return "socket";
	}
}

int probe_stat(int argc, char **argv)
{
	(void)argc;
	struct stat status;
	char target[PATH_MAX] = "";
	if (lstat(argv[0], &status))
		return json_errno(errno);
	if (S_ISLNK(status.st_mode) && readlink(argv[0], target, sizeof target - 1) < 0)
		target[0] = '\0';
	printf("{\"errno\":0,\"type\":\"%s\",\"mode\":%d,\"uid\":%u,\"gid\":%u,\"size\":%lld",
	       type_name(status.st_mode), status.st_mode & 07777, status.st_uid, status.st_gid,
	       (long long)status.st_size);
	printf(",\"major\":%u,\"minor\":%u,\"target\":", major(status.st_rdev), minor(status.st_rdev));
	json_string(target);
	printf("}\n");
	return 0;
}

int probe_read(int argc, char **argv)
{
	(void)argc;
	return json_file(argv[0]);
}

int probe_mounts(int argc, char **argv)
{
	(void)argc, (void)argv;
	return json_file("/proc/self/mountinfo");
}

int probe_sysctl(int argc, char **argv)
{
	(void)argc;
	char path[PATH_MAX] = "/proc/sys/";
	size_t length = strlen(path);
	for (const char *at = argv[0]; *at && length < sizeof path - 1; at++)
		path[length++] = *at == '.' ? '/' : *at;
	return json_file(path);
}
