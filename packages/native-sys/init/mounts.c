/* Mounts, by the kernel's mount API: a mount gets its attributes before anyone can see it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

/* A detached copy of the mount at fd. */
int clone_tree(int fd, int recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return (int)syscall(SYS_open_tree, fd, "", flags);
}

int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, int recursive)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };
	if (!set && !clear && !propagation)
		return 0;
	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			    sizeof attr);
}

int attach(int tree, int target)
{
	return (int)syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* Takes the kernel's own message about a file system context: "e tmpfs: Bad value for 'size'". */
static void explain(int fs)
{
	int error = errno;
	char text[sizeof state.detail];
	ssize_t length = read(fs, text, sizeof text - 1);
	if (length > 2) {
		text[length] = 0;
		text[strcspn(text, "\n")] = 0;
		failure("%s", text + 2);
	}
	errno = error;
}

/* An owner that has no id in this user namespace is refused: then the root user owns the directory. */
static int set_owner(int fs, const char *key, unsigned id)
{
	char value[16];
	snprintf(value, sizeof value, "%u", id);
	return syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0) < 0 && errno != EINVAL ? -1 : 0;
}

/* The root directory of a tmpfs is like another directory, unless later options say something else. */
static int set_directory(int fs, const struct stat *like)
{
	char mode[16];
	snprintf(mode, sizeof mode, "%o", like->st_mode & 07777);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", mode, 0) < 0)
		return -1;
	return set_owner(fs, "uid", like->st_uid) < 0 ? -1 : set_owner(fs, "gid", like->st_gid);
}

static int configure(int fs, const char *source, char *const *options, const struct stat *like)
{
	if (source[0] && syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return -1;
	if (like && set_directory(fs, like) < 0)
		return -1;
	for (; *options; options++) {
		char key[256];
		const char *equals = strchr(*options, '=');
		size_t length = equals ? (size_t)(equals - *options) : strlen(*options);
		if (length >= sizeof key) {
			errno = EINVAL;
			return failure("option %.40s… is too long", *options);
		}
		memcpy(key, *options, length);
		key[length] = 0;
		if (syscall(SYS_fsconfig, fs, equals ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key,
			    equals ? equals + 1 : NULL, 0) < 0)
			return -1;
	}
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

/* A new file system instance, mounted nowhere yet; a tmpfs may have its root directory be like another directory. */
int new_mount(const char *type, const char *source, uint64_t attributes, char *const *options, const struct stat *like)
{
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), mount = -1;
	if (fs < 0)
		return failure("file system \"%s\"", type);
	if (configure(fs, source, options, like) < 0)
		explain(fs);
	else
		mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return closing(mount, fs, -1);
}

/*
 * Opens the target of a mount. A link of the image can lead into /proc, where a mount would hide what the kernel says
 * of the process, or change where settings and labels are written to.
 */
int mount_target(const char *path, enum target_kind kind, uint64_t limits, uint64_t on_proc)
{
	int target = open_target(path, kind, limits);
	if (target < 0 || on_proc || !on_file_system(target, PROC_SUPER_MAGIC))
		return target;
	errno = EPERM;
	return closing(failure("it lies in /proc"), target, -1);
}

/* True when a path leads to a directory; fills in its stat. */
int stat_directory(const char *path, struct stat *stat)
{
	int fd = resolve(path, O_PATH | O_DIRECTORY, 0);
	return fd >= 0 && closing(fstat(fd, stat), fd, -1) == 0;
}

int do_mount(const struct op_mount *op)
{
	struct stat covered;
	int inherits = op->inherit && stat_directory(op->target, &covered);
	int mount;
	int target = mount_target(op->target, TARGET_DIRECTORY, op->strict ? RESOLVE_NO_SYMLINKS : 0, op->onProc);
	if (target < 0)
		return errno == ELOOP && op->strict
			       ? failure("filesystem \"%s\" must be mounted on ordinary directory", op->type)
			       : -1;
	mount = new_mount(op->type, op->source, op->attributes, op->options, inherits ? &covered : NULL);
	return closing(mount < 0 ? -1 : attach(mount, target), mount, target);
}

int do_bind(const struct op_bind *op)
{
	struct stat stat;
	int source = op->tree ? (int)op->tree : open(op->source, O_PATH | O_CLOEXEC), tree = source, target;
	if (source < 0 || fstat(source, &stat) < 0)
		return failure("source %s", op->source);
	target = mount_target(op->target, S_ISDIR(stat.st_mode) ? TARGET_DIRECTORY : TARGET_FILE, 0, op->onProc);
	if (target < 0)
		return closing(-1, source, -1);
	if (!op->tree)
		tree = closing(clone_tree(source, (int)op->recursive), source, -1);
	if (tree < 0 || set_attributes(tree, op->setRecursive, op->clearRecursive, 0, 1) < 0 ||
	    set_attributes(tree, op->set, op->clear, 0, 0) < 0)
		return closing(-1, tree, target);
	return closing(attach(tree, target), tree, target);
}

int do_attributes(const struct op_attributes *op)
{
	int fd = resolve(op->path, O_PATH, 0);
	return fd < 0 ? -1 : closing(set_attributes(fd, op->set, op->clear, 0, (int)op->recursive), fd, -1);
}

/* EINVAL means that no mount begins at a path: its holder begins at one above it. */
int do_propagate(const struct op_propagate *op)
{
	char part[4096];
	snprintf(part, sizeof part, "%s", op->path);
	for (;;) {
		char *slash = strrchr(part, '/');
		int fd = resolve(part[0] ? part : "/", O_PATH, 0);
		if (fd < 0)
			return -1;
		if (closing(set_attributes(fd, 0, 0, op->propagation, (int)op->recursive), fd, -1) == 0)
			return 0;
		if (errno != EINVAL || !op->holder || !slash)
			return -1;
		*slash = 0;
	}
}

int do_root(const struct op_root *op)
{
	int fd = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC), tree;
	if (fd < 0)
		return -1;
	tree = clone_tree(fd, 1);
	if (tree < 0 || attach(tree, fd) < 0)
		return closing(-1, tree, fd);
	close(fd);
	close(state.root);
	state.root = tree;
	return 0;
}

/* A masked file becomes /dev/null; that it is the real one is checked, since the image may hold another. */
static int open_null(void)
{
	struct stat stat;
	int fd = resolve("/dev/null", O_PATH, 0);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return failure("/dev/null");
	if (S_ISCHR(stat.st_mode) && stat.st_rdev == makedev(1, 3))
		return fd;
	close(fd);
	errno = ENODEV;
	return failure("/dev/null of the container is not the null device");
}

int do_mask(const struct op_mask *op)
{
	static char *const options[] = { (char *)"size=0", (char *)"nr_inodes=2", NULL };
	struct stat stat;
	int tree = -1, null, target = resolve(op->path, O_PATH, 0);
	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(target, &stat) < 0)
		return closing(-1, target, -1);
	if (S_ISDIR(stat.st_mode) && state.empty >= 0) {
		tree = clone_tree(state.empty, 0);
	} else if (S_ISDIR(stat.st_mode)) {
		tree = new_mount("tmpfs", "tmpfs",
				 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, options,
				 NULL);
		if (tree >= 0 && attach(tree, target) == 0) {
			state.empty = tree;
			return closing(0, target, -1);
		}
		return closing(-1, tree, target);
	} else if ((null = open_null()) >= 0) {
		tree = clone_tree(null, 0);
		close(null);
	}
	return closing(tree < 0 ? -1 : attach(tree, target), tree, target);
}

int do_readonly(const struct op_readonly *op)
{
	int tree, target = resolve(op->path, O_PATH, 0);
	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	tree = clone_tree(target, 1);
	if (tree < 0 || set_attributes(tree, MOUNT_ATTR_RDONLY, 0, 0, 1) < 0)
		return closing(-1, tree, target);
	return closing(attach(tree, target), tree, target);
}
