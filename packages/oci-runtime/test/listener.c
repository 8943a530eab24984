/*
 * A seccomp agent: listens on a Unix socket, and for each connection prints the container process state that comes, as
 * one line, and answers every call that the filter asks about with ENOMSG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int receive(int connection, char *text, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { text, size - 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	ssize_t length = recvmsg(connection, &message, 0);
	int fd = -1;
	text[length > 0 ? length : 0] = 0;
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

static void answer(int listener)
{
	for (;;) {
		struct seccomp_notif call = { 0 };
		struct seccomp_notif_resp reply = { 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		reply.id = call.id;
		reply.error = -ENOMSG;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), connection;
	if (argc < 2)
		return 2;
	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	if (bind(server, (struct sockaddr *)&address, sizeof address) < 0 || listen(server, 8) < 0)
		return 1;
	puts("listening");
	fflush(stdout);
	while ((connection = accept(server, NULL, NULL)) >= 0) {
		char text[65536];
		int listener = receive(connection, text, sizeof text);
		puts(text);
		fflush(stdout);
		if (fork() == 0) {
			answer(listener);
			_exit(0);
		}
		close(listener);
		close(connection);
	}
	return 0;
}
