/* Tries to type into the terminal behind each standard stream, and to take it as its own; prints what it got. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(void)
{
	for (int fd = 0; fd < 3; fd++) {
		const char *owned = ioctl(fd, TIOCSCTTY, 0) < 0 ? strerror(errno) : "taken";
		const char *typed = ioctl(fd, TIOCSTI, "!") < 0 ? strerror(errno) : "typed";
		printf("%d: %s, %s\n", fd, owned, typed);
	}
	return 0;
}
