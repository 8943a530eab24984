/*
 * The plan and the messages as bytes. Everything is little-endian and padded to eight bytes:
 *
 *   plan       u32 magic, u32 version, u32 operations, u32 bytes that follow
 *   operation  u32 number, u32 bytes of its fields, the fields (fields.h)
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fields.h"
#include "init.h"

#define PLAN_MAGIC 0x6e616c70u
#define PLAN_LIMIT (16u << 20)

struct plan_header {
	uint32_t magic, version, count, bytes;
};
struct op_header {
	uint32_t number, bytes;
};
struct message {
	uint32_t kind, index;
	int32_t value;
	uint32_t length;
};

int read_all(int fd, void *buffer, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = read(fd, (char *)buffer + done, length - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = ECONNRESET;
		if (got <= 0)
			return -1;
		done += (size_t)got;
	}
	return 0;
}

int write_all(int fd, const void *buffer, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t put = write(fd, (const char *)buffer + done, length - done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

int send_message(int fd, enum message_kind kind, int32_t value, const char *text)
{
	char buffer[sizeof(struct message) + sizeof state.detail];
	size_t length = strnlen(text, sizeof state.detail);
	struct message message = { kind, state.index, value, (uint32_t)length };
	memcpy(buffer, &message, sizeof message);
	memcpy(buffer + sizeof message, text, length);
	return write_all(fd, buffer, sizeof message + length);
}

int read_plan(int fd, struct plan *plan)
{
	struct plan_header header;
	if (read_all(fd, &header, sizeof header) < 0)
		return failure("reading the plan");
	errno = EINVAL;
	if (header.magic != PLAN_MAGIC || header.version != PLAN_VERSION || header.bytes > PLAN_LIMIT ||
	    header.bytes == 0)
		return failure("not a plan of version %u", PLAN_VERSION);
	plan->next = mmap(NULL, header.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (plan->next == MAP_FAILED || read_all(fd, plan->next, header.bytes) < 0)
		return failure("reading the plan");
	plan->end = plan->next + header.bytes;
	plan->count = header.count;
	return 0;
}

static int truncated(void)
{
	errno = EINVAL;
	return failure("malformed operation");
}

int next_op(struct plan *plan, uint32_t *number, union op *op)
{
	struct op_header *header = take(&plan->next, plan->end, sizeof *header);
	unsigned char *fields = header ? take(&plan->next, plan->end, header->bytes) : NULL;
	if (!fields)
		return truncated();
	*number = header->number;
	switch (header->number) {
#define X(number, name, letters) \
	case number: return decode_fields(letters, fields, fields + header->bytes, op->fields) < 0 ? truncated() : 0;
		OPS(X)
#undef X
	}
	return 0;
}
