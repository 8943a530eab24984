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

static int open_within(int dir, const char *path, uint64_t flags, uint64_t limits)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS | limits };
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* Opens a path below the root. The kernel answers EAGAIN when something was renamed meanwhile. */
int resolve(const char *path, uint64_t flags, uint64_t limits)
{
	for (int tries = 0; tries < 128; tries++) {
		int fd = open_within(state.root, path, flags, RESOLVE_IN_ROOT | limits);
		if (fd >= 0 || errno != EAGAIN)
			return fd;
	}
	return -1;
}

/* Opens a path below a directory, on the same mount: neither a link out of it nor a mount over a part of it counts. */
int resolve_below(int dir, const char *path, uint64_t flags)
{
	return open_within(dir, path, flags, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

int on_file_system(int fd, unsigned long magic)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

/* Where a link leads, as a path of the root; -1 with EINVAL for what is no link. `name` is the last part of `path`. */
static int follow(int parent, const char *path, const char *name, char *next)
{
	char link[PATH_SIZE];
	int above;
	ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
	if (length < 0)
		return -1;
	link[length] = 0;
	above = link[0] == '/' ? 0 : (int)(name - path);
	errno = ENAMETOOLONG;
	return snprintf(next, PATH_SIZE, "%.*s%s", above, path, link) < PATH_SIZE ? 0 : -1;
}

/* Opens a directory by its path and, for making it, its parent and name. Another process may make it at the same time.
 */
static int enter(int parent, const char *path, const char *name, unsigned mode)
{
	char next[PATH_SIZE];
	int fd = resolve(path, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -1;
	fd = resolve(path, O_PATH | O_DIRECTORY, 0);
	/* A link without a target; a circle of them has failed with ELOOP before. */
	if (fd < 0 && errno == ENOENT && follow(parent, path, name, next) == 0)
		fd = make_directory(next, mode);
	return fd;
}

/* Opens a directory, making it and the missing ones above it, those with mode 0755. */
int make_directory(const char *path, unsigned mode)
{
	char part[PATH_SIZE], *name = part, *end;
	int fd = resolve(path, O_PATH | O_DIRECTORY, 0), parent;
	if (fd >= 0 || errno != ENOENT)
		return fd;
	errno = ENAMETOOLONG;
	if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return -1;
	fd = resolve("/", O_PATH | O_DIRECTORY, 0);
	while (fd >= 0 && *(name += strspn(name, "/"))) {
		int last, after;
		end = name + strcspn(name, "/");
		last = end[strspn(end, "/")] == 0;
		after = *end;
		parent = fd;
		*end = 0;
		fd = closing(enter(parent, part, name, last ? mode : 0755), parent, -1);
		*end = (char)after;
		name = end;
	}
	return fd;
}

/* Opens the directory that holds a path, making it, and fills in the place. Slashes at the end of a path do not count.
 */
int make_parent(const char *path, struct place *place)
{
	size_t length = strlen(path);
	char *slash;
	int fd;
	while (length > 1 && path[length - 1] == '/')
		length--;
	errno = ENAMETOOLONG;
	if (length >= sizeof place->path)
		return -1;
	memcpy(place->path, path, length);
	place->path[length] = 0;
	slash = strrchr(place->path, '/');
	errno = EINVAL;
	if (!slash || !slash[1])
		return -1;
	place->name = slash + 1;
	*slash = 0;
	fd = make_directory(slash == place->path ? "/" : place->path, 0755);
	*slash = '/';
	return fd;
}

#define LINKS 40

/* Opens a file, making it if it is not there; links are followed by their text, to where nothing is yet. */
static int make_file(const char *path)
{
	char next[PATH_SIZE];
	struct place place;
	for (int links = 0; links < LINKS; links++) {
		int parent = make_parent(path, &place), fd;
		if (parent < 0)
			return -1;
		fd = openat(parent, place.name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0755);
		if (fd < 0 && errno != EEXIST)
			return closing(-1, parent, -1);
		if (fd >= 0)
			close(fd);
		if (follow(parent, place.path, place.name, next) < 0)
			return closing(open_within(parent, place.name, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS),
				       parent, -1);
		close(parent);
		path = next;
	}
	errno = ELOOP;
	return -1;
}

/* Opens the target of a mount, making a file or a directory where nothing is. */
int open_target(const char *path, enum target_kind kind, uint64_t limits)
{
	int fd = resolve(path, O_PATH | (kind == TARGET_DIRECTORY ? O_DIRECTORY : 0), limits);
	/* A link to a file may end in a slash. */
	if (fd >= 0 || (errno != ENOENT && (errno != ENOTDIR || kind != TARGET_FILE)))
		return fd;
	fd = kind == TARGET_DIRECTORY ? make_directory(path, 0755) : make_file(path);
	if (fd < 0 || !limits)
		return fd;
	close(fd);
	return resolve(path, O_PATH, limits);
}
