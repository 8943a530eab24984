/* Namespaces: joining, making, and the points where the runtime must act in between. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"

#define JOIN_LIMIT 8

/*
 * A namespace may belong to the host's user namespace or to the one that is joined too, and each can only be joined
 * with rights over its owner. So: all that the present rights allow, then the user namespace, then the rest.
 */
int do_join(const struct op_join *op)
{
	int fds[JOIN_LIMIT], pending = 0, directory = op->directory ? (int)op->directory : AT_FDCWD, root = -1;
	if (op->types->count > JOIN_LIMIT) {
		errno = E2BIG;
		return -1;
	}
	for (unsigned i = 0; i < op->types->count; i++)
		if (!op->paths[i] || (fds[i] = openat(directory, op->paths[i], O_RDONLY | O_CLOEXEC)) < 0)
			return failure("%s", op->paths[i] ? op->paths[i] : "fewer paths than types");
	if (op->root && (root = openat(directory, "root", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return failure("root");
	/* A directory of the host's that stayed open would be a way out for paths like /proc/self/fd/4/... */
	if (op->directory)
		close(directory);
	for (int pass = 0; pass < 3; pass++) {
		for (unsigned i = 0; i < op->types->count; i++) {
			int type = (int)op->types->items[i];
			if (fds[i] < 0 || (type == CLONE_NEWUSER) != (pass == 1))
				continue;
			if (setns(fds[i], type) < 0) {
				if (pass == 0 && errno == EPERM && ++pending)
					continue;
				return failure("%s", op->paths[i]);
			}
			close(fds[i]);
			fds[i] = -1;
		}
	}
	if (root >= 0) {
		if (fchdir(root) < 0 || chroot(".") < 0)
			return failure("root");
		close(root);
	}
	return open_root();
}

/* A descriptor of "/" belongs to the mount namespace in which it was opened. */
int do_unshare(const struct op_unshare *op)
{
	return unshare((int)op->flags) < 0 ? -1 : open_root();
}

int sync_with_runtime(uint64_t point, uint64_t dumpable, const char *text)
{
	uint64_t length;
	void *document;
	prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
	if (send_message(state.channel, MESSAGE_SYNC, (int32_t)point, text) < 0 ||
	    read_all(state.channel, &length, sizeof length) < 0)
		return failure("the runtime has closed the channel");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (length == 0)
		return 0;
	document = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (document == MAP_FAILED || read_all(state.channel, document, length) < 0)
		return failure("reading the state document");
	state.document = document;
	state.document_length = length;
	return 0;
}

int do_sync(const struct op_sync *op)
{
	return sync_with_runtime(op->point, op->dumpable, "");
}

/* The child takes this process's parent as its own, so that it has one when this process is gone. */
int do_fork(const struct op_fork *op)
{
	(void)op;
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return -1;
	if (pid > 0)
		_exit(send_message(state.channel, MESSAGE_PID, (int32_t)pid, "") < 0);
	return 0;
}

int do_loopback(const struct op_loopback *op)
{
	(void)op;
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;
	if (fd < 0)
		return -1;
	result = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return result;
}
