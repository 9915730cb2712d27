// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where behalf-runtime begins, before its libc.
 *
 * glibc begins by asking the processor what it can do, by some 70 CPUID instructions, most of them about
 * caches. In a virtual machine each of them leaves the machine, for 6 microseconds or more: together they
 * are a sixth of all the CPU time that it takes to run a short container. A program may have its CPUID
 * instructions fault (arch_prctl(2), ARCH_SET_CPUID), and that is used here to answer in the processor's
 * place: it has what every x86-64 has, of a maker glibc does not know. Then nothing more is asked, and
 * what follows is that strings are copied by their plainest functions.
 *
 * Where CPUID cannot be made to fault all is as without this. It faults only until the first constructor:
 * an exec ends it (arch_setup_new_exec), but a fork does not. Which kind of processor this is nobody asks
 * the libc here. A debugger stops at the one SIGSEGV of it: `handle SIGSEGV nostop noprint pass`, until main.
 *
 * What is called before the libc has begun may call nothing of it, and has no canary to look for: every
 * function that it could, memset for one, still has to be chosen and relocated.
 */
#include <asm/prctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "launcher/system_call.h"

#define BEFORE_LIBC __attribute__((no_stack_protector))
#define SIGSET_BYTES 8

/* The kernel's own form of it: libc's begins to work with libc. */
struct kernel_sigaction {
	void (*handler)(int sig, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define SA_RESTORER 0x04000000

/* As we were called, for main and what is executed. */
static struct {
	bool kept;
	struct kernel_sigaction segv;
	uint64_t mask;
} before;

void entry_prepare(void);
void entry_return_from_signal(void);

/* The stack is the kernel's still (System V ABI, 3.4.1), and so is what %rdx says. */
__asm__(".globl entry\n"
	".hidden entry\n"
	".type entry, @function\n"
	"entry:\n"
	"	endbr64\n"
	"	pushq %rdx\n"
	"	pushq %rdx\n"
	"	call entry_prepare\n"
	"	popq %rdx\n"
	"	popq %rdx\n"
	"	jmp _start\n"
	".globl entry_return_from_signal\n"
	".hidden entry_return_from_signal\n"
	".type entry_return_from_signal, @function\n"
	"entry_return_from_signal:\n"
	"	movl $15, %eax\n" /* rt_sigreturn */
	"	syscall\n");

static BEFORE_LIBC long set_action(const struct kernel_sigaction *action,
				   struct kernel_sigaction *old)
{
	return system_call(SYS_rt_sigaction, SIGSEGV, (long)action, (long)old, SIGSET_BYTES, 0);
}

static BEFORE_LIBC void set_cpuid(bool works)
{
	system_call(SYS_arch_prctl, ARCH_SET_CPUID, works, 0, 0, 0);
}

/* x87, TSC, CMPXCHG8B, CMOV, MMX, FXSR, SSE, SSE2: what the ABI calls the baseline */
#define BASELINE (1 << 0 | 1 << 4 | 1 << 8 | 1 << 15 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26)

static BEFORE_LIBC void answer(int sig, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const unsigned char *code = (const unsigned char *)registers[REG_RIP];
	uint32_t leaf = (uint32_t)registers[REG_RAX];

	/* What else faults is a defect. Done once more it ends us, as it should. */
	if (code[0] != 0x0f || code[1] != 0xa2) {
		set_action(&before.segv, NULL);
		return;
	}
	registers[REG_RAX] = leaf == 0; /* the highest one there is */
	registers[REG_RBX] = 0;
	registers[REG_RCX] = 0;
	registers[REG_RDX] = leaf == 1 ? BASELINE : 0;
	registers[REG_RIP] += 2;
}

__attribute__((used, visibility("hidden"))) BEFORE_LIBC void entry_prepare(void)
{
	const struct kernel_sigaction own = {
		.handler = answer,
		.flags = SA_SIGINFO | SA_RESTORER,
		.restorer = entry_return_from_signal,
	};
	const uint64_t segv = 1 << (SIGSEGV - 1);

	/* A fault whose signal is blocked is the end (force_sig_info_to_task). */
	if (set_action(&own, &before.segv) < 0)
		return;
	if (system_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&segv, (long)&before.mask,
			SIGSET_BYTES, 0) < 0) {
		set_action(&before.segv, NULL);
		return;
	}
	before.kept = true;
	set_cpuid(false);
}

/*
 * From which size on a copy goes past the caches. glibc before 2.37 takes 0 for it from a processor
 * whose caches it does not know, and then copies wrongly what is short (its bug 29953). This is what it
 * has where it knows nothing better, and the least it takes since.
 */
extern long __x86_shared_non_temporal_threshold __attribute__((weak));
#define LEAST_THRESHOLD 0x4040
#define USUAL_THRESHOLD (3 * 1024 * 1024 / 4)

/*
 * Before all constructors, those of libraries too. Until here a libc copies one thing, the image of its
 * thread-local variables: 32 bytes, with moves of a vector each, which do not look at the threshold.
 */
static void end_entry(void)
{
	if (!before.kept)
		return;
	set_cpuid(true);
	set_action(&before.segv, NULL);
	system_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before.mask, 0, SIGSET_BYTES, 0);
	if (&__x86_shared_non_temporal_threshold &&
	    __x86_shared_non_temporal_threshold < LEAST_THRESHOLD)
		__x86_shared_non_temporal_threshold = USUAL_THRESHOLD;
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const before_constructors)(void) = end_entry;
