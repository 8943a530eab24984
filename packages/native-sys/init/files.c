/* Files: settings, nodes, links, and the copy that a tmpfs may start with. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

static int write_and_close(int fd, const char *data)
{
	size_t length = strlen(data);
	return closing(write(fd, data, length) == (ssize_t)length ? 0 : -1, fd, -1);
}

int do_write(const struct op_write *op)
{
	int fd = open(op->path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -1 : write_and_close(fd, op->data);
}

/*
 * Something else than the kernel's files may lie in the place of /proc, or a mount over the file: then the write would
 * be a lie, or go where it does harm. Opened without blocking, since it could be a named pipe.
 */
int do_writeProc(const struct op_writeProc *op)
{
	struct stat stat;
	int fd, proc = resolve("/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (proc < 0 || fstat(proc, &stat) < 0)
		return failure("/proc");
	if (!on_file_system(proc, PROC_SUPER_MAGIC) || stat.st_ino != PROC_ROOT_INO) {
		close(proc);
		errno = EXDEV;
		return failure("/proc is not a proc file system");
	}
	fd = closing(resolve_below(proc, op->path, O_WRONLY | O_NONBLOCK | O_NOCTTY), proc, -1);
	return fd < 0 ? -1 : write_and_close(fd, op->data);
}

int do_mkdir(const struct op_mkdir *op)
{
	int fd = make_directory(op->path, (unsigned)op->mode);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int do_symlink(const struct op_symlink *op)
{
	struct place place;
	int result, parent = make_parent(op->path, &place);
	if (parent < 0)
		return -1;
	result = symlinkat(op->target, parent, place.name);
	if (result < 0 && errno == EEXIST)
		result = 0;
	return closing(result, parent, -1);
}

/* Puts a node in the place of another file in one step: a container that shares the directory always finds one. */
static int replace_node(int parent, const char *name, mode_t mode, dev_t device)
{
	char temporary[32];
	uint64_t random;
	if (syscall(SYS_getrandom, &random, sizeof random, 0) != sizeof random)
		return -1;
	snprintf(temporary, sizeof temporary, ".node-%016llx", (unsigned long long)random);
	if (mknodat(parent, temporary, mode, device) < 0)
		return -1;
	if (renameat(parent, temporary, parent, name) == 0)
		return 0;
	int error = errno;
	unlinkat(parent, temporary, 0);
	errno = error;
	return -1;
}

static int is_node(int fd, mode_t mode, mode_t compared, dev_t device)
{
	struct stat stat;
	return fstat(fd, &stat) == 0 && (stat.st_mode & compared) == (mode & compared) && stat.st_rdev == device;
}

/*
 * Nothing is done by name to the node, whose directory may be a volume that others write to: the mode is right from the
 * start, for which the umask must be 0, and an existing node keeps its own unless it is replaced.
 */
int do_mknod(const struct op_mknod *op)
{
	struct place place;
	mode_t mode = (mode_t)op->mode;
	dev_t device = makedev(op->major, op->minor);
	int node = -1, result = -1, parent = make_parent(op->path, &place);
	if (parent < 0)
		return -1;
	if (mknodat(parent, place.name, mode, device) == 0 || errno == EEXIST)
		node = openat(parent, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (node >= 0 && op->replace && !is_node(node, mode, S_IFMT | 07777, device)) {
		close(node);
		node = replace_node(parent, place.name, mode, device) < 0
			       ? -1
			       : openat(parent, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (node >= 0 && is_node(node, mode, S_IFMT, device)) {
		result = fchownat(node, "", (uid_t)op->uid, (gid_t)op->gid, AT_EMPTY_PATH);
	} else if (node >= 0) {
		errno = EEXIST;
		failure("another file has its place");
	}
	return closing(result, node, parent);
}

#define COPY_DEPTH 64
#define COPY_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int copy_directory(int from, int to, int depth);

static int copy_content(int from, int to, const struct stat *stat, int depth)
{
	if (S_ISDIR(stat->st_mode)) {
		if (copy_directory(from, to, depth + 1) < 0)
			return -1;
	} else {
		for (ssize_t sent = 1; sent > 0;)
			if ((sent = sendfile(to, from, NULL, 1 << 30)) < 0)
				return -1;
	}
	return fchown(to, stat->st_uid, stat->st_gid) < 0 ? -1 : fchmod(to, stat->st_mode & 07777);
}

static int copy_link(int from, int to, const char *name, const struct stat *stat)
{
	char link[4096];
	ssize_t length = readlinkat(from, name, link, sizeof link - 1);
	if (length < 0)
		return -1;
	link[length] = 0;
	return symlinkat(link, to, name) < 0 ? -1 : fchownat(to, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat stat;
	int in, out = -1;
	if (fstatat(from, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISLNK(stat.st_mode))
		return copy_link(from, to, name, &stat);
	if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
		return 0; /* sockets and devices do not belong in a fresh tmpfs */
	in = openat(from, name, O_RDONLY | COPY_FLAGS);
	if (in < 0 || fstat(in, &stat) < 0)
		return closing(-1, in, -1);
	if (!S_ISDIR(stat.st_mode))
		out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | COPY_FLAGS, 0600);
	else if (mkdirat(to, name, 0700) == 0)
		out = openat(to, name, O_RDONLY | O_DIRECTORY | COPY_FLAGS);
	return closing(out < 0 ? -1 : copy_content(in, out, &stat, depth), in, out);
}

static int copy_directory(int from, int to, int depth)
{
	struct dirent *entry;
	int result = 0;
	DIR *dir;
	errno = ELOOP;
	if (depth > COPY_DEPTH || !(dir = fdopendir(dup(from))))
		return -1;
	while (result == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			result = copy_entry(from, to, entry->d_name, depth);
	closedir(dir);
	return result;
}

int do_copyUp(const struct op_copyUp *op)
{
	struct stat covered;
	int inherits = op->inherit && stat_directory(op->target, &covered);
	int target = mount_target(op->target, TARGET_DIRECTORY, 0, 0), mount, from, to, result = -1;
	if (target < 0)
		return -1;
	mount = new_mount("tmpfs", op->source, op->attributes & ~(uint64_t)MOUNT_ATTR_RDONLY, op->options,
			  inherits ? &covered : NULL);
	if (mount < 0)
		return closing(-1, target, -1);
	from = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from >= 0 && to >= 0 && copy_directory(from, to, 0) == 0 &&
	    set_attributes(mount, op->attributes, 0, 0, 0) == 0)
		result = attach(mount, target);
	return closing(closing(result, from, to), mount, target);
}
