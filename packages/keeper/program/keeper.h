#ifndef KEEPER_H
#define KEEPER_H
#include <stdint.h>
#include <sys/types.h>
#include "protocol.h"

/* A request with the descriptors that came with it; those that a handler does not take (sets to -1) are closed. */
struct request_message {
	uint32_t number;
	union request body;
	int fds[LIMIT_PASSED];
	unsigned fd_count;
};

/* A child that has not executed its program yet, or has failed to. */
struct spawning {
	int pipe, pidfd;
	pid_t pid;
	char name[LIMIT_NAME];
};

struct process {
	char name[LIMIT_NAME];
	pid_t pid; /* 0: the entry is free */
	int code, status, announced;
	uint64_t time;
};

/* wire.c: the bytes of messages. Each returns -1 with errno on failure. */
int decode(unsigned char *bytes, size_t length, struct request_message *request);
void begin(uint32_t number);
void put_number(uint64_t value);
void put_string(const char *text);
void put_strings(unsigned count, const char *(*next)(unsigned *at));
int finish(int socket, const int *fds, unsigned fd_count);

/* tables.c: what is kept. */
int hold(const char *name, int fd);
int held_fd(const char *name);
void drop(const char *name);
int remember(const char *name, pid_t pid);
struct process *process_named(const char *name);
int acknowledge(const char *name);
void reap(int settling);
void announce_again(void);
struct process *next_exit(void);
int is_idle(void);
void put_listing(int settling);

/* spawn.c */
int spawn(struct request_message *request, struct spawning *child);
int spawned(struct spawning *child, char *call, size_t size);

#endif
