/*
 * Messages as bytes. Everything is little-endian and padded to eight bytes, so that requests are used where they lie;
 * the fields are those of a plan (native-sys/init/wire.c):
 *
 *   message    u32 number, u32 bytes of its fields
 *   number     u64
 *   string     u64 bytes including the NUL, bytes
 *   strings    u64 count, count + 1 empty u64 (made pointers here), strings
 *   numbers    u64 count, u64 each
 *
 * Bytes after the last field are ignored: a later version may add fields at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "keeper.h"

struct header {
	uint32_t number, bytes;
};

static struct {
	_Alignas(8) unsigned char bytes[LIMIT_MESSAGE];
	size_t used;
} out;

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
	char **pointers = count && *count < LIMIT_MESSAGE / 8 ? take(from, end, (*count + 1) * 8) : NULL;
	for (uint64_t i = 0; pointers && i < *count; i++)
		if (!(pointers[i] = take_string(from, end)))
			return NULL;
	if (pointers)
		pointers[*count] = NULL;
	return pointers;
}

static int decode_fields(const char *letters, unsigned char *from, const unsigned char *end, uint64_t *fields)
{
	for (int i = 0; letters[i]; i++) {
		void *value = letters[i] == 'n'   ? take(&from, end, 8)
			      : letters[i] == 's' ? (void *)take_string(&from, end)
						  : take_strings(&from, end);
		if (!value) {
			errno = EINVAL;
			return -1;
		}
		fields[i] = letters[i] == 'n' ? *(uint64_t *)value : (uint64_t)(uintptr_t)value;
	}
	return 0;
}

int decode(unsigned char *bytes, size_t length, struct request_message *request)
{
	unsigned char *from = bytes;
	struct header *header = length >= sizeof *header ? take(&from, bytes + length, sizeof *header) : NULL;
	if (!header || header->bytes > length - sizeof *header) {
		errno = EINVAL;
		return -1;
	}
	request->number = header->number;
	switch (header->number) {
#define X(number, name, letters) \
	case number: return decode_fields(letters, from, from + header->bytes, request->body.fields);
		REQUESTS(X)
#undef X
	}
	errno = ENOSYS;
	return -1;
}

/* One message is built at a time. What does not fit is left out, and `finish` then sends nothing. */
static void put(const void *bytes, size_t length)
{
	size_t padded = (length + 7) & ~(size_t)7;
	if (padded <= sizeof out.bytes - (out.used < sizeof out.bytes ? out.used : sizeof out.bytes)) {
		memset(out.bytes + out.used + padded - (padded ? 8 : 0), 0, padded ? 8 : 0);
		memcpy(out.bytes + out.used, bytes, length);
	}
	out.used += padded;
}

void begin(uint32_t number)
{
	struct header header = { number, 0 };
	out.used = 0;
	put(&header, sizeof header);
}

void put_number(uint64_t value)
{
	put(&value, sizeof value);
}

void put_string(const char *text)
{
	put_number(strlen(text) + 1);
	put(text, strlen(text) + 1);
}

void put_strings(unsigned count, const char *(*next)(unsigned *at))
{
	unsigned at = 0;
	put_number(count);
	for (unsigned i = 0; i <= count; i++)
		put_number(0);
	for (unsigned i = 0; i < count; i++)
		put_string(next(&at));
}

int finish(int socket, const int *fds, unsigned fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(LIMIT_PASSED * sizeof(int))] = { 0 };
	struct iovec bytes = { out.bytes, out.used };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	if (out.used > sizeof out.bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	((struct header *)out.bytes)->bytes = (uint32_t)(out.used - sizeof(struct header));
	if (fd_count > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}
