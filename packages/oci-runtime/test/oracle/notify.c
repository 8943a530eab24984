/*
 * A client of sd_notify(3): sends each argument, as a message of its own, to NOTIFY_SOCKET. BARRIER=1 goes
 * with one end of a pipe, and is waited for until that is closed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int say(int socket, const char *message, int fd)
{
	union {
		struct cmsghdr first;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { (char *)message, strlen(message) };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof control;
		control.first.cmsg_level = SOL_SOCKET;
		control.first.cmsg_type = SCM_RIGHTS;
		control.first.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.first), &fd, sizeof fd);
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int barrier(int socket, const char *message)
{
	int ends[2];
	char byte;
	if (pipe(ends) < 0 || say(socket, message, ends[1]) < 0)
		return -1;
	close(ends[1]);
	return read(ends[0], &byte, 1) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path ? path : "");
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		perror(address.sun_path);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		if ((strcmp(argv[i], "BARRIER=1") ? say(fd, argv[i], -1) : barrier(fd, argv[i])) < 0) {
			perror(argv[i]);
			return 1;
		}
	return 0;
}
