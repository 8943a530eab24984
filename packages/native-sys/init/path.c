/* Paths inside the root: nothing in them, no "..", no symbolic link, leads out of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

/* Closes both and returns the result, errno kept. */
int closing(int result, int a, int b)
{
	int error = errno;
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	errno = error;
	return result;
}

/* Takes the present "/" as the directory in which paths are resolved. */
int open_root(void)
{
	if (state.root >= 0)
		close(state.root);
	state.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return state.root < 0 ? -1 : 0;
}

/* Opens a path below the root. The kernel answers EAGAIN when something was renamed meanwhile. */
int resolve(const char *path, uint64_t flags, uint64_t limits)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | limits,
	};
	for (int tries = 0; tries < 128; tries++) {
		long fd = syscall(SYS_openat2, state.root, path, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN)
			return (int)fd;
	}
	return -1;
}

/* Opens a path below a directory, on the same mount: neither a link out of it nor a mount over a part of it counts. */
int resolve_below(int dir, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

int on_file_system(int fd, unsigned long magic)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

/* Where a link leads that has no target yet, as a path of the root. A circle of links fails earlier, with ELOOP. */
static int follow(int parent, const char *path, char *next, size_t size)
{
	char link[4096];
	const char *name = strrchr(path, '/') + 1;
	ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
	if (length < 0)
		return -1;
	link[length] = 0;
	length = link[0] == '/' ? snprintf(next, size, "%s", link)
				: snprintf(next, size, "%.*s%s", (int)(name - path), path, link);
	errno = ENAMETOOLONG;
	return length < (ssize_t)size ? 0 : -1;
}

/* Opens a directory, making it and the missing ones above it. */
int make_directory(const char *path, unsigned mode)
{
	char next[4096];
	const char *name;
	int parent, fd = resolve(path, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	parent = make_parent(path, &name);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, mode) == 0 || errno == EEXIST)
		fd = resolve(path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT && follow(parent, path, next, sizeof next) == 0)
		fd = make_directory(next, mode);
	return closing(fd, parent, -1);
}

/* Opens the directory that holds a path, making it; *name is the last part. */
int make_parent(const char *path, const char **name)
{
	char part[4096];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	if (!slash || !slash[1] || length >= sizeof part) {
		errno = EINVAL;
		return -1;
	}
	memcpy(part, path, length);
	part[length] = 0;
	*name = slash + 1;
	return make_directory(length ? part : "/", 0755);
}

static int make_file(const char *path)
{
	char next[4096];
	const char *name;
	int fd, parent = make_parent(path, &name);
	if (parent < 0)
		return -1;
	fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0755);
	if (fd >= 0) {
		close(fd);
		fd = resolve(path, O_PATH, 0);
	} else if (errno == EEXIST && follow(parent, path, next, sizeof next) == 0) {
		fd = make_file(next);
	}
	return closing(fd, parent, -1);
}

/* Opens the target of a mount, making a file or a directory where nothing is. */
int open_target(const char *path, enum target_kind kind, uint64_t limits)
{
	int fd = resolve(path, O_PATH | (kind == TARGET_DIRECTORY ? O_DIRECTORY : 0), limits);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = kind == TARGET_DIRECTORY ? make_directory(path, 0755) : make_file(path);
	if (fd < 0 || !limits)
		return fd;
	close(fd);
	return resolve(path, O_PATH, limits);
}
