/*
 * Process 1 of a container: starts one program, passes signals on to it, reaps every orphan,
 * and exits with the program's status. Command line and environment are those of tini 0.19.
 *
 * Signals are read with rt_sigtimedwait and masks set with rt_sigprocmask directly: the C library's
 * wrappers hide the signals it reserves for threads (32-34), and a container may be sent those too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TINI_VERSION
#error "TINI_VERSION is set by the build"
#endif

enum { FATAL, WARN, INFO, DEBUG, TRACE };

static struct {
	int subreaper;
	int parent_death_signal;
	int kill_process_group;
	int warn_on_reap;
	int verbosity;
	unsigned char remap[256]; /* exit codes that become 0 */
} opt = { .verbosity = WARN };

/* State that tini changes and restores for the program. */
static struct {
	uint64_t mask;
	struct sigaction chld, ttin, ttou;
} inherited;

static const struct {
	const char *name;
	int number;
} signal_names[] = {
/* clang-format off */
#define S(n) { #n, n }
	S(SIGHUP), S(SIGINT), S(SIGQUIT), S(SIGILL), S(SIGTRAP), S(SIGABRT), S(SIGBUS), S(SIGFPE), S(SIGKILL),
	S(SIGUSR1), S(SIGSEGV), S(SIGUSR2), S(SIGPIPE), S(SIGALRM), S(SIGTERM), S(SIGCHLD), S(SIGCONT), S(SIGSTOP),
	S(SIGTSTP), S(SIGTTIN), S(SIGTTOU), S(SIGURG), S(SIGXCPU), S(SIGXFSZ), S(SIGPROF), S(SIGVTALRM), S(SIGSYS),
	S(SIGWINCH),
#undef S
	/* clang-format on */
};

static const char license_text[] =
	"tini, a part of Gantry\n\n"
	"Licensed under the Apache License, Version 2.0 (the \"License\"); you may not use this file except in\n"
	"compliance with the License. You may obtain a copy of the License at\n\n"
	"    http://www.apache.org/licenses/LICENSE-2.0\n\n"
	"Unless required by applicable law or agreed to in writing, software distributed under the License is\n"
	"distributed on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.\n"
	"See the License for the specific language governing permissions and limitations under the License.\n";

/* One write per message, so that nothing sits in a buffer across fork. Warnings and errors go to stderr. */
__attribute__((format(printf, 2, 3))) static void say(int level, const char *format, ...)
{
	static const char *const names[] = { "FATAL", "WARN ", "INFO ", "DEBUG", "TRACE" };
	char line[1024];
	if (level > opt.verbosity && level != FATAL)
		return;
	int length = snprintf(line, sizeof line, "[%s tini (%d)] ", names[level], getpid());
	va_list arguments;
	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof line - length, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof line - 2)
		length = sizeof line - 2;
	line[length++] = '\n';
	if (write(level > WARN ? STDOUT_FILENO : STDERR_FILENO, line, length) < 0)
		return; /* there is no other place to report to */
}

static void usage(int fd, const char *self)
{
	const char *slash = strrchr(self, '/');
	const char *name = slash ? slash + 1 : self;
	dprintf(fd,
		"%s (tini version " TINI_VERSION ")\n"
		"Usage: %s [OPTIONS] [--] PROGRAM [ARGS] | --version\n\n"
		"Runs PROGRAM as its only child: passes signals on, reaps orphans, exits with PROGRAM's status.\n\n"
		"Command line options:\n\n"
		"  --version: Show the version and exit.\n"
		"  -h: Show this help and exit.\n"
		"  -s: Register as a child subreaper, for use where tini is not process 1.\n"
		"  -p SIGNAL: Get SIGNAL when tini's parent dies, such as \"-p SIGKILL\".\n"
		"  -v: Say more. May be repeated up to 3 times.\n"
		"  -w: Warn about each orphan that is reaped.\n"
		"  -g: Send signals to the child's whole process group.\n"
		"  -e EXIT_CODE: Exit with 0 when the child exits with EXIT_CODE (0 to 255). May be repeated.\n"
		"  -l: Show the licence and exit.\n\n"
		"Environment variables:\n\n"
		"  TINI_SUBREAPER: Register as a child subreaper.\n"
		"  TINI_VERBOSITY: How much to say, 0 to 4 (default: 1).\n"
		"  TINI_KILL_PROCESS_GROUP: Send signals to the child's whole process group.\n\n"
		"Example:\n\n"
		"  %s -g -- sh -c 'sleep 60'\n",
		name, name, name);
}

static void set_parent_death_signal(const char *name)
{
	for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++) {
		if (strcmp(signal_names[i].name, name) == 0)
			opt.parent_death_signal = signal_names[i].number;
	}
	if (opt.parent_death_signal)
		return;
	say(FATAL, "Not a valid option for -p: %s (a signal name such as SIGTERM)", name);
	exit(1);
}

static void add_remap(const char *text)
{
	char *end;
	long code = strtol(text, &end, 10);
	if (end == text || *end != '\0' || code < 0 || code > 255) {
		say(FATAL, "Not a valid option for -e: %s (a number from 0 to 255)", text);
		exit(1);
	}
	opt.remap[code] = 1;
}

/* Fills `opt`; returns the program's argv. Ends the process where there is nothing to run. */
static char **parse_arguments(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		dprintf(STDOUT_FILENO, "tini version " TINI_VERSION "\n");
		exit(0);
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(STDOUT_FILENO, argv[0]);
		exit(0);
	}
	/* The leading + stops at the program's name, so that its own flags are left to it. */
	for (int letter; (letter = getopt(argc, argv, "+p:hvwgle:s")) != -1;) {
		switch (letter) {
		case 's': opt.subreaper = 1; break;
		case 'p': set_parent_death_signal(optarg); break;
		case 'v': opt.verbosity++; break;
		case 'w': opt.warn_on_reap = 1; break;
		case 'g': opt.kill_process_group = 1; break;
		case 'e': add_remap(optarg); break;
		case 'h': usage(STDOUT_FILENO, argv[0]); exit(0);
		case 'l': dprintf(STDOUT_FILENO, "%s", license_text); exit(0);
		default: usage(STDERR_FILENO, argv[0]); exit(1);
		}
	}
	if (optind == argc) {
		usage(STDERR_FILENO, argc > 0 ? argv[0] : "tini");
		exit(1);
	}
	if (getenv("TINI_SUBREAPER"))
		opt.subreaper = 1;
	if (getenv("TINI_KILL_PROCESS_GROUP"))
		opt.kill_process_group = 1;
	if (getenv("TINI_VERBOSITY"))
		opt.verbosity = atoi(getenv("TINI_VERBOSITY"));
	return argv + optind;
}

static void become_reaper(void)
{
	int is_subreaper = 0;
	if (opt.subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		say(FATAL, "Registering as child subreaper failed: %s", strerror(errno));
		exit(1);
	}
	if (opt.subreaper)
		say(TRACE, "Registered as child subreaper");
	if (getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper))
		return;
	say(WARN, "Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
		  "Orphaned processes will not become its children, so it cannot reap them.\n"
		  "Use the -s option or set TINI_SUBREAPER to register it, or run Tini as PID 1.");
}

static void set_mask(const uint64_t *mask, uint64_t *former)
{
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, former, sizeof *mask)) {
		say(FATAL, "Setting the signal mask failed: %s", strerror(errno));
		exit(1);
	}
}

/*
 * Blocks the signals that the main loop reads; signals for a fault in tini itself must still end it.
 * SIGTTIN and SIGTTOU are ignored because the child's group will own the terminal, and a message from tini
 * must not stop it. SIGCHLD must not be ignored: the kernel would reap the child and drop its status.
 */
static void take_signals(uint64_t *waited)
{
	static const int left_alone[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU };
	const struct sigaction ignore = { .sa_handler = SIG_IGN }, standard = { .sa_handler = SIG_DFL };
	*waited = ~UINT64_C(0);
	for (size_t i = 0; i < sizeof left_alone / sizeof *left_alone; i++)
		*waited &= ~(UINT64_C(1) << (left_alone[i] - 1));
	set_mask(waited, &inherited.mask);
	if (sigaction(SIGTTIN, &ignore, &inherited.ttin) || sigaction(SIGTTOU, &ignore, &inherited.ttou) ||
	    sigaction(SIGCHLD, &standard, &inherited.chld)) {
		say(FATAL, "Setting signal actions failed: %s", strerror(errno));
		exit(1);
	}
}

static void give_signals_back(void)
{
	sigaction(SIGTTIN, &inherited.ttin, NULL);
	sigaction(SIGTTOU, &inherited.ttou, NULL);
	sigaction(SIGCHLD, &inherited.chld, NULL);
	set_mask(&inherited.mask, NULL);
}

/* The child gets a process group of its own, and the terminal's foreground where there is a terminal. */
static void isolate_child(void)
{
	if (setpgid(0, 0)) {
		say(FATAL, "setpgid failed: %s", strerror(errno));
		exit(1);
	}
	if (tcsetpgrp(STDIN_FILENO, getpgrp()) == 0)
		return;
	if (errno == ENOTTY || errno == ENXIO || errno == EBADF) {
		say(DEBUG, "tcsetpgrp failed: %s (ok to proceed)", strerror(errno));
		return;
	}
	say(FATAL, "tcsetpgrp failed: %s", strerror(errno));
	exit(1);
}

/* A file without an interpreter line is given to the shell, as execvp(3) has it. */
static void try_exec(const char *path, char **argv)
{
	execv(path, argv);
	if (errno != ENOEXEC)
		return;
	int count = 0;
	while (argv[count])
		count++;
	char *shell_argv[count + 2];
	shell_argv[0] = "/bin/sh";
	shell_argv[1] = (char *)path;
	memcpy(shell_argv + 2, argv + 1, count * sizeof *argv); /* the closing NULL too */
	execv("/bin/sh", shell_argv);
	errno = ENOEXEC;
}

/* Returns only on failure, with errno set: EACCES where some directory had the file and refused it. */
static void search_and_exec(char **argv)
{
	if (argv[0][0] == '\0' || strchr(argv[0], '/')) {
		try_exec(argv[0], argv);
		return;
	}
	const char *list = getenv("PATH");
	int refused = 0;
	for (const char *at = list ? list : "/bin:/usr/bin"; at;) {
		const char *colon = strchr(at, ':');
		char path[PATH_MAX];
		int length = colon ? (int)(colon - at) : (int)strlen(at);
		if (snprintf(path, sizeof path, "%.*s/%s", length ? length : 1, length ? at : ".", argv[0]) <
		    (int)sizeof path) {
			try_exec(path, argv);
			if (errno == EACCES)
				refused = 1;
			else if (errno != ENOENT && errno != ENOTDIR)
				return;
		}
		at = colon ? colon + 1 : NULL;
	}
	errno = refused ? EACCES : ENOENT;
}

static pid_t start_child(char **argv)
{
	pid_t pid = fork();
	if (pid < 0) {
		say(FATAL, "fork failed: %s", strerror(errno));
		exit(1);
	}
	if (pid > 0) {
		say(INFO, "Spawned child process '%s' with pid '%d'", argv[0], pid);
		return pid;
	}
	isolate_child();
	give_signals_back();
	search_and_exec(argv);
	int status = errno == ENOENT ? 127 : errno == EACCES ? 126 : 1;
	say(FATAL, "exec %s failed: %s", argv[0], strerror(errno));
	_exit(status);
}

static void wait_and_forward(const uint64_t *waited, pid_t child)
{
	siginfo_t info;
	if (syscall(SYS_rt_sigtimedwait, waited, &info, NULL, sizeof *waited) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return;
		say(FATAL, "Waiting for signals failed: %s", strerror(errno));
		exit(1);
	}
	if (info.si_signo == SIGCHLD) {
		say(DEBUG, "Received SIGCHLD");
		return;
	}
	say(DEBUG, "Passing signal %d: '%s'", info.si_signo, strsignal(info.si_signo));
	if (kill(opt.kill_process_group ? -child : child, info.si_signo)) {
		say(WARN, "Passing signal %d failed: %s", info.si_signo, strerror(errno));
	}
}

static int exit_code(int status)
{
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		say(INFO, "Main child exited with signal (with signal '%s')", strsignal(WTERMSIG(status)));
	else
		say(INFO, "Main child exited normally (with status '%d')", code);
	return opt.remap[code] ? 0 : code;
}

/* Takes every dead child; the exit code once the main child was among them, else -1. */
static int reap(pid_t child)
{
	int code = -1, status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		say(DEBUG, "Reaped child with pid: '%d'", pid);
		if (pid == child)
			code = exit_code(status);
		else if (opt.warn_on_reap)
			say(WARN, "Reaped zombie process with pid=%d", pid);
	}
	return code;
}

int main(int argc, char **argv)
{
	uint64_t waited;
	int code = -1;
	char **program = parse_arguments(argc, argv);
	take_signals(&waited);
	if (opt.parent_death_signal && prctl(PR_SET_PDEATHSIG, opt.parent_death_signal)) {
		say(FATAL, "Setting the parent death signal failed: %s", strerror(errno));
		return 1;
	}
	become_reaper();
	pid_t child = start_child(program);
	while (code < 0) {
		wait_and_forward(&waited, child);
		code = reap(child);
	}
	return code;
}
