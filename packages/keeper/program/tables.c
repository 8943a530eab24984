/* The keeper's state: descriptors and processes by name, in tables of fixed size. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "keeper.h"

static struct {
	char name[LIMIT_NAME];
	int fd;
} held[LIMIT_DESCRIPTORS];
static struct process processes[LIMIT_PROCESSES];

static int set_name(char *to, const char *name)
{
	size_t length = strlen(name);
	if (length == 0 || length >= LIMIT_NAME) {
		errno = length ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	memcpy(to, name, length + 1);
	return 0;
}

/* The entry of that name, else a free one for the empty name, else -1. */
static int find_held(const char *name)
{
	for (int i = 0; i < LIMIT_DESCRIPTORS; i++)
		if (strcmp(held[i].name, name) == 0)
			return i;
	return -1;
}

int hold(const char *name, int fd)
{
	int at = find_held(name);
	int replaces = at >= 0 && *name;
	if (!replaces && (at = find_held("")) < 0) {
		errno = ENOSPC;
		return -1;
	}
	if (!replaces && set_name(held[at].name, name) < 0)
		return -1;
	if (replaces)
		close(held[at].fd);
	held[at].fd = fd;
	return 0;
}

int held_fd(const char *name)
{
	int at = *name ? find_held(name) : -1;
	errno = ENOENT;
	return at < 0 ? -1 : held[at].fd;
}

void drop(const char *name)
{
	int at = *name ? find_held(name) : -1;
	if (at < 0)
		return;
	held[at].name[0] = 0;
	close(held[at].fd);
}

struct process *process_named(const char *name)
{
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		if (processes[i].pid && strcmp(processes[i].name, name) == 0)
			return &processes[i];
	return NULL;
}

static struct process *running(pid_t pid)
{
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		if (processes[i].pid == pid && !processes[i].code)
			return &processes[i];
	return NULL;
}

int remember(const char *name, pid_t pid)
{
	if (process_named(name) || running(pid)) {
		errno = EEXIST;
		return -1;
	}
	for (int i = 0; i < LIMIT_PROCESSES; i++) {
		if (processes[i].pid)
			continue;
		if (set_name(processes[i].name, name) < 0)
			return -1;
		processes[i] = (struct process){ .pid = pid };
		return set_name(processes[i].name, name);
	}
	errno = ENOSPC;
	return -1;
}

int acknowledge(const char *name)
{
	struct process *process = process_named(name);
	if (process && !process->code) {
		errno = EBUSY;
		return -1;
	}
	if (process)
		process->pid = 0;
	return 0;
}

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void collect(struct process *process)
{
	siginfo_t info = { .si_pid = 0 };
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | __WALL) < 0 || info.si_pid == 0)
		return;
	process->time = now();
	process->code = info.si_code;
	process->status = info.si_status;
}

/* Collects all children that have ended. Those without a name are left as they are while something settles. */
void reap(int settling)
{
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		if (processes[i].pid && !processes[i].code)
			collect(&processes[i]);
	while (!settling) {
		siginfo_t info = { .si_pid = 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid == 0)
			return;
		/* A named one may have ended just now. */
		struct process *process = running(info.si_pid);
		if (process)
			collect(process);
		else
			waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG | __WALL);
	}
}

/* The next watcher gets all exits. */
void announce_again(void)
{
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		processes[i].announced = 0;
}

struct process *next_exit(void)
{
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		if (processes[i].pid && processes[i].code && !processes[i].announced)
			return &processes[i];
	return NULL;
}

/* True when nothing is kept and no child lives. */
int is_idle(void)
{
	siginfo_t info;
	for (int i = 0; i < LIMIT_DESCRIPTORS; i++)
		if (held[i].name[0])
			return 0;
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		if (processes[i].pid)
			return 0;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD;
}

static const char *next_held(unsigned *at)
{
	while (!held[*at].name[0])
		(*at)++;
	return held[(*at)++].name;
}

static const char *next_process(unsigned *at)
{
	while (!processes[*at].pid)
		(*at)++;
	return processes[(*at)++].name;
}

void put_listing(int settling)
{
	unsigned held_count = 0, process_count = 0;
	for (int i = 0; i < LIMIT_DESCRIPTORS; i++)
		held_count += held[i].name[0] != 0;
	for (int i = 0; i < LIMIT_PROCESSES; i++)
		process_count += processes[i].pid != 0;
	begin(MESSAGE_LISTING);
	put_number((uint64_t)getpid());
	put_number((uint64_t)settling);
	put_strings(held_count, next_held);
	put_strings(process_count, next_process);
	put_number(process_count * 4);
	for (int i = 0; i < LIMIT_PROCESSES; i++) {
		if (!processes[i].pid)
			continue;
		put_number((uint64_t)processes[i].pid);
		put_number((uint64_t)processes[i].code);
		put_number((uint64_t)processes[i].status);
		put_number(processes[i].time);
	}
}
