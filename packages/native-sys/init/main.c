/*
 * init: executes a plan of kernel operations and becomes the container's program.
 *
 * It runs from a sealed memfd; a second argument makes it report the time of each operation. The first is the number of
 * the socket to the runtime; the plan comes over it first. It knows nothing of containers: the plan decides the
 * operations and their order.
 *
 *   runtime                       init
 *     plan           ----->
 *                    <-----       pid     (after fork: the child's)
 *                    <-----       sync n
 *     answer [bytes] ----->
 *                    <-----       done    (an operation and its microseconds)
 *                    <-----       ready   (then only `start` can make it go on)
 *                    <-----       error   (operation, errno, detail; at any point)
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <signal.h>
#include <time.h>
#include "init.h"
#include "kernel.h"

_Static_assert(sizeof(void *) == 8, "fields of an operation are eight bytes each");

struct state state = { .channel = -1, .result = -1, .root = -1, .empty = -1 };

/* Adds detail to the current failure; returns -1 so that failing is one line. */
int failure(const char *format, ...)
{
	int error = errno;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(state.detail, sizeof state.detail, format, arguments);
	va_end(arguments);
	errno = error;
	return -1;
}

void fail(void)
{
	int fd = state.channel >= 0 ? state.channel : state.result;
	int error = errno;
	if (fd >= 0)
		send_message(fd, MESSAGE_ERROR, error, state.detail);
	_exit(255);
}

/* Ends the process as the signal's default action would: the first process of a pid namespace has none. */
static void end_by(int signal_number)
{
	_exit(128 + signal_number);
}

/* Signals that by default change nothing, or stop and continue. What the caller ignores stays ignored; exec resets the
 * rest. */
static void end_by_signals(void)
{
	struct sigaction present, ending = { .sa_handler = end_by };
	sigfillset(&ending.sa_mask);
	for (int number = 1; number < NSIG; number++) {
		switch (number) {
		case SIGKILL:
		case SIGSTOP:
		case SIGTSTP:
		case SIGTTIN:
		case SIGTTOU:
		case SIGCONT:
		case SIGCHLD:
		case SIGURG:
		case SIGWINCH: continue;
		}
		if (sigaction(number, NULL, &present) == 0 && present.sa_handler == SIG_DFL)
			sigaction(number, &ending, NULL);
	}
}

/* Microseconds of the monotonic clock. */
static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

static int run(uint32_t number, const union op *op)
{
	switch (number) {
#define X(number, name, letters) \
	case number: return do_##name(&op->name);
		OPS(X)
#undef X
	}
	errno = ENOSYS;
	return failure("operation %u", number);
}

int main(int argc, char **argv)
{
	struct plan plan;
	union op op;
	uint32_t number;
	int64_t began;

	state.channel = argc > 1 ? atoi(argv[1]) : 3;
	state.trace = argc > 2;
	prctl(PR_SET_NAME, "oci-init", 0, 0, 0);
	/* Processes of a container that is joined must not look into this one. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	end_by_signals();
	if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		fail();
	if (open_root() < 0 || read_plan(state.channel, &plan) < 0)
		fail();
	for (state.index = 0; state.index < plan.count; state.index++) {
		state.detail[0] = 0;
		errno = 0;
		began = state.trace ? now_us() : 0;
		if (next_op(&plan, &number, &op) < 0 || run(number, &op) < 0)
			fail();
		if (state.trace && state.channel >= 0)
			send_message(state.channel, MESSAGE_DONE, (int32_t)(now_us() - began), "");
	}
	errno = ENOEXEC;
	failure("the plan ends without exec");
	fail();
}
