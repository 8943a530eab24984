/* Shared declarations of the helper. */
#ifndef INIT_H
#define INIT_H
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include "ops.h"

/*
 * The helper executes one plan and keeps this state. Operations return 0, or -1 with errno set;
 * failure() adds detail to errno.
 */
struct state {
	int channel;                   /* the runtime's socket; -1 once it is closed */
	int result;                    /* where failures are reported after `start`; -1 before */
	int root;                      /* the directory in which paths are resolved */
	int empty;                     /* the mount of the first masked directory, which the others share; -1 before */
	uint32_t index;                /* the operation at work */
	int trace;                     /* each operation's time is reported */
	char detail[512];              /* more about its failure than errno */
	char program[4096];            /* what `program` found */
	char **environment;            /* the program's */
	const unsigned char *document; /* the state document that hooks read */
	size_t document_length;
};
extern struct state state;

enum message_kind { MESSAGE_ERROR = 1, MESSAGE_PID = 2, MESSAGE_SYNC = 3, MESSAGE_READY = 4, MESSAGE_DONE = 5 };

/* main.c */
int failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail(void) __attribute__((noreturn));

/* wire.c */
struct plan {
	uint32_t count;
	unsigned char *next, *end;
};
int read_plan(int fd, struct plan *plan);
int next_op(struct plan *plan, uint32_t *number, union op *op);
int read_all(int fd, void *buffer, size_t length);
int write_all(int fd, const void *buffer, size_t length);
int send_message(int fd, enum message_kind kind, int32_t value, const char *text);

/* namespaces.c: reports a sync point to the runtime and waits for its answer */
int sync_with_runtime(uint64_t point, uint64_t dumpable, const char *text);

/* path.c */
#define PATH_SIZE 4096
enum target_kind { TARGET_DIRECTORY, TARGET_FILE };
/* A path without slashes at its end, and its last part. */
struct place {
	char path[PATH_SIZE];
	const char *name;
};
int closing(int result, int a, int b);
int open_root(void);
int resolve(const char *path, uint64_t flags, uint64_t limits);
int resolve_below(int dir, const char *path, uint64_t flags);
int on_file_system(int fd, unsigned long magic);
int make_directory(const char *path, unsigned mode);
int make_parent(const char *path, struct place *place);
int open_target(const char *path, enum target_kind kind, uint64_t limits);

/* home.c */
int find_home(uint64_t uid, char *home, size_t size);

/* mounts.c */
int clone_tree(int fd, int recursive);
int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, int recursive);
int attach(int tree, int target);
int mount_target(const char *path, enum target_kind kind, uint64_t limits, uint64_t on_proc);
struct stat;
int new_mount(const char *type, const char *source, uint64_t attributes, char *const *options, const struct stat *like);
int stat_directory(const char *path, struct stat *stat);

#endif
