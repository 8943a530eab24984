/* The home directory of a user, by the root file system's own /etc/passwd. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "init.h"

#define PASSWD_LIMIT (16 << 20)

static const char blank[] = " \t\r\n\v\f";

/* Reads a field that holds a number and nothing else, spaces aside: garbage must not count as 0, which is root. */
static int is_number(const char *field, uint64_t *number)
{
	size_t digits;
	field += strspn(field, blank);
	digits = strspn(field, "0123456789");
	if (digits == 0 || digits > 10 || field[digits + strspn(field + digits, blank)])
		return 0;
	*number = strtoull(field, NULL, 10);
	return 1;
}

/*
 * The sixth field of name:password:uid:gid:gecos:home:shell when the line is a user's with this id, else NULL. As libc
 * does, it skips comments, lines of NIS ("+name"), and lines whose numbers are none.
 */
static const char *home_of(char *line, uint64_t uid)
{
	char *field[6] = { 0 }, *end = line + strlen(line);
	uint64_t id, gid;
	while (end > line && strchr(blank, end[-1]))
		*--end = 0;
	line += strspn(line, blank);
	if (strchr("#+-", *line))
		return NULL;
	for (int i = 0; i < 6 && line; i++)
		field[i] = strsep(&line, ":");
	if (!field[2] || !is_number(field[2], &id) || id != uid)
		return NULL;
	if (field[3] && field[3][strspn(field[3], blank)] && !is_number(field[3], &gid))
		return NULL;
	return field[5] ? field[5] : "";
}

/* Writes HOME=… of a user; -1 when the user has no home there. The first entry with the id counts. */
int find_home(uint64_t uid, char *home, size_t size)
{
	struct stat stat;
	char *line = NULL;
	const char *found = NULL;
	size_t room = 0;
	FILE *file = NULL;
	/* Without blocking: an image may hold a named pipe there. */
	int result = -1, fd = resolve("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return -1;
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > PASSWD_LIMIT ||
	    !(file = fdopen(fd, "r"))) {
		close(fd);
		return -1;
	}
	while (!found && getline(&line, &room, file) > 0)
		found = home_of(line, uid);
	if (found && *found)
		result = snprintf(home, size, "HOME=%s", found) < (int)size ? 0 : -1;
	free(line);
	fclose(file);
	return result;
}
