// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel and its settings mean for the ledger's figures. Everything is probed: by type
 * information, by a file, by trying; a version number tells nothing.
 */
#include "ledger/doctor.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "ledger/hierarchy.h"
#include "ledger/load.h"

#define FILE_LIMIT_BYTES (1u << 20)

struct looking {
	struct ledger_finding *findings;
	size_t n;
	const struct btf *btf; /* NULL: no type information */
};

static void add(struct looking *l, enum ledger_grade grade, const char *subject, const char *value,
		const char *meaning)
{
	struct ledger_finding *f;

	if (l->n >= LEDGER_FINDINGS_MAX)
		return;
	f = &l->findings[l->n++];
	f->grade = grade;
	f->subject = subject;
	snprintf(f->value, sizeof(f->value), "%s", value);
	f->meaning = meaning;
}

/* The first line of a file of the kernel's, "" when there is none. */
static void read_line(const char *path, char *line, size_t size)
{
	_cleanup_free_ char *text = NULL;

	line[0] = '\0';
	if (file_read_at(AT_FDCWD, path, FILE_LIMIT_BYTES, &text, NULL, NULL) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(line, size, "%s", text);
}

static bool has_function(const struct looking *l, const char *name)
{
	return btf__find_by_name_kind(l->btf, name, BTF_KIND_FUNC) > 0;
}

/* Whether programs can be loaded. */
static bool look_at_access(struct looking *l)
{
	struct error err = {0};
	bool granted = ledger_check(&err) == 0;

	if (!granted)
		add(l, LEDGER_HINDERS, "access", "refused", "the ledger cannot be switched on");
	else
		add(l, LEDGER_GOOD, "access", "root or capabilities",
		    "the ledger can be switched on");
	if (l->btf)
		add(l, LEDGER_GOOD, "type information", "/sys/kernel/btf/vmlinux",
		    "the programs fit themselves to this kernel");
	else
		add(l, LEDGER_HINDERS, "type information", "none",
		    "the kernel is built without CONFIG_DEBUG_INFO_BTF, or hides it");
	return granted;
}

/* CONFIG_IRQ_TIME_ACCOUNTING */
static void look_at_interrupts(struct looking *l)
{
	if (has_function(l, "irqtime_account_irq"))
		add(l, LEDGER_GOOD, "interrupt time", "kept apart",
		    "the kernel bills it to nobody: imposed is no part of its usage figures");
	else
		add(l, LEDGER_NOTE, "interrupt time", "billed to who is interrupted",
		    "imposed is part of the kernel's usage figures, and to be taken off them "
		    "(CONFIG_IRQ_TIME_ACCOUNTING is off)");
}

static void look_at_preemption(struct looking *l)
{
	struct utsname name;

	if (uname(&name) < 0)
		return;
	if (strstr(name.version, "PREEMPT_RT"))
		add(l, LEDGER_NOTE, "preemption", "real-time",
		    "interrupts and softirqs are mostly threads: their time is work of the host's "
		    "threads unless a packet tells its owner");
	else
		add(l, LEDGER_GOOD, "preemption",
		    strstr(name.version, "PREEMPT") ? "threads can be preempted" : "none",
		    "contexts nest as the cursor expects");
}

static void look_at_jit(struct looking *l)
{
	char line[64];

	read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));
	if (strcmp(line, "0") == 0)
		add(l, LEDGER_LOSS, "compiler for BPF", "off",
		    "hooks are interpreted and cost several times as much: sysctl "
		    "net.core.bpf_jit_enable=1");
	else
		add(l, LEDGER_GOOD, "compiler for BPF", line[0] ? "on" : "always on",
		    "hooks run as machine code");
}

static void look_at_clock(struct looking *l)
{
	char line[64];
	bool fast;

	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", line,
		  sizeof(line));
	fast = strcmp(line, "tsc") == 0 || strcmp(line, "kvm-clock") == 0 ||
	       strcmp(line, "arch_sys_counter") == 0 ||
	       strncmp(line, "hyperv_clocksource", strlen("hyperv_clocksource")) == 0;
	add(l, fast ? LEDGER_GOOD : LEDGER_LOSS, "clock", line[0] ? line : "unknown",
	    fast ? "reading it costs some nanoseconds"
		 : "reading it is slow, and every boundary reads it");
}

/* Steal time: the eighth figure of /proc/stat's first line. */
static void look_at_hypervisor(struct looking *l)
{
	unsigned long long steal = 0;
	char line[256];

	read_line("/proc/stat", line, sizeof(line));
	if (sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1 && steal > 0)
		add(l, LEDGER_NOTE, "hypervisor", "takes CPU time away",
		    "what it takes counts for whom it is taken from; the kernel's figures may leave "
		    "it out");
	else
		add(l, LEDGER_GOOD, "hypervisor", "takes nothing that is told",
		    "time of a CPU is time of its threads");
}

static void look_at_ticks(struct looking *l)
{
	char line[64];

	read_line("/sys/devices/system/cpu/nohz_full", line, sizeof(line));
	if (line[0] && strcmp(line, "(null)") != 0)
		add(l, LEDGER_NOTE, "ticks", "some CPUs run without",
		    "user and kernel parts of own time are a guess there; their sum is exact");
	else
		add(l, LEDGER_GOOD, "ticks", "on every busy CPU",
		    "own time is split into user and kernel by sampling");
}

static void look_at_cgroups(struct looking *l)
{
	_cleanup_hierarchy_ struct ledger_hierarchy hierarchy = {0};
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	if (ledger_hierarchy_find(proc, &hierarchy, &err) < 0) {
		add(l, LEDGER_HINDERS, "cgroups", "none", "there is nothing to account by");
		return;
	}
	if (!hierarchy.unified) {
		add(l, LEDGER_LOSS, "cgroups", "v1",
		    "writeback is the first dirtier's; on the host's network a socket is whose "
		    "thread connected it, listens at its port or waits for it");
		return;
	}
	add(l, LEDGER_GOOD, "cgroups", "v2", "sockets and requests carry their cgroup");
	if (!has_function(l, "wb_get_create"))
		add(l, LEDGER_LOSS, "writeback", "knows no cgroups",
		    "it is the host's (CONFIG_CGROUP_WRITEBACK is off)");
}

/* Addresses of functions tell whose timer a timer is. */
static void look_at_symbols(struct looking *l)
{
	char line[128];

	read_line("/proc/kallsyms", line, sizeof(line));
	if (strtoull(line, NULL, 16) == 0 && strncmp(line, "0000", 4) == 0)
		add(l, LEDGER_LOSS, "symbols", "hidden",
		    "timers of TCP are the host's (sysctl kernel.kptr_restrict)");
	else if (line[0])
		add(l, LEDGER_GOOD, "symbols", "readable", "timers of TCP are their socket's");
}

static bool word_is_in(const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;

	return file_read_at(AT_FDCWD, path, FILE_LIMIT_BYTES, &text, NULL, NULL) == 0 &&
	       strstr(text, word);
}

static void look_at_functions(struct looking *l)
{
	if (ledger_can_hook_functions(l->btf))
		add(l, LEDGER_GOOD, "functions", "can be hooked",
		    "what the kernel has no tracepoint for is told of by its functions");
	else
		add(l, LEDGER_LOSS, "functions", "cannot be hooked",
		    "what has no tracepoint is not told of: CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS is "
		    "off, sysctl kernel.ftrace_enabled is 0, or a hypervisor forbids it");
}

/* What one call of a program costs is mostly how the kernel calls it. */
static void look_at_calls(struct looking *l)
{
	if (word_is_in("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Retpoline"))
		add(l, LEDGER_NOTE, "indirect calls", "by retpolines",
		    "to call a hook is dear, and nearly all of what the ledger costs "
		    "(bench/ledger-overhead measures it)");
	else
		add(l, LEDGER_GOOD, "indirect calls", "direct", "to call a hook is cheap");
}

static void look_at_polling(struct looking *l)
{
	char poll[32], read[32];

	read_line("/proc/sys/net/core/busy_poll", poll, sizeof(poll));
	read_line("/proc/sys/net/core/busy_read", read, sizeof(read));
	if (strtoul(poll, NULL, 10) || strtoul(read, NULL, 10))
		add(l, LEDGER_NOTE, "busy polling", "on for all sockets",
		    "who polls a device receives for everybody in its own time (sysctl "
		    "net.core.busy_poll, net.core.busy_read)");
}

static void look_at_interrupt_threads(struct looking *l)
{
	if (word_is_in("/proc/cmdline", "threadirqs"))
		add(l, LEDGER_NOTE, "interrupts", "have threads",
		    "what their handlers do is the host's own time (option threadirqs of the "
		    "kernel)");
}

size_t ledger_doctor_look(struct ledger_finding *findings)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct looking l = {.findings = findings, .btf = btf};
	bool granted = look_at_access(&l);

	if (btf) {
		look_at_interrupts(&l);
		look_at_cgroups(&l);
	}
	if (btf && granted)
		look_at_functions(&l);
	look_at_preemption(&l);
	look_at_interrupt_threads(&l);
	look_at_polling(&l);
	look_at_jit(&l);
	look_at_calls(&l);
	look_at_clock(&l);
	look_at_hypervisor(&l);
	look_at_ticks(&l);
	look_at_symbols(&l);
	btf__free(btf);
	return l.n;
}

const char *ledger_grade_name(enum ledger_grade grade)
{
	static const char *const names[] = {
		[LEDGER_GOOD] = "good",
		[LEDGER_NOTE] = "note",
		[LEDGER_LOSS] = "loss",
		[LEDGER_HINDERS] = "hinders",
	};

	return names[grade];
}
