/*
 * Decodes fields of a plan's operations and of a keeper's messages. Everything is little-endian and padded to eight
 * bytes, so that fields are used where they lie:
 *
 *   number     u64
 *   string     u64 bytes including the NUL, bytes
 *   strings    u64 count, count + 1 empty u64 (made pointers here), strings
 *   numbers    u64 count, u64 each
 *   bytes      u64 length, bytes
 */
#ifndef FIELDS_H
#define FIELDS_H
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

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

/* A count is compared with what is left before it is multiplied. */
static void *take_strings(unsigned char **from, const unsigned char *end)
{
	uint64_t *count = take(from, end, 8);
	char **pointers = count && *count < (uint64_t)(end - *from) / 8 ? take(from, end, (*count + 1) * 8) : NULL;
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
	return count && *count <= (uint64_t)(end - *from) && take(from, end, *count * size) ? count : NULL;
}

/* Decodes the fields that the letters of a generated table name. Returns -1 with EINVAL where they are malformed. */
static int decode_fields(const char *letters, unsigned char *from, const unsigned char *end, uint64_t *fields)
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
		if (!value) {
			errno = EINVAL;
			return -1;
		}
		fields[i] = letters[i] == 'n' ? *(uint64_t *)value : (uint64_t)(uintptr_t)value;
	}
	return 0;
}

#endif
