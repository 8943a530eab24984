/* Makes the container's root file system the root, and detaches the host's from the namespace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

/* A line of /proc/self/mountinfo. */
struct mount_line {
	uint64_t id, parent;
	int full;   /* a whole proc or sysfs: no subtree of one */
	int shared; /* mounts and unmounts on it travel to its peers, which may be the host's */
	char *path; /* below the old root, with no slash in front; "." for that root itself */
};

struct mount_table {
	struct mount_line *lines;
	size_t count, room;
};

static uint64_t mount_id(int fd)
{
	struct statx_mount stat;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &stat) < 0)
		return 0;
	return stat.mask & STATX_MNT_ID ? stat.id : 0;
}

/* mountinfo writes white space and the backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++, to++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else {
			*to = *text;
		}
	}
	*to = 0;
}

/* id, parent, device, root, mount point, options, any number of optional fields, "-", type. Takes the path over. */
static int parse_line(char *text, struct mount_line *line)
{
	char *field[5], *rest = text, *type = strstr(text, " - ");
	for (int i = 0; i < 5; i++)
		if (!(field[i] = strsep(&rest, " ")))
			return -1;
	if (!type || !rest)
		return -1;
	*type = 0;
	line->shared = strstr(rest, " shared:") != NULL;
	line->id = strtoull(field[0], NULL, 10);
	line->parent = strtoull(field[1], NULL, 10);
	type += 3;
	line->full = strcmp(field[3], "/") == 0 && (strncmp(type, "proc ", 5) == 0 || strncmp(type, "sysfs ", 6) == 0);
	unescape(field[4]);
	line->path = strdup(field[4][1] ? field[4] + 1 : ".");
	return line->path ? 0 : -1;
}

static void free_table(struct mount_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->lines[i].path);
	free(table->lines);
	*table = (struct mount_table){ 0 };
}

static int add_line(struct mount_table *table, char *text)
{
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		struct mount_line *lines = realloc(table->lines, room * sizeof *lines);
		if (!lines)
			return -1;
		table->lines = lines;
		table->room = room;
	}
	return parse_line(text, &table->lines[table->count]) < 0 ? -1 : (table->count++, 0);
}

static int read_table(FILE *mountinfo, struct mount_table *table)
{
	char *line = NULL;
	size_t room = 0;
	int result = 0;
	rewind(mountinfo);
	while (result == 0 && getline(&line, &room, mountinfo) > 0)
		result = add_line(table, line);
	free(line);
	if (result < 0 || table->count == 0) {
		errno = EIO;
		return failure("/proc/self/mountinfo");
	}
	return 0;
}

static const struct mount_line *line_of(const struct mount_table *table, uint64_t id)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->lines[i].id == id)
			return &table->lines[i];
	return NULL;
}

static int is_below(const struct mount_table *table, const struct mount_line *line, uint64_t ancestor)
{
	for (size_t steps = 0; line && steps <= table->count; steps++) {
		if (line->id == ancestor)
			return 1;
		line = line->parent == line->id ? NULL : line_of(table, line->parent);
	}
	return 0;
}

/*
 * True when another mount lies on the mount's own root. It is locked there in every user namespace that is made later,
 * and so hides the file system below it.
 */
static int is_covered(const struct mount_table *table, const struct mount_line *line)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->lines[i].parent == line->id && strcmp(table->lines[i].path, line->path) == 0)
			return 1;
	return 0;
}

/* Opens the root of a mount of the old tree, or fails when another one lies over it. */
static int open_mount(int old, const struct mount_line *line)
{
	int fd = openat(old, line->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (mount_id(fd) == line->id)
		return fd;
	errno = EBUSY;
	return closing(-1, fd, -1);
}

/* Sees to it that an unmount on the mount's parent happens here alone; -1 where that is not possible. */
static int cut_off(int old, const struct mount_table *table, const struct mount_line *line)
{
	const struct mount_line *parent = line_of(table, line->parent);
	int fd;
	if (!parent || !parent->shared)
		return 0;
	fd = open_mount(old, parent);
	return fd < 0 ? -1 : closing(set_attributes(fd, 0, 0, MS_SLAVE, 0), fd, -1);
}

static int cover(int target)
{
	int mount = new_mount("tmpfs", "tmpfs", MOUNT_ATTR_RDONLY, (char *const[]){ NULL }, NULL);
	return mount < 0 ? -1 : closing(attach(mount, target), mount, -1);
}

/* In a user namespace the host's mounts are locked: they can be covered, and not unmounted. */
static int hide(int old, const struct mount_table *table, const struct mount_line *line)
{
	int result, fd = open_mount(old, line);
	if (fd < 0)
		return -1;
	if (set_attributes(fd, 0, 0, MS_SLAVE, 1) < 0)
		return closing(-1, fd, -1);
	result = cut_off(old, table, line);
	if (result == 0)
		result = umount2(line->path, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (result < 0)
		result = cover(fd);
	return closing(result, fd, -1);
}

/* Hides one full mount outside the container: 1 when it has, 0 when there is none. */
static int hide_one(int old, const struct mount_table *table, uint64_t container)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct mount_line *line = &table->lines[i];
		if (!line->full || is_covered(table, line) || is_below(table, line, container))
			continue;
		return hide(old, table, line) < 0 ? failure("hiding the host's /%s", line->path) : 1;
	}
	return 0;
}

/*
 * A process of the container that makes a user namespace may mount a new proc or sysfs exactly if one without masks is
 * in its mount namespace already, in sight or not. The host's are such. The table is read anew after each step, until
 * it shows none.
 */
static int hide_full_mounts(int old, FILE *mountinfo, uint64_t container)
{
	for (;;) {
		struct mount_table table = { 0 };
		int result = read_table(mountinfo, &table);
		if (result == 0)
			result = hide_one(old, &table, container);
		free_table(&table);
		if (result <= 0)
			return result;
	}
}

/* A runtime started in a chroot sees only a part of its mount namespace: joining that again leads to its root. */
static int leave_chroot(void)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? failure("/proc/self/ns/mnt") : closing(setns(fd, CLONE_NEWNS), fd, -1);
}

static int move_root(void)
{
	uint64_t container = mount_id(state.root);
	FILE *mountinfo;
	int old, result;
	if (!container || leave_chroot() < 0)
		return -1;
	old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* It goes on showing the paths of the root that it was opened in. */
	mountinfo = fopen("/proc/self/mountinfo", "re");
	if (old < 0 || !mountinfo)
		return failure("/proc/self/mountinfo");
	if (fchdir(state.root) < 0 ||
	    syscall(SYS_move_mount, state.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || chroot(".") < 0 ||
	    fchdir(old) < 0)
		return -1;
	result = hide_full_mounts(old, mountinfo, container);
	fclose(mountinfo);
	return closing(result, old, -1);
}

static int pivot_root(void)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0 || fchdir(state.root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		return -1;
	/* The old root lies on top of the new one; unmounting must not travel to the host. */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 || umount2(".", MNT_DETACH) < 0)
		return -1;
	close(old);
	return 0;
}

/* The old root stays where it is: it is not the container's to detach. */
static int change_root(void)
{
	return fchdir(state.root) < 0 ? -1 : chroot(".");
}

int do_pivot(const struct op_pivot *op)
{
	if ((op->move == 2 ? change_root() : op->move ? move_root() : pivot_root()) < 0)
		return -1;
	return chdir("/") < 0 ? -1 : open_root();
}
