/*
 * Messages as bytes: u32 number, u32 bytes of its fields, and the fields (native-sys/init/fields.h). Bytes after the
 * last field are ignored: a later version may add fields at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "../../native-sys/init/fields.h"
#include "keeper.h"

struct header {
	uint32_t number, bytes;
};

static struct {
	_Alignas(8) unsigned char bytes[LIMIT_MESSAGE];
	size_t used;
} out;

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
