// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `behalf` as it is called: finds the program that has the verb, and becomes it.
 *
 * A runtime's program must be out of the reach of its containers, which can get hold of it as
 * /proc/PID/exe (CVE-2019-5736), so it has to be executed from a place that nobody can write to
 * (runtime/self.h). It can do so by executing itself once more; but then it starts twice, and the start of
 * a libc alone is half a millisecond where the CPUID instruction is trapped, as in virtual machines. This
 * program has no libc and nothing to relocate, so it starts in a tenth of that, and what it executes
 * starts once.
 *
 *	behalf-runtime	the verbs of the runtime, static
 *	behalf-full	all of them, with the shared libraries that the others need
 *
 * are looked for beside this program, as in a build directory, and in libexec. Nothing depends on what is
 * done here but time: behalf-runtime hands over what it does not have (cmd/apart.h), and a program that
 * finds itself unprotected protects itself. So whatever fails here is left to them to try and to explain.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
__asm__(".globl _start\n"
	".hidden _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	endbr64\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rsp, %rdi\n"
	"	andq $-16, %rsp\n"
	"	call launch\n"
	"	hlt\n");

static long system_call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}
#else
#error "meson.build makes no launcher for this machine"
#endif

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool begins(const char *text, const char *with)
{
	while (*with && *text == *with)
		text++, with++;
	return !*with;
}

static const char *find(const char *text, char c)
{
	for (; *text; text++)
		if (*text == c)
			return text;
	return NULL;
}

/* The program that has what is asked for, and whether it will start something of a container's. */
struct choice {
	const char *program;
	bool protect;
};

static const char *program_of(const char *verb)
{
	/* not an array of pointers, which would have to be relocated */
#define VERB(name, args, summary)                                                                  \
	if (equal(verb, #name))                                                                    \
		return "behalf-runtime";
#define VERB_APART(name, args, summary)                                                            \
	if (equal(verb, #name))                                                                    \
		return "behalf-full";
#include "cmd/verbs.h"
#undef VERB_APART
#undef VERB
	return "behalf-runtime";
}

/*
 * The options before the verb (cmd/main.c), by what tells them apart from the others, as they may be
 * abbreviated. Returns whether OPTION asks for systemd, whose library the static program cannot load.
 */
static bool read_option(const char *option, char ***next)
{
	bool has_value = begins(option, "--r") || begins(option, "--l") || begins(option, "--c");
	const char *value = find(option, '=');

	if (begins(option, "--s"))
		return true;
	if (!has_value)
		return false;
	if (value)
		value++;
	else if (**next)
		value = *(*next)++;
	return begins(option, "--cg") && value && equal(value, "systemd");
}

static struct choice choose(char **args)
{
	struct choice choice = {"behalf-runtime", false};
	bool systemd = false;

	while (*args && **args == '-' && !equal(*args, "--")) {
		const char *option = *args++;

		systemd |= read_option(option, &args);
	}
	if (*args && equal(*args, "--"))
		args++;
	if (!*args)
		return choice;
	choice.program = systemd ? "behalf-full" : program_of(*args);
	choice.protect = equal(*args, "create") || equal(*args, "run") || equal(*args, "exec") ||
			 equal(*args, "spawn") || equal(*args, "mounts");
	return choice;
}

/* As self_protect does it (runtime/self.c). Returns only when it cannot. */
static void execute_protected(const char *path, char **argv, char **environment)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY, .propagation = 1 << 18, /* MS_PRIVATE */
	};
	long mount = system_call(__NR_open_tree, AT_FDCWD, (long)path,
				 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);

	if (mount < 0)
		return;
	if (system_call(__NR_mount_setattr, mount, (long)"", AT_EMPTY_PATH, (long)&attr,
			sizeof(attr)) == 0)
		system_call(__NR_execveat, mount, (long)"", (long)argv, (long)environment,
			    AT_EMPTY_PATH);
	system_call(__NR_close, mount, 0, 0, 0, 0);
}

static long execute(const char *path, bool protect, char **argv, char **environment)
{
	if (protect)
		execute_protected(path, argv, environment);
	return system_call(__NR_execve, (long)path, (long)argv, (long)environment, 0, 0);
}

/* NAME instead of what PATH has behind its last slash. False: no room, or no slash. */
static bool put_beside(char path[static PATH_MAX], const char *name)
{
	size_t end = length(path), n = length(name);

	while (end && path[end - 1] != '/')
		end--;
	if (!end || end + n >= PATH_MAX)
		return false;
	for (size_t i = 0; i <= n; i++)
		path[end + i] = name[i];
	return true;
}

/* Beside this program, which is at SELF, and in libexec. Returns why not in the latter. */
static long try_both(char self[static PATH_MAX], const struct choice *choice, char **argv,
		     char **environment)
{
	static const char libexec[] = BEHALF_LIBEXEC "/";
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(libexec); i++)
		path[i] = libexec[i];
	if (put_beside(self, choice->program))
		execute(self, choice->protect, argv, environment);
	return put_beside(path, choice->program) ? execute(path, choice->protect, argv, environment)
						 : -ENAMETOOLONG;
}

static void say(const char *text)
{
	system_call(__NR_write, 2, (long)text, (long)length(text), 0, 0);
}

static void explain(long r)
{
	say("behalf: execute '" BEHALF_LIBEXEC "/behalf-runtime': ");
	say(r == -ENOENT   ? "No such file or directory\n"
	    : r == -EACCES ? "Permission denied\n"
	    : r == -ENOMEM ? "Cannot allocate memory\n"
	    : r == -E2BIG  ? "Argument list too long\n"
			   : "it cannot be executed\n");
}

/* STACK as the kernel leaves it: the number of arguments, they, NULL, the environment, NULL. */
__attribute__((noreturn, used)) static void launch(long *stack)
{
	char **argv = (char **)(stack + 1), **environment = argv + *stack + 1;
	struct choice choice = choose(*argv ? argv + 1 : argv);
	char path[PATH_MAX];
	long r = system_call(__NR_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)path,
			     PATH_MAX - 1, 0);

	path[r > 0 ? r : 0] = '\0';
	try_both(path, &choice, argv, environment);
	/* It says what is missing, as it has been told to say things. */
	choice.program = "behalf-runtime";
	explain(try_both(path, &choice, argv, environment));
	for (;;)
		system_call(__NR_exit_group, 1, 0, 0, 0, 0);
}
