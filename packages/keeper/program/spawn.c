/*
 * Starts a program as a child. A child that cannot execute it reports the errno and the call over a pipe that a
 * successful exec closes, so the keeper never waits: a child that starts in a frozen cgroup delays its own reply only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "keeper.h"

#define PIDFD 0x1000ull            /* CLONE_PIDFD */
#define INTO_CGROUP 0x200000000ull /* CLONE_INTO_CGROUP */
#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 0x80ull /* CLONE_NEWTIME */)

/* struct clone_args of linux/sched.h. */
struct clone_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

struct failure {
	int error;
	char call[12];
};

struct program {
	const struct request_spawn *request;
	int *fds;
	unsigned count;
	int program, report;
};

static _Noreturn void fail(int report, const char *call)
{
	struct failure failure = { .error = errno };
	strncpy(failure.call, call, sizeof failure.call - 1);
	(void)!write(report, &failure, sizeof failure);
	_exit(127);
}

/* Moves the descriptors to 0, 1, 2, … by way of numbers above the range, so that none overwrites another. */
static void place(struct program *program)
{
	int range = (int)program->count;
	int report = fcntl(program->report, F_DUPFD_CLOEXEC, range);
	if (report < 0)
		fail(program->report, "fcntl");
	program->report = report;
	if (program->program >= 0 && (program->program = fcntl(program->program, F_DUPFD_CLOEXEC, range)) < 0)
		fail(report, "fcntl");
	for (int i = 0; i < range; i++)
		if ((program->fds[i] = fcntl(program->fds[i], F_DUPFD_CLOEXEC, range)) < 0)
			fail(report, "fcntl");
	for (int i = 0; i < range; i++)
		if (dup2(program->fds[i], i) < 0)
			fail(report, "dup2");
}

static _Noreturn void execute(struct program *program)
{
	const struct request_spawn *request = program->request;
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
	sigset_t none;
	for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_DFL);
	if ((request->flags & SPAWN_SESSION) && setsid() < 0)
		fail(program->report, "setsid");
	if (*request->cwd && chdir(request->cwd) < 0)
		fail(program->report, "chdir");
	place(program);
	if ((request->flags & SPAWN_TERMINAL) && ioctl(0, TIOCSCTTY, 0) < 0)
		fail(program->report, "TIOCSCTTY");
	if (syscall(SYS_close_range, program->count, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) < 0)
		fail(program->report, "close_range");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (program->program >= 0)
		syscall(SYS_execveat, program->program, "", request->argv, request->env, AT_EMPTY_PATH);
	else
		execve(request->path, request->argv, request->env);
	fail(program->report, "execve");
}

/* Starts the child; returns -1 with errno when there is none. */
static int start(struct program *program, int cgroup, struct spawning *child)
{
	int pipe[2];
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	program->report = pipe[1];
	struct clone_arguments how = {
		.flags = program->request->cloneFlags | PIDFD | (cgroup >= 0 ? INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&child->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	child->pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
	if (child->pid == 0)
		execute(program);
	int error = errno;
	close(pipe[1]);
	child->pipe = pipe[0];
	if (child->pid > 0)
		return 0;
	close(pipe[0]);
	child->pipe = -1;
	errno = error;
	return -1;
}

int spawn(struct request_message *message, struct spawning *child)
{
	const struct request_spawn *request = &message->body.spawn;
	unsigned at = 0;
	int program = -1, cgroup = -1, has_program = (request->flags & SPAWN_PROGRAM) != 0;
	int needed = has_program + ((request->flags & SPAWN_CGROUP) != 0);
	if ((request->cloneFlags & ~NAMESPACES) || (unsigned)needed > message->fd_count || !request->argv[0]) {
		errno = EINVAL;
		return -1;
	}
	if (has_program)
		program = message->fds[at++];
	if (request->flags & SPAWN_CGROUP)
		cgroup = message->fds[at++];
	/* Its place in the table is certain before the child exists. */
	if (*request->name && remember(request->name, getpid()) < 0)
		return -1;
	struct program what = { request, message->fds + at, message->fd_count - at, program, -1 };
	int result = start(&what, cgroup, child);
	strcpy(child->name, request->name);
	if (*request->name)
		process_named(request->name)->pid = result < 0 ? 0 : child->pid;
	return result;
}

/* The child has executed its program, or else failed: then the errno is returned, with the call. */
int spawned(struct spawning *child, char *call, size_t size)
{
	struct failure failure = { 0 };
	ssize_t length = read(child->pipe, &failure, sizeof failure);
	if (length < 0 && errno == EAGAIN)
		return -1;
	close(child->pipe);
	child->pipe = -1;
	if (length != sizeof failure)
		return 0;
	if (*child->name && process_named(child->name))
		process_named(child->name)->pid = 0;
	strncpy(call, failure.call, size - 1);
	return failure.error;
}
