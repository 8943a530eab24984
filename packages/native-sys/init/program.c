/* Hooks and the program itself. */
#define _GNU_SOURCE
#include <fcntl.h>
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
#include <unistd.h>
#include "init.h"
#include "kernel.h"

extern char **environ;

/* 0 when the path is a file that this user may run. */
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
	return access(path, X_OK);
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
		if (snprintf(state.program, sizeof state.program, "%.*s/%s", length ? length : 1, length ? part : ".", op->name) >=
		    (int)sizeof state.program)
			continue;
		if (runnable(state.program) == 0)
			return 0;
		denied |= errno == EACCES;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

/* Finds a user's home in /etc/passwd: name:password:uid:gid:gecos:home:shell. */
static int find_home(uint64_t uid, char *home, size_t size)
{
	static char text[1 << 18];
	/* Without blocking: an image may hold a named pipe there. */
	int fd = resolve("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return -1;
	text[length] = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char *field[6] = { 0 };
		for (int i = 0; i < 6 && line; i++)
			field[i] = strsep(&line, ":");
		if (field[5] && field[5][0] && field[2][0] && strtoull(field[2], NULL, 10) == uid)
			return snprintf(home, size, "HOME=%s", field[5]) < (int)size ? 0 : -1;
	}
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
		return words("the runtime went away");
	close(state.channel);
	state.channel = -1;
	state.result = (int)op->result;
	return read_all((int)op->start, &byte, 1);
}

/* Waits for a child, at most `seconds` (0: for ever), and reaps it. */
static int wait_child(pid_t pid, uint64_t seconds)
{
	int status, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { pidfd, POLLIN, 0 };
	if (pidfd < 0)
		return -1;
	if (poll(&end, 1, seconds ? (int)(seconds * 1000) : -1) == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(pidfd);
		errno = ETIME;
		return words("it took longer than %llu s", (unsigned long long)seconds);
	}
	close(pidfd);
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = ECANCELED;
	return WIFEXITED(status) ? words("exit status %d", WEXITSTATUS(status)) : words("ended by signal %d", WTERMSIG(status));
}

int do_hook(const struct op_hook *op)
{
	int input[2];
	pid_t pid = -1;
	if (pipe2(input, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(input[0], 0);
		execve(op->path, op->args, op->env);
		dprintf(2, "%s: %s\n", op->path, strerror(errno));
		_exit(127);
	}
	close(input[0]);
	/* A hook that does not read its input is fine. */
	if (write_all(input[1], state.document, state.document_length) < 0 && errno != EPIPE) {
		close(input[1]);
		return -1;
	}
	close(input[1]);
	return wait_child(pid, op->timeout);
}

int do_exec(const struct op_exec *op)
{
	for (int fd = 3; fd < (int)op->keep; fd++)
		fcntl(fd, F_SETFD, 0);
	signal(SIGPIPE, SIG_DFL);
	execve(state.program, op->args, state.environment);
	int error = errno;
	dprintf(2, "exec %s: %s\n", state.program, strerror(error));
	errno = error;
	return words("%s", state.program);
}
