/* Generated from schema/ops.json by schema/generate.ts; change it there. Operations that are one system call. */
/* clang-format off */
#define _GNU_SOURCE
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"
#include "kernel.h"

/* sethostname(2). */
int do_hostname(const struct op_hostname *op)
{
	return syscall(SYS_sethostname, op->name, strlen(op->name)) < 0 ? -1 : 0;
}

/* setdomainname(2). */
int do_domainname(const struct op_domainname *op)
{
	return syscall(SYS_setdomainname, op->name, strlen(op->name)) < 0 ? -1 : 0;
}

/* setsid(2); no failure where the process leads a group already. */
int do_session(const struct op_session *op)
{
	(void)op;
	return syscall(SYS_setsid) < 0 && errno != EPERM ? -1 : 0;
}

/* Joins a new session keyring without a name: a name could be that of another container's. No keyrings, no leak. */
int do_keyring(const struct op_keyring *op)
{
	(void)op;
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS ? -1 : 0;
}

/* setrlimit(2). */
int do_rlimit(const struct op_rlimit *op)
{
	return syscall(SYS_prlimit64, 0, op->resource, &op->soft, NULL) < 0 ? -1 : 0;
}

/* ioprio_set(2). */
int do_ioPriority(const struct op_ioPriority *op)
{
	return syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, op->value) < 0 ? -1 : 0;
}

/* personality(2). */
int do_personality(const struct op_personality *op)
{
	return syscall(SYS_personality, op->value) < 0 ? -1 : 0;
}

/* set_mempolicy(2); the mode with its flags, the mask of nodes empty for none. */
int do_memoryPolicy(const struct op_memoryPolicy *op)
{
	return syscall(SYS_set_mempolicy, op->mode, op->nodes->length ? op->nodes->data : NULL, op->nodes->length * 8 + 1) < 0 ? -1 : 0;
}

/* umask(2). */
int do_umask(const struct op_umask *op)
{
	return syscall(SYS_umask, op->mask) < 0 ? -1 : 0;
}

/* PR_SET_NO_NEW_PRIVS. */
int do_noNewPrivileges(const struct op_noNewPrivileges *op)
{
	(void)op;
	return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : 0;
}

/* setgroups(2): numbers of four bytes each. */
int do_groups(const struct op_groups *op)
{
	return syscall(SYS_setgroups, op->ids->length / 4, op->ids->data) < 0 ? -1 : 0;
}
