// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel alone takes to start a container as the configuration of `behalf spec` describes it:
 *
 *	floor ROOTFS COMMAND [ARG...]
 *
 * The same namespaces, mounts, devices, masks, control groups and rights, then pivot and exec, with the
 * fewest calls and nothing else: no configuration is read, no state is kept, no path is checked, so it
 * is safe against nothing. A peer of bench/start; static, so that no loader is in the figure. What its libc
 * asks the processor at first is in it, which behalf-runtime goes without (src/launcher/entry.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS 24
#define SAFE (MS_NOSUID | MS_NOEXEC | MS_NODEV)
#define BIND_ONLY (MS_REMOUNT | MS_BIND | MS_RDONLY)

static char groups[GROUPS][256];
static const char *names[GROUPS]; /* of the hierarchies, as their mount points end */
static const char *entrances[GROUPS];
static int group_count;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void check(int r, const char *what)
{
	if (r < 0)
		die(what);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd, path);
	check((int)write(fd, text, strlen(text)), path);
	close(fd);
}

static void mount_at(const char *type, const char *target, unsigned long flags, const char *data)
{
	check(mount(type, target, type, flags, data), target);
}

/* A group of cpuset's takes nobody before it has processors and memory (v1). */
static void copy_from_parent(const char *group, const char *name)
{
	char path[320], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/../%s", group, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd, path);
	n = read(fd, text, sizeof(text) - 1);
	check((int)n, path);
	text[n] = '\0';
	close(fd);
	write_file(group, name, text);
}

/*
 * Version 1 takes a single thread, too, and one that moves itself without the lock of all thread groups,
 * which is given only after a grace period of RCU (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
 */
static const char *entrance(const char *point)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/tasks", point);
	return access(path, F_OK) == 0 ? "tasks" : "cgroup.procs";
}

/* A group in every hierarchy that has processes; what covers a hierarchy hides it. */
static void make_groups(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[1024], point[200], type[40], path[256];
	const char *behind;

	if (!mounts)
		die("/proc/self/mountinfo");
	while (group_count < GROUPS && fgets(line, sizeof(line), mounts)) {
		behind = strstr(line, " - ");
		if (!behind || sscanf(line, "%*s %*s %*s %*s %199s", point) != 1 ||
		    sscanf(behind, " - %39s", type) != 1 || strncmp(type, "cgroup", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/cgroup.procs", point);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(groups[group_count], sizeof(groups[0]), "%s/floor-%d", point, getpid());
		check(mkdir(groups[group_count], 0755), groups[group_count]);
		entrances[group_count] = entrance(point);
		names[group_count] = strdup(strrchr(point, '/') + 1);
		if (strcmp(names[group_count], "cpuset") == 0) {
			copy_from_parent(groups[group_count], "cpuset.cpus");
			copy_from_parent(groups[group_count], "cpuset.mems");
		}
		group_count++;
	}
	fclose(mounts);
}

static void deny_devices(void)
{
	static const char *const allowed[] = {
		"c *:* m",   "b *:* m",	  "c 1:3 rwm", "c 1:8 rwm",   "c 1:7 rwm", "c 5:0 rwm",
		"c 1:5 rwm", "c 1:9 rwm", "c 5:1 rwm", "c 136:* rwm", "c 5:2 rwm",
	};

	for (int i = 0; i < group_count; i++) {
		if (strcmp(names[i], "devices") != 0)
			continue;
		write_file(groups[i], "devices.deny", "a");
		for (size_t j = 0; j < sizeof(allowed) / sizeof(allowed[0]); j++)
			write_file(groups[i], "devices.allow", allowed[j]);
	}
}

static void mount_groups(void)
{
	char target[256];

	mount_at("tmpfs", "sys/fs/cgroup", SAFE, "mode=755");
	for (int i = 0; i < group_count; i++) {
		snprintf(target, sizeof(target), "sys/fs/cgroup/%s", names[i]);
		check(mkdir(target, 0755), target);
		check(mount(groups[i], target, NULL, MS_BIND, NULL), target);
		check(mount(NULL, target, NULL, BIND_ONLY | SAFE, NULL), target);
	}
	check(mount(NULL, "sys/fs/cgroup", NULL, BIND_ONLY | SAFE, NULL), "sys/fs/cgroup");
}

static void make_devices(void)
{
	static const struct {
		const char *name;
		unsigned int major, minor;
	} devices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
		       {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
					       {"/proc/self/fd/0", "dev/stdin"},
					       {"/proc/self/fd/1", "dev/stdout"},
					       {"/proc/self/fd/2", "dev/stderr"},
					       {"pts/ptmx", "dev/ptmx"}};

	umask(0);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		check(mknod(devices[i].name, S_IFCHR | 0666,
			    makedev(devices[i].major, devices[i].minor)),
		      devices[i].name);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		check(symlink(links[i][0], links[i][1]), links[i][1]);
	umask(022);
}

static void make_mounts(void)
{
	mount_at("proc", "proc", 0, NULL);
	mount_at("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	check(mkdir("dev/pts", 0755) | mkdir("dev/shm", 0755) | mkdir("dev/mqueue", 0755), "dev");
	mount_at("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC,
		 "newinstance,ptmxmode=0666,mode=0620,gid=5");
	mount_at("tmpfs", "dev/shm", SAFE, "mode=1777,size=65536k");
	mount_at("mqueue", "dev/mqueue", SAFE, NULL);
	mount_at("sysfs", "sys", SAFE | MS_RDONLY, NULL);
	mount_groups();
	make_devices();
}

static void mask(void)
{
	static const char *const masked[] = {
		"/proc/acpi",	       "/proc/asound",	   "/proc/kcore",	"/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/sys/firmware",       "/proc/scsi",
	};
	static const char *const fixed[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					    "/proc/sysrq-trigger"};

	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) < 0 && errno == ENOTDIR)
			mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "size=0k");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (mount(fixed[i], fixed[i], NULL, MS_BIND | MS_REC, NULL) == 0)
			mount(NULL, fixed[i], NULL, BIND_ONLY | SAFE, NULL);
}

static void bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(ioctl(fd, SIOCSIFFLAGS, &request), "lo");
	close(fd);
}

static void give_up_rights(void)
{
	static const unsigned int kept = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL |
					 1u << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept}};

	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap >= 32 || !(kept & 1u << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	check((int)syscall(SYS_capset, &header, data), "capset");
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void become(const char *rootfs, char **command)
{
	char path[] = "PATH=/bin", term[] = "TERM=xterm";
	char *environment[] = {path, term, NULL};

	for (int i = 0; i < group_count; i++)
		write_file(groups[i], entrances[i], "0");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "/");
	check(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), rootfs);
	check(chdir(rootfs), rootfs);
	make_mounts();
	check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	mask();
	check(mount(NULL, "/", NULL, BIND_ONLY, NULL), "/");
	bring_loopback_up();
	check(sethostname("floor", 5), "sethostname");
	setsid();
	give_up_rights();
	execve(command[0], command, environment);
	die(command[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
					   CLONE_NEWUTS | CLONE_NEWNS,
				  .exit_signal = SIGCHLD};
	int status = 0;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "Usage: floor ROOTFS COMMAND [ARG...]\n");
		return 125;
	}
	make_groups();
	deny_devices();
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		become(argv[1], argv + 2);
	waitpid(pid, &status, 0);
	for (int i = 0; i < group_count; i++)
		rmdir(groups[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
