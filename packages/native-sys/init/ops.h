/* Generated from schema/ops.json by schema/generate.ts; change it there. */
/* clang-format off */
#ifndef OPS_H
#define OPS_H
#include <stdint.h>

#define PLAN_VERSION 4

struct numbers { uint64_t count; uint64_t items[]; };
struct bytes { uint64_t length; unsigned char data[]; };

struct op_write {
	const char *path;
	const char *data;
};
struct op_writeProc {
	const char *path;
	const char *data;
};
struct op_join {
	uint64_t directory;
	const struct numbers *types;
	char *const *paths;
	uint64_t root;
};
struct op_unshare {
	uint64_t flags;
};
struct op_sync {
	uint64_t point;
	uint64_t dumpable;
};
struct op_become {
	uint64_t uid;
	uint64_t gid;
};
struct op_fork {
	char none;
};
struct op_loopback {
	char none;
};
struct op_propagate {
	const char *path;
	uint64_t propagation;
	uint64_t recursive;
	uint64_t holder;
};
struct op_root {
	const char *path;
};
struct op_mount {
	const char *type;
	const char *source;
	const char *target;
	uint64_t attributes;
	char *const *options;
	uint64_t strict;
	uint64_t onProc;
	uint64_t inherit;
};
struct op_bind {
	uint64_t tree;
	const char *source;
	const char *target;
	uint64_t recursive;
	uint64_t set;
	uint64_t clear;
	uint64_t setRecursive;
	uint64_t clearRecursive;
	uint64_t onProc;
};
struct op_attributes {
	const char *path;
	uint64_t set;
	uint64_t clear;
	uint64_t recursive;
};
struct op_mkdir {
	const char *path;
	uint64_t mode;
};
struct op_symlink {
	const char *target;
	const char *path;
};
struct op_mknod {
	const char *path;
	uint64_t mode;
	uint64_t major;
	uint64_t minor;
	uint64_t uid;
	uint64_t gid;
	uint64_t replace;
};
struct op_mask {
	const char *path;
};
struct op_readonly {
	const char *path;
};
struct op_pivot {
	uint64_t move;
};
struct op_copyUp {
	const char *source;
	const char *target;
	uint64_t attributes;
	char *const *options;
	uint64_t inherit;
};
struct op_hostname {
	const char *name;
};
struct op_domainname {
	const char *name;
};
struct op_session {
	char none;
};
struct op_console {
	uint64_t socket;
	uint64_t width;
	uint64_t height;
	uint64_t bind;
	uint64_t newlines;
};
struct op_keyring {
	char none;
};
struct op_rlimit {
	uint64_t resource;
	uint64_t soft;
	uint64_t hard;
};
struct op_scheduler {
	uint64_t policy;
	uint64_t flags;
	uint64_t nice;
	uint64_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};
struct op_ioPriority {
	uint64_t value;
};
struct op_personality {
	uint64_t value;
};
struct op_affinity {
	const struct bytes *mask;
};
struct op_memoryPolicy {
	uint64_t mode;
	const struct bytes *nodes;
};
struct op_umask {
	uint64_t mask;
};
struct op_noNewPrivileges {
	char none;
};
struct op_boundingSet {
	uint64_t mask;
};
struct op_streams {
	uint64_t uid;
};
struct op_groups {
	const struct bytes *ids;
};
struct op_user {
	uint64_t uid;
	uint64_t gid;
};
struct op_capabilities {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};
struct op_seccomp {
	const struct bytes *filter;
	uint64_t flags;
	uint64_t point;
	uint64_t dumpable;
};
struct op_directory {
	const char *path;
};
struct op_program {
	const char *name;
	const char *path;
};
struct op_wait {
	uint64_t start;
	uint64_t result;
};
struct op_hook {
	const char *path;
	char *const *args;
	char *const *env;
	uint64_t inherit;
	uint64_t timeout;
	uint64_t index;
	uint64_t inRoot;
};
struct op_environment {
	char *const *env;
	const char *home;
	uint64_t uid;
};
struct op_exec {
	char *const *args;
	uint64_t keep;
};

union op {
	uint64_t fields[9];
	struct op_write write;
	struct op_writeProc writeProc;
	struct op_join join;
	struct op_unshare unshare;
	struct op_sync sync;
	struct op_become become;
	struct op_fork fork;
	struct op_loopback loopback;
	struct op_propagate propagate;
	struct op_root root;
	struct op_mount mount;
	struct op_bind bind;
	struct op_attributes attributes;
	struct op_mkdir mkdir;
	struct op_symlink symlink;
	struct op_mknod mknod;
	struct op_mask mask;
	struct op_readonly readonly;
	struct op_pivot pivot;
	struct op_copyUp copyUp;
	struct op_hostname hostname;
	struct op_domainname domainname;
	struct op_session session;
	struct op_console console;
	struct op_keyring keyring;
	struct op_rlimit rlimit;
	struct op_scheduler scheduler;
	struct op_ioPriority ioPriority;
	struct op_personality personality;
	struct op_affinity affinity;
	struct op_memoryPolicy memoryPolicy;
	struct op_umask umask;
	struct op_noNewPrivileges noNewPrivileges;
	struct op_boundingSet boundingSet;
	struct op_streams streams;
	struct op_groups groups;
	struct op_user user;
	struct op_capabilities capabilities;
	struct op_seccomp seccomp;
	struct op_directory directory;
	struct op_program program;
	struct op_wait wait;
	struct op_hook hook;
	struct op_environment environment;
	struct op_exec exec;
};

int do_write(const struct op_write *op);
int do_writeProc(const struct op_writeProc *op);
int do_join(const struct op_join *op);
int do_unshare(const struct op_unshare *op);
int do_sync(const struct op_sync *op);
int do_become(const struct op_become *op);
int do_fork(const struct op_fork *op);
int do_loopback(const struct op_loopback *op);
int do_propagate(const struct op_propagate *op);
int do_root(const struct op_root *op);
int do_mount(const struct op_mount *op);
int do_bind(const struct op_bind *op);
int do_attributes(const struct op_attributes *op);
int do_mkdir(const struct op_mkdir *op);
int do_symlink(const struct op_symlink *op);
int do_mknod(const struct op_mknod *op);
int do_mask(const struct op_mask *op);
int do_readonly(const struct op_readonly *op);
int do_pivot(const struct op_pivot *op);
int do_copyUp(const struct op_copyUp *op);
int do_hostname(const struct op_hostname *op);
int do_domainname(const struct op_domainname *op);
int do_session(const struct op_session *op);
int do_console(const struct op_console *op);
int do_keyring(const struct op_keyring *op);
int do_rlimit(const struct op_rlimit *op);
int do_scheduler(const struct op_scheduler *op);
int do_ioPriority(const struct op_ioPriority *op);
int do_personality(const struct op_personality *op);
int do_affinity(const struct op_affinity *op);
int do_memoryPolicy(const struct op_memoryPolicy *op);
int do_umask(const struct op_umask *op);
int do_noNewPrivileges(const struct op_noNewPrivileges *op);
int do_boundingSet(const struct op_boundingSet *op);
int do_streams(const struct op_streams *op);
int do_groups(const struct op_groups *op);
int do_user(const struct op_user *op);
int do_capabilities(const struct op_capabilities *op);
int do_seccomp(const struct op_seccomp *op);
int do_directory(const struct op_directory *op);
int do_program(const struct op_program *op);
int do_wait(const struct op_wait *op);
int do_hook(const struct op_hook *op);
int do_environment(const struct op_environment *op);
int do_exec(const struct op_exec *op);

/* X(number, name, field letters) */
#define OPS(X) \
	X(1, write, "ss") \
	X(2, writeProc, "ss") \
	X(3, join, "nlvn") \
	X(4, unshare, "n") \
	X(5, sync, "nn") \
	X(6, become, "nn") \
	X(7, fork, "") \
	X(8, loopback, "") \
	X(10, propagate, "snnn") \
	X(11, root, "s") \
	X(12, mount, "sssnvnnn") \
	X(13, bind, "nssnnnnnn") \
	X(14, attributes, "snnn") \
	X(15, mkdir, "sn") \
	X(16, symlink, "ss") \
	X(17, mknod, "snnnnnn") \
	X(18, mask, "s") \
	X(19, readonly, "s") \
	X(20, pivot, "n") \
	X(21, copyUp, "ssnvn") \
	X(30, hostname, "s") \
	X(31, domainname, "s") \
	X(32, session, "") \
	X(33, console, "nnnnn") \
	X(34, keyring, "") \
	X(40, rlimit, "nnn") \
	X(41, scheduler, "nnnnnnn") \
	X(42, ioPriority, "n") \
	X(43, personality, "n") \
	X(35, affinity, "b") \
	X(36, memoryPolicy, "nb") \
	X(44, umask, "n") \
	X(45, noNewPrivileges, "") \
	X(46, boundingSet, "n") \
	X(37, streams, "n") \
	X(38, groups, "b") \
	X(47, user, "nn") \
	X(48, capabilities, "nnnn") \
	X(49, seccomp, "bnnn") \
	X(50, directory, "s") \
	X(51, program, "ss") \
	X(52, wait, "nn") \
	X(53, hook, "svvnnnn") \
	X(54, environment, "vsn") \
	X(55, exec, "vn")

#endif
