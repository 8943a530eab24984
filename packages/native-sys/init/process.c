/* Identity, capabilities and restrictions of the program's process. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

int do_scheduler(const struct op_scheduler *op)
{
	struct sched_attr attr = {
		.size = sizeof attr,
		.sched_policy = (uint32_t)op->policy,
		.sched_flags = op->flags,
		.sched_nice = (int32_t)op->nice,
		.sched_priority = (uint32_t)op->priority,
		.sched_runtime = op->runtime,
		.sched_deadline = op->deadline,
		.sched_period = op->period,
	};
	return (int)syscall(SYS_sched_setattr, 0, &attr, 0);
}

/* More processors than any kernel is built for: the kernel takes those that the machine and the cgroup have. */
#define ALL_PROCESSORS (64 * 1024 / 8)

int do_affinity(const struct op_affinity *op)
{
	static unsigned char all[ALL_PROCESSORS];
	if (op->mask->length)
		return syscall(SYS_sched_setaffinity, 0, op->mask->length, op->mask->data) < 0 ? -1 : 0;
	memset(all, 0xff, sizeof all);
	syscall(SYS_sched_setaffinity, 0, sizeof all, all);
	return 0;
}

int do_boundingSet(const struct op_boundingSet *op)
{
	for (int cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (held < 0)
			break; /* beyond the kernel's last one */
		if (held && !(op->mask >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return failure("capability %d", cap);
	}
	return 0;
}

/* A read-only or foreign file stays as it is: the descriptor still works. The null device is shared by all. */
int do_streams(const struct op_streams *op)
{
	struct stat stat;
	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &stat) == 0 && stat.st_rdev != makedev(1, 3) && fchown(fd, (uid_t)op->uid, (gid_t)-1) < 0)
			continue;
	return 0;
}

/* A change of user resets the dumpable flag to fs.suid_dumpable; this process must stay unreadable to others. */
static int take_ids(uint64_t uid, uint64_t gid)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -1;
	if (setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) < 0)
		return failure("gid %u", (unsigned)gid);
	if (setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0)
		return failure("uid %u", (unsigned)uid);
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int do_become(const struct op_become *op)
{
	return take_ids(op->uid, op->gid);
}

int do_user(const struct op_user *op)
{
	return take_ids(op->uid, op->gid);
}

int do_capabilities(const struct op_capabilities *op)
{
	struct cap_header header = { CAPABILITY_VERSION_3, 0 };
	struct cap_data data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(op->effective >> 32 * i);
		data[i].permitted = (uint32_t)(op->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(op->inheritable >> 32 * i);
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return failure("ambient set");
	for (int cap = 0; cap < 64; cap++)
		if (op->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return failure("ambient capability %d", cap);
	return 0;
}

int do_seccomp(const struct op_seccomp *op)
{
	struct sock_fprog program = {
		.len = (unsigned short)(op->filter->length / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)op->filter->data,
	};
	if (op->filter->length % sizeof(struct sock_filter) || op->filter->length / sizeof(struct sock_filter) > 4096) {
		errno = EINVAL;
		return failure("filter of %llu bytes", (unsigned long long)op->filter->length);
	}
	/* From here on the filter may refuse what reports need. */
	state.trace = 0;
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)op->flags, &program), result;
	char number[16];
	if (listener < 0 || !op->point)
		return listener;
	snprintf(number, sizeof number, "%d", listener);
	result = sync_with_runtime(op->point, op->dumpable, number);
	return closing(result, listener, -1);
}

/* getcwd returns "(unreachable)" when a directory outside the root was reached through a leaked descriptor. */
int do_directory(const struct op_directory *op)
{
	char path[4096];
	if (chdir(op->path) < 0)
		return -1;
	if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/') {
		errno = ENOENT;
		return failure("it lies outside the container");
	}
	return 0;
}
