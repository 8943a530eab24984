/* The program's answers on the network. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "probe.h"

int probe_udp_echo(int argc, char **argv)
{
	(void)argc;
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[0])) };
	int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&own, sizeof own) < 0)
		return json_errno(errno);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		char datagram[65536];
		struct sockaddr_in peer;
		socklen_t length = sizeof peer;
		ssize_t got = recvfrom(socket_fd, datagram, sizeof datagram, 0, (struct sockaddr *)&peer, &length);
		if (got >= 0)
			sendto(socket_fd, datagram, (size_t)got, 0, (struct sockaddr *)&peer, length);
	}
}
