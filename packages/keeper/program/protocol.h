/* Generated from schema/messages.json by schema/generate.ts; change it there. */
#ifndef PROTOCOL_H
#define PROTOCOL_H
#include <stdint.h>

#define PROTOCOL_VERSION 1
#define LIMIT_MESSAGE 65536
#define LIMIT_NAME 32
#define LIMIT_DESCRIPTORS 512
#define LIMIT_PROCESSES 256
#define LIMIT_CLIENTS 8
#define LIMIT_PASSED 250
#define SPAWN_PROGRAM 1
#define SPAWN_CGROUP 2
#define SPAWN_SESSION 4
#define SPAWN_TERMINAL 8

#define MESSAGE_HELLO 1
#define MESSAGE_SPAWN 2
#define MESSAGE_ADOPT 3
#define MESSAGE_SETTLE 4
#define MESSAGE_SIGNAL 5
#define MESSAGE_ACKNOWLEDGE 6
#define MESSAGE_PUT 7
#define MESSAGE_GET 8
#define MESSAGE_DROP 9
#define MESSAGE_LIST 10
#define MESSAGE_SHUTDOWN 11
#define MESSAGE_REPLY 64
#define MESSAGE_LISTING 65
#define MESSAGE_EXITED 66
#define MESSAGE_REPLACED 67

struct request_hello {
	uint64_t version;
	uint64_t watch;
};
struct request_spawn {
	const char *name;
	const char *path;
	char *const *argv;
	char *const *env;
	const char *cwd;
	uint64_t flags;
	uint64_t cloneFlags;
};
struct request_adopt {
	const char *name;
	uint64_t pid;
};
struct request_settle {
	uint64_t on;
};
struct request_signal {
	const char *name;
	uint64_t signal;
};
struct request_acknowledge {
	const char *name;
};
struct request_put {
	char *const *names;
};
struct request_get {
	char *const *names;
};
struct request_drop {
	char *const *names;
};
struct request_list {
	char none;
};
struct request_shutdown {
	char none;
};

union request {
	uint64_t fields[7];
	struct request_hello hello;
	struct request_spawn spawn;
	struct request_adopt adopt;
	struct request_settle settle;
	struct request_signal signal;
	struct request_acknowledge acknowledge;
	struct request_put put;
	struct request_get get;
	struct request_drop drop;
	struct request_list list;
	struct request_shutdown shutdown;
};

/* X(number, name, field letters) */
#define REQUESTS(X) \
	X(1, hello, "nn") \
	X(2, spawn, "ssvvsnn") \
	X(3, adopt, "sn") \
	X(4, settle, "n") \
	X(5, signal, "sn") \
	X(6, acknowledge, "s") \
	X(7, put, "v") \
	X(8, get, "v") \
	X(9, drop, "v") \
	X(10, list, "") \
	X(11, shutdown, "")

#endif
