/* In-container probe: prints what a program sees, as one JSON document per subcommand. */
#pragma once
#include <stdint.h>

typedef int probe_command(int argc, char **argv);

probe_command probe_id, probe_caps, probe_prctl, probe_rlimits, probe_signals, probe_namespaces;
probe_command probe_env, probe_args, probe_process, probe_terminal;
probe_command probe_fds, probe_open, probe_stat, probe_read, probe_mounts, probe_sysctl;
probe_command probe_sleep, probe_syscall, probe_memory, probe_forks, probe_udp_echo;

/* JSON to standard output. */
void json_string(const char *text);
void json_bytes(const char *bytes, long length);
/* {"errno":2,"error":"No such file or directory"}, or {"errno":0} */
int json_errno(int error);
/* A file's whole content as a JSON string; its errno where it cannot be read. */
int json_file(const char *path);
