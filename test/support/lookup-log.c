// Preloaded into a program: writes "getenv NAME" to standard error for every look-up of a variable by the C library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

typedef char *lookup(const char *name);

static char *logged(const char *function, const char *name)
{
	char line[256] = "getenv ";
	size_t used = strlen(line), length = strlen(name);
	if (length > sizeof line - used - 1)
		length = sizeof line - used - 1;
	memcpy(line + used, name, length);
	line[used + length] = '\n';
	if (write(STDERR_FILENO, line, used + length + 1) < 0)
		_exit(125);
	return ((lookup *)dlsym(RTLD_NEXT, function))(name);
}

char *getenv(const char *name)
{
	return logged("getenv", name);
}

char *secure_getenv(const char *name)
{
	return logged("secure_getenv", name);
}
