/* Prints the memory policy of this process: its mode with flags, and the mask of its nodes. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int mode = -1;
	unsigned long nodes[16] = { 0 };
	syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0);
	printf("%#x %#lx\n", mode, nodes[0]);
	return 0;
}
