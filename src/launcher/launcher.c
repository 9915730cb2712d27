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
 * are looked for beside this program, as in a build directory, where they would be from it if all were
 * installed in a directory of their own (DESTDIR), and in libexec. Who can put a file in the first two could
 * have it executed by others, root among them: so these have to be as hard to write to as this program itself
 * (open_place). Nothing else depends on what is done here but time: behalf-runtime hands over what it does not
 * have (cmd/apart.h), and a program that finds itself unprotected protects itself. So whatever fails here is
 * left to them to try and to explain.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/system_call.h"

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
	/* where messages go, when it is a file */
	const char *log;
	bool log_json;
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

/* The file of a destination of the log; NULL: it is none, but a daemon. */
static const char *file_of(const char *destination)
{
	if (!destination || begins(destination, "syslog:") || begins(destination, "journald:"))
		return NULL;
	return begins(destination, "file:") ? destination + 5 : destination;
}

/*
 * The options before the verb (cmd/main.c), by what tells them apart from the others, as they may be
 * abbreviated. Returns whether OPTION asks for systemd, whose library the static program cannot load.
 */
static bool read_option(const char *option, char ***next, struct choice *choice)
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
	if (equal(option, "--log") || begins(option, "--log="))
		choice->log = file_of(value);
	else if (begins(option, "--log-f"))
		choice->log_json = value && equal(value, "json");
	return begins(option, "--cg") && value && equal(value, "systemd");
}

static struct choice choose(char **args)
{
	struct choice choice = {.program = "behalf-runtime"};
	bool systemd = false;

	while (*args && **args == '-' && !equal(*args, "--")) {
		const char *option = *args++;

		systemd |= read_option(option, &args, &choice);
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
static void execute_protected(long dir, const char *path, char **argv, char **environment)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY, .propagation = 1 << 18, /* MS_PRIVATE */
	};
	long mount = system_call(__NR_open_tree, dir, (long)path,
				 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);

	if (mount < 0)
		return;
	if (system_call(__NR_mount_setattr, mount, (long)"", AT_EMPTY_PATH, (long)&attr,
			sizeof(attr)) == 0)
		system_call(__NR_execveat, mount, (long)"", (long)argv, (long)environment,
			    AT_EMPTY_PATH);
	system_call(__NR_close, mount, 0, 0, 0, 0);
}

/* Where behalf itself lies, and whose it is. */
struct self {
	char path[PATH_MAX];
	size_t directory; /* the length of what is before the last slash */
	unsigned int owner;
};

static bool look_at(long dir, const char *path, int flags, struct stat *st)
{
	return system_call(__NR_newfstatat, dir, (long)path, (long)st, flags, 0) == 0;
}

/* False: nothing lies beside it, as in the root directory, or, which looks the same, alone on a mount. */
static bool find_self(struct self *self)
{
	long n = system_call(__NR_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)self->path,
			     sizeof(self->path), 0);
	struct stat st;

	while (n > 0 && self->path[n - 1] != '/')
		n--;
	if (n <= 1 || !look_at(AT_FDCWD, "/proc/self/exe", 0, &st))
		return false;
	self->directory = (size_t)n - 1;
	self->owner = st.st_uid;
	return true;
}

static bool is_installed(const struct self *self)
{
	return begins(self->path, BEHALF_BINDIR "/") &&
	       self->directory == sizeof(BEHALF_BINDIR) - 1;
}

/* The file's mode has given rights that who called does not have (setuid, capabilities). */
static bool has_rights_of_file(char **environment)
{
	const unsigned long *aux;

	while (*environment)
		environment++;
	for (aux = (const unsigned long *)(environment + 1); *aux != AT_NULL; aux += 2)
		if (*aux == AT_SECURE)
			return aux[1];
	return false;
}

/* Nobody else than root and the owner of behalf can have written it. */
static bool is_trusted(const struct self *self, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == self->owner) && !(st->st_mode & 0002);
}

/* Who is of the group of behalf's own directory can replace behalf, but not when that has the sticky bit. */
static bool is_trusted_beside(const struct self *self, long dir)
{
	struct stat st;

	return look_at(dir, "", AT_EMPTY_PATH, &st) && is_trusted(self, &st) &&
	       (st.st_mode & 01020) != 01020;
}

/* Of a directory elsewhere the group may be another; and who can write to the one above can replace it. */
static bool is_trusted_elsewhere(const struct self *self, long dir)
{
	struct stat st, above;

	return look_at(dir, "", AT_EMPTY_PATH, &st) && look_at(dir, "..", 0, &above) &&
	       is_trusted(self, &st) && is_trusted(self, &above) &&
	       !((st.st_mode | above.st_mode) & 0020);
}

/*
 * Opens the directory that is at PATH from behalf's own, if PROGRAM is there and who can put it there could as
 * well have put it in the place of behalf. -EPERM: somebody else could, or there are links on the way.
 */
static long open_place(const struct self *self, const char *path, const char *program)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	char whole[PATH_MAX];
	size_t end = self->directory;
	struct stat st;
	bool trusted;
	long dir;

	if (end + length(path) >= sizeof(whole))
		return -ENAMETOOLONG;
	for (size_t i = 0; i < end; i++)
		whole[i] = self->path[i];
	for (size_t i = 0; i <= length(path); i++)
		whole[end + i] = path[i];
	dir = system_call(__NR_openat2, AT_FDCWD, (long)whole, (long)&how, sizeof(how), 0);
	if (dir < 0)
		return dir == -ELOOP ? -EPERM : dir;
	if (!look_at(dir, program, 0, &st))
		return -ENOENT;
	trusted = equal(path, "/") ? is_trusted_beside(self, dir) : is_trusted_elsewhere(self, dir);
	return trusted && is_trusted(self, &st) ? dir : -EPERM;
}

static long execute_in(long dir, const struct choice *choice, char **argv, char **environment)
{
	if (dir < 0)
		return dir;
	if (choice->protect)
		execute_protected(dir, choice->program, argv, environment);
	return system_call(__NR_execveat, dir, (long)choice->program, (long)argv, (long)environment,
			   0);
}

/* SELF is NULL when only what is installed may be executed. Returns why nothing was. */
static long try_all(const struct self *self, const struct choice *choice, char **argv,
		    char **environment)
{
	long beside = -ENOENT, near = -ENOENT, r;

	if (self) {
		beside = execute_in(open_place(self, "/", choice->program), choice, argv,
				    environment);
		near = execute_in(open_place(self, "/" BEHALF_LIBEXEC_FROM_BIN, choice->program),
				  choice, argv, environment);
	}
	r = execute_in(system_call(__NR_openat, AT_FDCWD, (long)BEHALF_LIBEXEC,
				   O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0),
		       choice, argv, environment);
	return r == -ENOENT && (beside == -EPERM || near == -EPERM) ? -EPERM : r;
}

#define CANNOT "execute '" BEHALF_LIBEXEC "/behalf-runtime': "

static const char *reason(long r)
{
	return r == -ENOENT  ? CANNOT "No such file or directory"
	       : r == -EPERM ? CANNOT
		       "No such file or directory, and the one near behalf itself is not "
		       "executed, since others could have put it there"
	       : r == -EACCES ? CANNOT "Permission denied"
	       : r == -ENOMEM ? CANNOT "Cannot allocate memory"
	       : r == -E2BIG  ? CANNOT "Argument list too long"
			      : CANNOT "it cannot be executed";
}

static void say(long fd, const char *before, const char *text, const char *after)
{
	system_call(__NR_write, fd, (long)before, (long)length(before), 0, 0);
	system_call(__NR_write, fd, (long)text, (long)length(text), 0, 0);
	system_call(__NR_write, fd, (long)after, (long)length(after), 0, 0);
}

/* As base/log.c does it; engines tell their users what they read in the log. */
static void explain(const struct choice *choice, const char *text)
{
	long log = -1;

	if (choice->log && *choice->log)
		log = system_call(__NR_openat, AT_FDCWD, (long)choice->log,
				  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600, 0);
	if (choice->log_json) {
		say(log, "{\"level\":\"error\",\"msg\":\"", text, "\"}\n");
		say(2, "{\"level\":\"error\",\"msg\":\"", text, "\"}\n");
	} else {
		say(log, "behalf: ", text, "\n");
		say(2, "behalf: ", text, "\n");
	}
}

/* STACK as the kernel leaves it: the number of arguments, they, NULL, the environment, NULL, and more. */
__attribute__((noreturn, used)) static void launch(long *stack)
{
	char **argv = (char **)(stack + 1), **environment = argv + *stack + 1;
	struct choice choice = choose(*argv ? argv + 1 : argv);
	struct self found, *self = &found;

	if (!find_self(self) || is_installed(self) || has_rights_of_file(environment))
		self = NULL;
	try_all(self, &choice, argv, environment);
	/* It says what is missing, as it has been told to say things. */
	choice.program = "behalf-runtime";
	explain(&choice, reason(try_all(self, &choice, argv, environment)));
	for (;;)
		system_call(__NR_exit_group, 1, 0, 0, 0, 0);
}
