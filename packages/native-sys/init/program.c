/* Hooks and the program itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

extern char **environ;

/* 0 when the path is a file that this process may run. */
static int runnable(const char *path)
{
	struct stat found;
	if (stat(path, &found) < 0)
		return -1;
	if (S_ISDIR(found.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!S_ISREG(found.st_mode)) {
		errno = EACCES;
		return -1;
	}
	/* With the ids and capabilities that exec will count, and not those of access(2). */
	if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 0;
	/* A filter may know the older call only. */
	return errno == ENOSYS || errno == EPERM ? access(path, X_OK) : -1;
}

int do_program(const struct op_program *op)
{
	int denied = 0;
	if (strchr(op->name, '/')) {
		if (snprintf(state.program, sizeof state.program, "%s", op->name) >= (int)sizeof state.program) {
			errno = ENAMETOOLONG;
			return -1;
		}
		return runnable(op->name);
	}
	for (const char *part = op->path; *op->name && part; part = strchr(part, ':') ? strchr(part, ':') + 1 : NULL) {
		int length = (int)strcspn(part, ":");
		if (snprintf(state.program, sizeof state.program, "%.*s/%s", length ? length : 1, length ? part : ".",
			     op->name) >= (int)sizeof state.program)
			continue;
		if (runnable(state.program) == 0)
			return 0;
		denied |= errno == EACCES;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

int do_environment(const struct op_environment *op)
{
	static char home[4096];
	size_t count = 0;
	while (op->env[count])
		count++;
	state.environment = calloc(count + 2, sizeof(char *));
	if (!state.environment)
		return -1;
	memcpy(state.environment, op->env, count * sizeof(char *));
	if (op->home[0]) {
		if (find_home(op->uid, home, sizeof home) < 0)
			snprintf(home, sizeof home, "HOME=%s", op->home);
		state.environment[count] = home;
	}
	return 0;
}

/* Ready; from here on only a byte in the named pipe, which `start` writes, lets the process go on. */
int do_wait(const struct op_wait *op)
{
	char byte;
	if (send_message(state.channel, MESSAGE_READY, 0, "") < 0)
		return failure("the runtime has closed the channel");
	close(state.channel);
	state.channel = -1;
	state.result = (int)op->result;
	return read_all((int)op->start, &byte, 1);
}

/* Milliseconds of the monotonic clock. */
static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* The end of a wait of that many seconds; 0 for a wait without a limit. */
static int64_t end_of(uint64_t seconds)
{
	return seconds ? now_ms() + (int64_t)seconds * 1000 : 0;
}

static int left_ms(int64_t end)
{
	int64_t left = end - now_ms();
	return end == 0 ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Writes the state document for as long as the hook reads it. A hook need not read its input. */
static int feed(int fd, int64_t end)
{
	size_t done = 0;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	while (done < state.document_length) {
		struct pollfd room = { fd, POLLOUT, 0 };
		ssize_t put = write(fd, state.document + done, state.document_length - done);
		if (put > 0)
			done += (size_t)put;
		else if (errno == EPIPE)
			return 0;
		else if (errno != EAGAIN && errno != EINTR)
			return -1;
		else if (poll(&room, 1, left_ms(end)) == 0)
			return 0;
	}
	return 0;
}

/* True once a child has ended, of which waitpid says how; false when the time is over before. */
static int has_ended(pid_t pid, int64_t end, int *status)
{
	struct pollfd child = { end ? (int)syscall(SYS_pidfd_open, pid, 0) : -1, POLLIN, 0 };
	pid_t ended;
	if (child.fd >= 0) {
		poll(&child, 1, left_ms(end));
		close(child.fd);
	}
	/* A filter may refuse pidfd_open(2): then the child is looked at now and then. */
	while ((ended = waitpid(pid, status, end ? WNOHANG : 0)) == 0 && left_ms(end) > 0)
		poll(NULL, 0, 10);
	return ended == pid;
}

/* Copies the end of a hook's output, as far as it fits, without the last newline. */
static void read_output(int output, char *text, size_t size)
{
	struct stat stat;
	off_t start = fstat(output, &stat) == 0 && stat.st_size >= (off_t)size ? stat.st_size - (off_t)size + 1 : 0;
	ssize_t length = pread(output, text, size - 1, start);
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length > 0 ? length : 0] = 0;
}

static int hook_failure(const struct op_hook *op, const char *reason, int output)
{
	char said[256] = "";
	if (output >= 0)
		read_output(output, said, sizeof said);
	errno = ECANCELED;
	return failure("#%u: %.120s: %s%s%s", (unsigned)op->index, op->path, reason, said[0] ? ": " : "", said);
}

static int hook_result(const struct op_hook *op, pid_t pid, int64_t end, int output)
{
	char reason[64];
	int status = 0;
	if (!has_ended(pid, end, &status)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		snprintf(reason, sizeof reason, "it took longer than %llu s", (unsigned long long)op->timeout);
		return hook_failure(op, reason, output);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		snprintf(reason, sizeof reason, "exit status %d", WEXITSTATUS(status));
	else
		snprintf(reason, sizeof reason, "ended by signal %d", WTERMSIG(status));
	return hook_failure(op, reason, output);
}

int do_hook(const struct op_hook *op)
{
	int input[2], output, result;
	int64_t end = end_of(op->timeout);
	pid_t pid = -1;
	if (pipe2(input, O_CLOEXEC) < 0)
		return hook_failure(op, strerror(errno), -1);
	/* A file holds what the hook writes, for the error: processes that it leaves behind can hold it without harm.
	 */
	output = (int)syscall(SYS_memfd_create, "hook", MFD_CLOEXEC);
	if ((pid = fork()) < 0)
		return hook_failure(op, strerror(errno), -1);
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(input[0], 0);
		if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0))
			_exit(127);
		if (op->inRoot && fchdir(state.root) < 0)
			_exit(127);
		execve(op->path, op->args, op->inherit ? state.environment : op->env);
		dprintf(2, "%s: %s\n", op->path, strerror(errno));
		_exit(127);
	}
	close(input[0]);
	result = feed(input[1], end);
	close(input[1]);
	if (hook_result(op, pid, end, output) < 0)
		result = -1;
	return closing(result, output, -1);
}

int do_exec(const struct op_exec *op)
{
	for (int fd = 3; fd < (int)op->keep; fd++)
		fcntl(fd, F_SETFD, 0);
	signal(SIGPIPE, SIG_DFL);
	execve(state.program, op->args, state.environment);
	return failure("%s", state.program);
}
