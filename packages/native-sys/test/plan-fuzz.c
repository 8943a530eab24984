/*
 * Feeds the plan decoder with damaged plans, under the sanitizers: plan-fuzz SEED-FILE SECONDS [RANDOM-SEED].
 * Every plan lies in memory of exactly its size, and all that was decoded is read. Nothing is executed.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "init.h"

struct state state = { .channel = -1, .result = -1, .root = -1 };
static uint64_t random_state, sum;

int failure(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(state.detail, sizeof state.detail, format, arguments);
	va_end(arguments);
	return -1;
}

/* splitmix64: the same numbers everywhere for one seed. */
static uint64_t next_random(uint64_t below)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

static void read_bytes(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += ((const unsigned char *)bytes)[i];
}

static void read_field(char letter, uint64_t field)
{
	const struct numbers *numbers = (const struct numbers *)(uintptr_t)field;
	const struct bytes *bytes = (const struct bytes *)(uintptr_t)field;
	char *const *strings = (char *const *)(uintptr_t)field;
	switch (letter) {
	case 'n': sum += field; break;
	case 's': sum += strlen((const char *)(uintptr_t)field); break;
	case 'v':
		for (; *strings; strings++)
			sum += strlen(*strings);
		break;
	case 'l':
		for (uint64_t i = 0; i < numbers->count; i++)
			sum += numbers->items[i];
		break;
	case 'b': read_bytes(bytes->data, bytes->length); break;
	}
}

static void decode_all(struct plan plan)
{
	uint32_t number;
	union op op;
	for (uint32_t i = 0; i < plan.count && next_op(&plan, &number, &op) == 0; i++) {
		const char *letters = "";
		switch (number) {
#define X(number, name, letters_) \
	case number: letters = letters_; break;
			OPS(X)
#undef X
		}
		for (int field = 0; letters[field]; field++)
			read_field(letters[field], op.fields[field]);
	}
}

/* clang-format off */
static const uint64_t edges[] = { 0, 1, 7, 8, 9, 255, 1 << 16, 16 << 20, (16 << 20) + 1, 1ull << 31, 1ull << 32,
				  1ull << 60, 1ull << 61, 1ull << 63, ~0ull, ~0ull - 7, ~0ull - 8 };
/* clang-format on */

static size_t damage(unsigned char *plan, size_t size)
{
	for (uint64_t times = 1 + next_random(4); times--;) {
		size_t at = next_random(size);
		uint64_t edge = edges[next_random(sizeof edges / sizeof *edges)] + next_random(3) - 1;
		switch (next_random(5)) {
		case 0: plan[at] ^= 1 << next_random(8); break;
		case 1: plan[at] = (unsigned char)next_random(256); break;
		case 2:
		case 3:
			at &= ~7ul;
			memcpy(plan + at, &edge, size - at < 8 ? size - at : 8);
			break;
		case 4: size = 1 + next_random(size); break;
		}
	}
	return size;
}

/* The way in of the helper itself: header first, by a descriptor. */
static void read_from_descriptor(const unsigned char *bytes, size_t size)
{
	struct plan plan;
	int fd = memfd_create("plan", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, bytes, size) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	if (read_plan(fd, &plan) == 0) {
		size_t length = (size_t)(plan.end - plan.next);
		unsigned char *start = plan.next;
		decode_all(plan);
		munmap(start, length);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static unsigned char seed[1 << 20];
	FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL;
	size_t length = file ? fread(seed, 1, sizeof seed, file) : 0;
	time_t end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
	uint64_t count = 0;
	if (length <= 16)
		return 2;
	random_state = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
	printf("seed %llu\n", (unsigned long long)random_state);
	fflush(stdout);
	do {
		size_t size = length - 16;
		unsigned char *copy = malloc(length);
		memcpy(copy, seed, length);
		if (count % 64 == 0) {
			read_from_descriptor(copy, damage(copy, length));
		} else {
			unsigned char *body = malloc(size = damage(copy + 16, size));
			memcpy(body, copy + 16, size);
			decode_all((struct plan){ .count = 1000, .next = body, .end = body + size });
			free(body);
		}
		free(copy);
		count++;
	} while (count % 1024 || time(NULL) < end);
	printf("plans %llu\n", (unsigned long long)count);
	return sum == 1; /* the sum is there so that reading is not left out */
}
