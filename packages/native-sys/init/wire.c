/*
 * The plan and the messages as bytes. Everything is little-endian and padded to eight bytes, so that operations are
 * used where they lie:
 *
 *   plan       u32 magic, u32 version, u32 operations, u32 bytes that follow
 *   operation  u32 number, u32 bytes of its fields
 *   number     u64
 *   string     u64 bytes including the NUL, bytes
 *   strings    u64 count, count + 1 empty u64 (made pointers here), strings
 *   numbers    u64 count, u64 each
 *   bytes      u64 length, bytes
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
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

/* Takes `length` bytes and their padding, or NULL when fewer are left. */
static void *take(unsigned char **from, const unsigned char *end, uint64_t length)
{
	void *taken = *from;
	uint64_t padded = (length + 7) & ~7ull;
	if (padded < length || padded > (uint64_t)(end - *from))
		return NULL;
	*from += padded;
	return taken;
}

static char *take_string(unsigned char **from, const unsigned char *end)
{
	uint64_t *length = take(from, end, 8);
	char *text = length && *length > 0 ? take(from, end, *length) : NULL;
	return text && text[*length - 1] == 0 ? text : NULL;
}

static void *take_strings(unsigned char **from, const unsigned char *end)
{
	uint64_t *count = take(from, end, 8);
	char **pointers = count && *count < PLAN_LIMIT / 8 ? take(from, end, (*count + 1) * 8) : NULL;
	for (uint64_t i = 0; pointers && i < *count; i++)
		if (!(pointers[i] = take_string(from, end)))
			return NULL;
	if (pointers)
		pointers[*count] = NULL;
	return pointers;
}

/* A count, and `size` bytes for each. */
static void *take_counted(unsigned char **from, const unsigned char *end, uint64_t size)
{
	uint64_t *count = take(from, end, 8);
	return count && *count <= PLAN_LIMIT && take(from, end, *count * size) ? count : NULL;
}

int decode(const char *letters, unsigned char *from, const unsigned char *end, union op *op)
{
	for (int i = 0; letters[i]; i++) {
		void *value = NULL;
		switch (letters[i]) {
		case 'n': value = take(&from, end, 8); break;
		case 's': value = take_string(&from, end); break;
		case 'v': value = take_strings(&from, end); break;
		case 'l': value = take_counted(&from, end, 8); break;
		case 'b': value = take_counted(&from, end, 1); break;
		}
		if (!value)
			return truncated();
		op->fields[i] = letters[i] == 'n' ? *(uint64_t *)value : (uint64_t)(uintptr_t)value;
	}
	return 0;
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
	case number: return decode(letters, fields, fields + header->bytes, op);
		OPS(X)
#undef X
	}
	return 0;
}
