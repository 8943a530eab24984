/*
 * keeper: the part of a shim that must not die. It is the parent and subreaper of one container's processes, remembers
 * how they ended until that is acknowledged, holds descriptors by name, and starts programs on request. It knows
 * nothing of containers, and allocates no memory.
 *
 * Descriptor 3 is its listening socket (unix(7), SOCK_SEQPACKET), made by the program that starts it. Every process
 * that can open it may use the keeper, so its directory is of mode 0700. Several clients may be connected; each has one
 * request under way. One of them watches, which is the shim; a later watcher replaces it, for two would both write the
 * container's log. A keeper without clients, children, exits and descriptors ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "keeper.h"

#define LISTENER 3
/* How long it waits for its first client. */
#define UNUSED_MS 10000

static struct client {
	int fd; /* 0: the entry is free */
	int greeted, watches;
	struct spawning child;
} clients[LIMIT_CLIENTS];
static int settling;

static void release(struct client *client)
{
	if (client->child.pipe > 0) {
		close(client->child.pipe);
		close(client->child.pidfd);
	}
	close(client->fd);
	*client = (struct client){ 0 };
}

/* A client that does not read its answers is dropped: it waits for one at a time, so there is always room. */
static void reply(struct client *client, int error, uint64_t value, const char *text)
{
	begin(MESSAGE_REPLY);
	put_number((uint64_t)error);
	put_number(value);
	put_string(text);
	int pidfd = !error && client->child.pidfd > 0 ? client->child.pidfd : -1;
	if (finish(client->fd, &pidfd, pidfd >= 0) < 0)
		release(client);
}

static void greet(struct client *client, const struct request_hello *request)
{
	client->greeted = 1;
	for (int i = 0; request->watch && i < LIMIT_CLIENTS; i++) {
		if (!clients[i].watches || &clients[i] == client)
			continue;
		begin(MESSAGE_REPLACED);
		finish(clients[i].fd, NULL, 0);
		release(&clients[i]);
	}
	client->watches = request->watch != 0;
	if (client->watches)
		announce_again();
	reply(client, 0, PROTOCOL_VERSION, "");
}

static int put_all(struct request_message *message)
{
	char *const *names = message->body.put.names;
	unsigned count = 0;
	while (names[count])
		count++;
	if (count != message->fd_count) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned i = 0; i < count; i++) {
		if (hold(names[i], message->fds[i]) < 0)
			return -1;
		message->fds[i] = -1;
	}
	return 0;
}

static void get_all(struct client *client, char *const *names)
{
	int fds[LIMIT_PASSED];
	unsigned count = 0;
	for (; names[count]; count++) {
		if (count == LIMIT_PASSED)
			return reply(client, E2BIG, 0, "get");
		if ((fds[count] = held_fd(names[count])) < 0)
			return reply(client, errno, 0, names[count]);
	}
	begin(MESSAGE_REPLY);
	put_number(0);
	put_number(count);
	put_string("");
	if (finish(client->fd, fds, count) < 0)
		release(client);
}

static int adopt(const struct request_adopt *request)
{
	siginfo_t info;
	if (request->pid == 0 || request->pid > 0x7fffffff ||
	    waitid(P_PID, (id_t)request->pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
		errno = ECHILD;
		return -1;
	}
	return remember(request->name, (pid_t)request->pid);
}

static int signal_process(const struct request_signal *request)
{
	struct process *process = process_named(request->name);
	errno = ESRCH;
	if (!process || process->code)
		return -1;
	return kill(process->pid, (int)request->signal);
}

static void start_child(struct client *client, struct request_message *message)
{
	client->child = (struct spawning){ .pipe = -1 };
	if (spawn(message, &client->child) < 0) {
		client->child = (struct spawning){ 0 };
		reply(client, errno, 0, "clone");
	}
}

static void serve(struct client *client, struct request_message *message)
{
	union request *body = &message->body;
	int result = 0;
	if (!client->greeted && message->number != MESSAGE_HELLO)
		return reply(client, EPROTO, 0, "hello must come first");
	switch (message->number) {
	case MESSAGE_HELLO: return greet(client, &body->hello);
	case MESSAGE_SPAWN: return start_child(client, message);
	case MESSAGE_GET: return get_all(client, body->get.names);
	case MESSAGE_ADOPT: result = adopt(&body->adopt); break;
	case MESSAGE_SIGNAL: result = signal_process(&body->signal); break;
	case MESSAGE_ACKNOWLEDGE: result = acknowledge(body->acknowledge.name); break;
	case MESSAGE_PUT: result = put_all(message); break;
	case MESSAGE_SETTLE: settling = body->settle.on != 0; break;
	case MESSAGE_DROP:
		for (char *const *name = body->drop.names; *name; name++)
			drop(*name);
		break;
	case MESSAGE_LIST:
		put_listing(settling);
		if (finish(client->fd, NULL, 0) < 0)
			release(client);
		return;
	case MESSAGE_SHUTDOWN: reply(client, 0, 0, ""); _exit(0);
	}
	reply(client, result < 0 ? errno : 0, 0, "");
}

static void take_fds(struct msghdr *header, struct request_message *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		message->fd_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(message->fds, CMSG_DATA(c), message->fd_count * sizeof(int));
	}
}

static void receive(struct client *client)
{
	static _Alignas(8) unsigned char bytes[LIMIT_MESSAGE];
	static struct request_message message;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(LIMIT_PASSED * sizeof(int))];
	struct iovec room = { bytes, sizeof bytes };
	struct msghdr header = {
		.msg_iov = &room, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	ssize_t length = recvmsg(client->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	message.fd_count = 0;
	if (length > 0)
		take_fds(&header, &message);
	if (length <= 0)
		return release(client);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		reply(client, EMSGSIZE, 0, "message");
	else if (decode(bytes, (size_t)length, &message) < 0)
		reply(client, errno, 0, "message");
	else
		serve(client, &message);
	for (unsigned i = 0; i < message.fd_count; i++)
		if (message.fds[i] >= 0)
			close(message.fds[i]);
}

static void accept_client(void)
{
	int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client refused = { .fd = fd };
	if (fd < 0)
		return;
	for (int i = 0; i < LIMIT_CLIENTS; i++) {
		if (clients[i].fd)
			continue;
		clients[i].fd = fd;
		return;
	}
	reply(&refused, EMFILE, 0, "too many clients");
	if (refused.fd)
		close(fd);
}

static void finish_spawn(struct client *client)
{
	char call[16] = "";
	int error = spawned(&client->child, call, sizeof call), pidfd = client->child.pidfd;
	if (error < 0)
		return;
	reply(client, error, (uint64_t)client->child.pid, call);
	close(pidfd);
	client->child = (struct spawning){ 0 };
}

/* Sends the watcher what it does not know yet; returns the events to poll for it. */
static short announce(struct client *client)
{
	for (struct process *process; client->watches && (process = next_exit());) {
		begin(MESSAGE_EXITED);
		put_string(process->name);
		put_number((uint64_t)process->pid);
		put_number((uint64_t)process->code);
		put_number((uint64_t)process->status);
		put_number(process->time);
		if (finish(client->fd, NULL, 0) < 0)
			return errno == EAGAIN ? POLLIN | POLLOUT : POLLIN;
		process->announced = 1;
	}
	return POLLIN;
}

/* Waits for events and handles those that are there. Exits are sent at the next turn: after the reply to their spawn.
 */
static int turn(int signals, int timeout)
{
	struct pollfd polled[2 + 2 * LIMIT_CLIENTS] = { { signals, POLLIN, 0 }, { LISTENER, POLLIN, 0 } };
	struct pollfd *of_clients = polled + 2, *of_children = of_clients + LIMIT_CLIENTS;
	struct signalfd_siginfo info;
	for (int i = 0; i < LIMIT_CLIENTS; i++) {
		struct client *client = &clients[i];
		int starting = client->child.pipe > 0;
		/* One request at a time: the next one stays in the socket. */
		of_clients[i] = (struct pollfd){ client->fd && !starting ? client->fd : -1, announce(client), 0 };
		of_children[i] = (struct pollfd){ starting ? client->child.pipe : -1, POLLIN, 0 };
	}
	int ready = poll(polled, sizeof polled / sizeof *polled, timeout);
	if (ready <= 0)
		return ready;
	while (polled[0].revents && read(signals, &info, sizeof info) > 0)
		;
	for (int i = 0; i < LIMIT_CLIENTS; i++)
		if ((of_clients[i].revents & ~POLLOUT) && clients[i].fd == of_clients[i].fd)
			receive(&clients[i]);
	/* After the requests: an adopted child may have ended already. */
	reap(settling);
	/* After the reaping: a child that could not execute its program has no exit. */
	for (int i = 0; i < LIMIT_CLIENTS; i++)
		if (clients[i].child.pipe > 0)
			finish_spawn(&clients[i]);
	if (polled[1].revents)
		accept_client();
	return ready;
}

static int has_clients(void)
{
	for (int i = 0; i < LIMIT_CLIENTS; i++)
		if (clients[i].fd)
			return 1;
	return 0;
}

int main(void)
{
	sigset_t child;
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
	for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_SET_NAME, "keeper", 0, 0, 0) < 0 ||
	    fcntl(LISTENER, F_SETFD, FD_CLOEXEC) < 0 || fcntl(LISTENER, F_SETFL, O_NONBLOCK) < 0)
		return 1;
	for (int used = 0;;) {
		int ready = turn(signals, used ? -1 : UNUSED_MS);
		used |= has_clients();
		if ((ready == 0 || (used && !has_clients())) && is_idle())
			return 0;
	}
}
