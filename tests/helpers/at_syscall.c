// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a command and, at its Nth system call, kills the process that makes it or has the call fail; or
 * holds it at that call and every later one for a while, for others to look at it.
 *
 *	at_syscall [-p PID] REPORT main|child N KILL|ERRNO|HOLD=MILLISECONDS COMMAND ARG...
 *
 * Counted are the calls of the command itself, after its first exec (main), or those of all processes
 * it makes, each until its first exec, and of process PID, which need not be one of them (child). ERRNO is a number. A call
 * that fails is not made, but for close, which is. REPORT gets one line: "NAME in FILE", the call and
 * the program or library that made it, or "none": there are fewer calls than N. Exits as the command
 * does, with 128 and the signal when one ended it.
 *
 * What the runtime of a sanitizer calls is left alone by failures: it ends the program then, which is no
 * fault of the program's. That is all before the first instruction of the program itself, where most of
 * it is, when such a runtime is linked in, and what is called from the runtime's own code later.
 */
#include <elf.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 64
#define BREAKPOINT 0xcc
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |  \
	 PTRACE_O_TRACEEXEC)

struct process {
	pid_t pid;
	bool failing; /* the end of its call gets the error */
};

static struct process processes[PROCESSES];
static pid_t main_pid;
static bool want_child, running, done;
static long wanted, seen;
static int failure; /* 0: kill */
static int hold_ms;
static const char *report_path;
static unsigned long long entry; /* 0: has been reached, or does not matter */
static long entry_code;
static bool sanitized;

static struct process *process_of(pid_t pid)
{
	for (size_t i = 0; i < PROCESSES; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	for (size_t i = 0; i < PROCESSES; i++)
		if (!processes[i].pid) {
			processes[i] = (struct process){.pid = pid};
			return &processes[i];
		}
	fprintf(stderr, "at_syscall: too many processes\n");
	exit(125);
}

/*
 * Those that cannot fail, or that nobody comes back from; and brk, as a static program's malloc, in glibc
 * 2.36, ends with an assertion of its own where its first one fails.
 */
static bool is_exempt(long number)
{
	static const long exempt[] = {
		SYS_getpid, SYS_gettid,	    SYS_getppid, SYS_getuid,	   SYS_geteuid,
		SYS_getgid, SYS_getegid,    SYS_umask,	 SYS_rt_sigreturn, SYS_restart_syscall,
		SYS_exit,   SYS_exit_group, SYS_getpgrp, SYS_sched_yield,  SYS_set_tid_address,
		SYS_alarm,  SYS_brk,
	};

	for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
		if (exempt[i] == number)
			return true;
	return false;
}

/* The file that is mapped at ADDRESS. */
static void find_file(pid_t pid, unsigned long long address, char *name, size_t size)
{
	char path[64], line[1024], file[512];
	unsigned long long from, to;
	FILE *maps;

	snprintf(name, size, "nowhere");
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		file[0] = '\0';
		if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %511s", &from, &to, file) >= 2 &&
		    address >= from && address < to)
			snprintf(name, size, "%s", file[0] ? file : "memory");
	}
	if (maps)
		fclose(maps);
}

/* Whether the program wants libasan. The library is mapped only when the loader has run. */
static bool wants_sanitizer(pid_t pid)
{
	static const char name[] = "libasan.so";
	char path[64], buffer[65536];
	size_t kept = 0, n;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	f = fopen(path, "re");
	while (f && !found && (n = fread(buffer + kept, 1, sizeof(buffer) - kept, f)) > 0) {
		n += kept;
		found = memmem(buffer, n, name, sizeof(name) - 1);
		kept = n < sizeof(name) ? n : sizeof(name);
		memmove(buffer, buffer + n - kept, kept);
	}
	if (f)
		fclose(f);
	return found;
}

static unsigned long long entry_of(pid_t pid)
{
	unsigned long long pair[2];
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	f = fopen(path, "re");
	while (f && fread(pair, sizeof(pair), 1, f) == 1) {
		if (pair[0] == AT_ENTRY) {
			fclose(f);
			return pair[1];
		}
	}
	if (f)
		fclose(f);
	return 0;
}

/* Has the program stop at its first instruction, when what comes before is a sanitizer's. */
static void wait_for_entry(pid_t pid)
{
	sanitized = wants_sanitizer(pid);
	entry = sanitized ? entry_of(pid) : 0;
	if (!entry)
		return;
	entry_code = ptrace(PTRACE_PEEKTEXT, pid, (void *)entry, NULL);
	ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)((entry_code & ~0xffL) | BREAKPOINT));
}

/* Whether it was at that instruction that the program has stopped; then it can go on from there. */
static bool at_program_entry(pid_t pid)
{
	struct user_regs_struct regs;

	if (!entry || pid != main_pid || ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0 ||
	    regs.rip != entry + 1)
		return false;
	ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)entry_code);
	regs.rip = entry;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	entry = 0;
	return true;
}

static bool is_sanitizers(pid_t pid, const struct user_regs_struct *regs)
{
	char file[512];

	if (!sanitized)
		return false;
	if (entry)
		return true;
	find_file(pid, regs->rip, file, sizeof(file));
	return strstr(file, "libasan.so") || strstr(file, "libubsan.so");
}

static void report(pid_t pid, const struct user_regs_struct *regs)
{
	FILE *f = fopen(report_path, "we");
	char file[512], *name;

	if (!f)
		return;
	if (!regs) {
		fprintf(f, "none\n");
	} else {
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)regs->orig_rax);
		find_file(pid, regs->rip, file, sizeof(file));
		fprintf(f, "%s in %s\n", name ? name : "?", file);
		free(name);
	}
	fclose(f);
}

/* Returns false when the process is dead now. */
static bool at_entry(struct process *p)
{
	struct user_regs_struct regs;

	if (done || !running || (p->pid == main_pid) == want_child ||
	    ptrace(PTRACE_GETREGS, p->pid, NULL, &regs) < 0)
		return true;
	if ((failure && (is_exempt((long)regs.orig_rax) || is_sanitizers(p->pid, &regs))) ||
	    ++seen < wanted)
		return true;
	if (hold_ms) {
		usleep((useconds_t)hold_ms * 1000);
		return true;
	}
	done = true;
	report(p->pid, &regs);
	if (!failure) {
		kill(p->pid, SIGKILL);
		return false;
	}
	p->failing = true;
	if (regs.orig_rax != SYS_close)
		regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, p->pid, NULL, &regs);
	return true;
}

static void at_exit(struct process *p)
{
	struct user_regs_struct regs;

	if (!p->failing || ptrace(PTRACE_GETREGS, p->pid, NULL, &regs) < 0)
		return;
	p->failing = false;
	regs.rax = (unsigned long long)-failure;
	ptrace(PTRACE_SETREGS, p->pid, NULL, &regs);
}

static void go_on(struct process *p, int signal)
{
	ptrace(PTRACE_SYSCALL, p->pid, NULL, (void *)(long)signal);
}

/* Not by counting stops: who is traced from the middle of a call on begins with its end. */
static bool at_end_of_call(const struct process *p)
{
	struct __ptrace_syscall_info info = {0};

	ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, (void *)sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_EXIT;
}

static void at_stop(struct process *p, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == (SIGTRAP | 0x80)) {
		if (!at_end_of_call(p) && !at_entry(p))
			return;
		if (at_end_of_call(p))
			at_exit(p);
		go_on(p, 0);
	} else if (event == PTRACE_EVENT_EXEC && p->pid != main_pid) {
		ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
		p->pid = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC) {
			running = true;
			wait_for_entry(p->pid);
		}
		go_on(p, 0);
	} else if (signal == SIGTRAP && at_program_entry(p->pid)) {
		go_on(p, 0);
	} else {
		go_on(p, signal == SIGSTOP || signal == SIGTRAP ? 0 : signal);
	}
}

static int follow(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct process *p = process_of(pid);

		if (WIFSTOPPED(status)) {
			at_stop(p, status);
			continue;
		}
		p->pid = 0;
		if (pid != main_pid)
			continue;
		if (!done)
			report(pid, NULL);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return 125;
}

static pid_t begin(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) < 0 ||
	    ptrace(PTRACE_SEIZE, pid, NULL, (void *)(long)OPTIONS) < 0 || kill(pid, SIGCONT) < 0)
		return -1;
	return pid;
}

int main(int argc, char **argv)
{
	pid_t other = 0;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		other = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 6) {
		fprintf(stderr, "at_syscall: see tests/helpers/at_syscall.c\n");
		return 125;
	}
	report_path = argv[1];
	want_child = strcmp(argv[2], "child") == 0;
	wanted = atol(argv[3]);
	if (sscanf(argv[4], "HOLD=%d", &hold_ms) != 1)
		failure = strcmp(argv[4], "KILL") == 0 ? 0 : atoi(argv[4]);
	main_pid = begin(argv + 5);
	if (main_pid < 0 || ptrace(PTRACE_INTERRUPT, main_pid, NULL, NULL) < 0) {
		perror("at_syscall: trace");
		return 125;
	}
	if (other && (ptrace(PTRACE_SEIZE, other, NULL, (void *)(long)OPTIONS) < 0 ||
		      ptrace(PTRACE_INTERRUPT, other, NULL, NULL) < 0)) {
		perror("at_syscall: trace -p");
		return 125;
	}
	return follow();
}
