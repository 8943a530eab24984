/* The container's terminal. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

static int send_descriptor(int socket, int fd)
{
	char name[] = "/dev/ptmx";
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { name, sizeof name - 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(socket, &message, 0) < 0 ? -1 : 0;
}

/*
 * Nothing is opened before it is known to be a terminal's. The slave is opened through the master itself: no path in
 * between that the container could have changed.
 */
static int open_pair(int *slave)
{
	int unlock = 0, master, pts = resolve("/dev/pts", O_PATH | O_DIRECTORY, 0);
	if (pts < 0)
		return failure("/dev/pts");
	if (!on_file_system(pts, DEVPTS_SUPER_MAGIC)) {
		close(pts);
		errno = ENODEV;
		return failure("/dev/pts is not a devpts file system");
	}
	master = resolve_below(pts, "ptmx", O_RDWR | O_NOCTTY);
	close(pts);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return failure("/dev/pts/ptmx");
	*slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *slave < 0 ? -1 : master;
}

/* The program's newlines stay as they are: no carriage returns are put in front of them. */
static int keep_newlines(int slave)
{
	struct termios settings;
	if (tcgetattr(slave, &settings) < 0)
		return -1;
	settings.c_oflag &= ~(tcflag_t)ONLCR;
	return tcsetattr(slave, TCSANOW, &settings);
}

int do_console(const struct op_console *op)
{
	int slave = -1, tree, target, master = open_pair(&slave);
	struct winsize size = { .ws_col = (unsigned short)op->width, .ws_row = (unsigned short)op->height };
	if (master < 0)
		return -1;
	if (op->width && op->height && ioctl(slave, TIOCSWINSZ, &size) < 0)
		return -1;
	if (op->newlines && keep_newlines(slave) < 0)
		return failure("terminal settings");
	if (op->bind) {
		if ((target = open_target("/dev/console", TARGET_FILE, RESOLVE_NO_SYMLINKS)) < 0)
			return failure("/dev/console");
		if ((tree = clone_tree(slave, 0)) < 0 || attach(tree, target) < 0)
			return failure("/dev/console");
		close(tree);
		close(target);
	}
	if (send_descriptor((int)op->socket, master) < 0)
		return failure("console socket");
	close(master);
	close((int)op->socket);
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return failure("controlling terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return -1;
	close(slave);
	return 0;
}
