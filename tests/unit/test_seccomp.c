// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generated filters against libseccomp's: both programs are run in a small machine here, on every
 * system call number of every ABI, with arguments around the values the profile tests.
 */
#include "runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "oci/config.h"
#include "runtime/seccomp_bpf.h"
#include "runtime/seccomp_names.h"
#include "tap.h"

#define X32_BIT 0x40000000u

/* ---- the machine ---- */

struct machine {
	const struct sock_fprog *program;
	const struct seccomp_data *data;
	uint32_t a;
	size_t pc;
	bool broken;
};

static uint32_t load(struct machine *m, uint32_t offset)
{
	uint32_t word;

	if (offset % 4 || offset + 4 > sizeof(*m->data)) {
		m->broken = true;
		return 0;
	}
	memcpy(&word, (const char *)m->data + offset, sizeof(word));
	return word;
}

static bool jumps(const struct machine *m, const struct sock_filter *i)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return m->a == i->k;
	case BPF_JGT:
		return m->a > i->k;
	case BPF_JGE:
		return m->a >= i->k;
	default:
		return (m->a & i->k) != 0;
	}
}

/* Returns SECCOMP_RET_*; sets broken when the kernel's checker would have refused the program. */
static uint32_t run(struct machine *m)
{
	while (m->pc < m->program->len && !m->broken) {
		const struct sock_filter *i = &m->program->filter[m->pc++];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			m->a = load(m, i->k);
			break;
		case BPF_ALU:
			m->a &= i->k;
			m->broken |= BPF_OP(i->code) != BPF_AND;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				m->pc += i->k;
			else
				m->pc += jumps(m, i) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return i->k;
		default:
			m->broken = true;
		}
	}
	m->broken = true;
	return 0;
}

static uint32_t decide(const struct seccomp_program *program, const struct seccomp_data *data)
{
	struct machine m = {.program = &program->filter, .data = data};
	uint32_t result = run(&m);

	ok(!m.broken, "nr %d arch %x", data->nr, data->arch);
	return result;
}

/* ---- profiles ---- */

static const char *fixture(const char *name)
{
	static char path[4096];
	const char *source = getenv("SOURCE_DIR");

	snprintf(path, sizeof(path), "%s/tests/golden/configs/%s.json", source ? source : ".",
		 name);
	return path;
}

static struct oci_config *load_config(const char *name, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct oci_config *config = NULL;
	size_t size;

	if (file_read_at(AT_FDCWD, fixture(name), 1 << 20, &text, &size, err) < 0 ||
	    oci_config_parse(name, text, size, &config, err) < 0)
		return NULL;
	return config;
}

static struct oci_config *with_profile(const char *profile, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct oci_config *config = NULL;

	if (asprintf(
		    &text,
		    "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":"
		    "[{\"type\":\"mount\"}],\"seccomp\":%s}}",
		    profile) < 0)
		return NULL;
	if (oci_config_parse("profile", text, strlen(text), &config, err) < 0)
		return NULL;
	return config;
}

/* ---- what a profile says, read literally ---- */

static bool holds(const struct oci_seccomp_arg *arg, const struct seccomp_data *data, bool wide)
{
	const uint64_t cut = wide ? UINT64_MAX : UINT32_MAX;
	const uint64_t value = arg->value & cut, got = data->args[arg->index] & cut;

	switch (seccomp_names_operator(arg->op)) {
	case SECCOMP_BPF_EQ:
		return got == value;
	case SECCOMP_BPF_NE:
		return got != value;
	case SECCOMP_BPF_LT:
		return got < value;
	case SECCOMP_BPF_LE:
		return got <= value;
	case SECCOMP_BPF_GT:
		return got > value;
	case SECCOMP_BPF_GE:
		return got >= value;
	default:
		return (got & value) == (arg->value_two & value);
	}
}

static bool names_it(const struct oci_seccomp_rule *rule, uint32_t arch, uint32_t number)
{
	for (char **name = rule->names; *name; name++)
		if (seccomp_syscall_resolve_name_arch(arch, *name) == (int)number)
			return true;
	return false;
}

/* Not for calls of i386 that can be multiplexed, nor for profiles with alternatives. */
static uint32_t read_literally(const struct oci_seccomp *seccomp, uint32_t arch, bool wide,
			       const struct seccomp_data *data)
{
	uint32_t returns = 0, first = 0;
	bool found = false;

	for (size_t i = 0; i < seccomp->n_rules; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->rules[i];
		bool all = names_it(rule, arch, (uint32_t)data->nr);

		for (size_t j = 0; all && j < rule->n_args; j++)
			all = holds(&rule->args[j], data, wide);
		if (!all)
			continue;
		seccomp_names_returns(rule->action, rule->has_errno, rule->errno_value, &returns);
		if (rule->n_args == 0)
			return returns;
		first = found ? first : returns;
		found = true;
	}
	if (!found)
		seccomp_names_returns(seccomp->default_action, seccomp->has_default_errno,
				      seccomp->default_errno, &first);
	return first;
}

/* ---- comparing ---- */

struct comparison {
	const struct oci_seccomp *seccomp;
	struct seccomp_program *ours, *reference;
	uint64_t values[256]; /* arguments worth trying */
	size_t n_values;
	uint32_t default_returns;
	bool multiplexed_conditions;
	unsigned long compared, differences, faults;
};

static void release(struct comparison *c)
{
	seccomp_free(c->ours);
	seccomp_free(c->reference);
}

static void add_value(struct comparison *c, uint64_t value)
{
	for (size_t i = 0; i < c->n_values; i++)
		if (c->values[i] == value)
			return;
	if (c->n_values < ARRAY_SIZE(c->values))
		c->values[c->n_values++] = value;
}

static void collect_values(struct comparison *c)
{
	static const uint64_t always[] = {0, 1, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 32};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add_value(c, always[i]);
	for (size_t i = 0; i < c->seccomp->n_rules; i++) {
		const struct oci_seccomp_rule *rule = &c->seccomp->rules[i];

		for (size_t j = 0; j < rule->n_args; j++) {
			uint64_t v = rule->args[j].value;

			add_value(c, v);
			add_value(c, v + 1);
			add_value(c, v - 1);
			add_value(c, ~v);
			add_value(c, v | UINT64_C(0x500000000));
			add_value(c, rule->args[j].value_two);
			add_value(c, rule->args[j].value_two | ~v);
		}
	}
}

static void compare_one(struct comparison *c, const struct seccomp_data *data)
{
	uint32_t ours = decide(c->ours, data), reference = decide(c->reference, data);

	c->compared++;
	if (ours == reference)
		return;
	/* where the reference falls back to the default, we may say that there is no such call */
	if (ours == (SECCOMP_RET_ERRNO | ENOSYS) && reference == c->default_returns &&
	    (c->default_returns & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		return;
	/* without conditions the two ways of i386 are alike, with them we are the stricter one */
	if (data->arch == AUDIT_ARCH_I386 && (data->nr == 102 || data->nr == 117) &&
	    c->multiplexed_conditions)
		return;
	/*
	 * libseccomp merges rules whose conditions overlap into one tree, and that goes wrong for some:
	 * two rules on the first three arguments, and it no longer looks at the second one.
	 */
	if (data->arch == AUDIT_ARCH_X86_64) {
		bool x32 = (uint32_t)data->nr & X32_BIT;

		if (ours == read_literally(c->seccomp, x32 ? SCMP_ARCH_X32 : SCMP_ARCH_X86_64, !x32,
					   data)) {
			c->faults++;
			return;
		}
	}
	if (c->differences++ < 10)
		ok(ours == reference, "arch %x nr %x args %llx %llx %llx: %x, libseccomp %x",
		   data->arch, data->nr, (unsigned long long)data->args[0],
		   (unsigned long long)data->args[1], (unsigned long long)data->args[2], ours,
		   reference);
}

/* Each argument goes through all values, and all of them together; conditions are on few of them. */
static void compare_number(struct comparison *c, uint32_t arch, uint32_t number,
			   unsigned int *random)
{
	struct seccomp_data data = {.nr = (int)number, .arch = arch};

	compare_one(c, &data);
	for (size_t i = 0; i < c->n_values; i++) {
		for (unsigned int arg = 0; arg < 6; arg++)
			data.args[arg] = c->values[i];
		compare_one(c, &data);
	}
	for (int i = 0; i < 40; i++) {
		for (unsigned int arg = 0; arg < 6; arg++)
			data.args[arg] = c->values[(size_t)rand_r(random) % c->n_values];
		compare_one(c, &data);
	}
}

static void compare(const struct oci_config *config, unsigned int seed)
{
	static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64};
	static const uint32_t far[] = {X32_BIT - 1, 0x7fffffff, 0x80000000, UINT32_MAX - 1,
				       UINT32_MAX};
	_cleanup_(release) struct comparison c = {.seccomp = config->seccomp};
	struct error err = {0};

	must(seccomp_compile(c.seccomp, &c.ours, &err) == 0, "%s", err.text);
	must(seccomp_compile_with_library(c.seccomp, &c.reference, &err) == 0, "%s", err.text);
	seccomp_names_returns(c.seccomp->default_action, c.seccomp->has_default_errno,
			      c.seccomp->default_errno, &c.default_returns);
	for (size_t i = 0; i < c.seccomp->n_rules; i++)
		c.multiplexed_conditions |= c.seccomp->rules[i].n_args > 0;
	collect_values(&c);
	for (size_t a = 0; a < ARRAY_SIZE(archs); a++) {
		for (uint32_t n = 0; n < 600; n++) {
			compare_number(&c, archs[a], n, &seed);
			compare_number(&c, archs[a], n | X32_BIT, &seed);
		}
		for (size_t i = 0; i < ARRAY_SIZE(far); i++)
			compare_number(&c, archs[a], far[i], &seed);
	}
	is_uint(c.differences, 0);
	note("%lu compared, %lu faults of libseccomp, %u instructions, libseccomp %u", c.compared,
	     c.faults, c.ours->filter.len, c.reference->filter.len);
}

#ifdef __x86_64__
#define NEEDS_X86_64
#else
#define NEEDS_X86_64 skip("the comparison knows the ABIs of x86-64")
#endif

static void compare_fixture(const char *name)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;

	if (!getenv("SOURCE_DIR") && access(fixture(name), R_OK) < 0)
		skip("SOURCE_DIR is not set");
	config = load_config(name, &err);
	must(config != NULL, "%s", err.text);
	compare(config, 1);
}

TEST_TIMEOUT(profile_of_podman, 60)
{
	NEEDS_X86_64;
	compare_fixture("podman");
}

TEST_TIMEOUT(profile_of_containerd, 60)
{
	NEEDS_X86_64;
	compare_fixture("containerd-seccomp");
}

TEST_TIMEOUT(profile_of_docker, 60)
{
	NEEDS_X86_64;
	compare_fixture("docker");
}

/* ---- profiles made up ---- */

static const char *const names[] = {
	"read",	  "write",	 "open",	 "openat",     "close",	 "socket", "connect",
	"bind",	  "shmget",	 "semop",	 "msgsnd",     "mmap",	 "mmap2",  "clone",
	"clone3", "ioctl",	 "prctl",	 "keyctl",     "bpf",	 "fcntl",  "fcntl64",
	"stat",	  "futex_waitv", "personality",	 "io_setup",   "execve", "ptrace", "uname",
	"getuid", "getuid32",	 "no_such_call", "sendfile64",
};
static const char *const operators[] = {
	"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT",	    "SCMP_CMP_LE",
	"SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ",
};
static const uint64_t interesting[] = {
	0, 1, 2, 16, 0x7f, 0x80000000, 0xffffffff, 0x100000000, 0x500000001, UINT64_MAX,
};

/*
 * Rules for one call have one action, since libseccomp does not say which of several with conditions
 * comes first. Values are below 2^32: for 32-bit ABIs libseccomp cuts them, and compares what is left.
 */
static void random_rule(FILE *out, unsigned int *random, size_t call)
{
	static const char *const actions[] = {
		"\"SCMP_ACT_ALLOW\"", "\"SCMP_ACT_ERRNO\",\"errnoRet\":7",
		"\"SCMP_ACT_LOG\"",   "\"SCMP_ACT_KILL_PROCESS\"",
		"\"SCMP_ACT_TRAP\"",
	};
	unsigned int n_args = (unsigned int)rand_r(random) % 4,
		     first = (unsigned int)rand_r(random);

	fprintf(out, "{\"names\":[\"%s\"],\"action\":%s,\"args\":[", names[call],
		actions[call % 5]);
	for (unsigned int i = 0; i < n_args; i++)
		fprintf(out, "%s{\"index\":%u,\"value\":%llu,\"valueTwo\":%llu,\"op\":\"%s\"}",
			i ? "," : "", (first + i) % 6,
			(unsigned long long)interesting[(size_t)rand_r(random) % 10],
			(unsigned long long)interesting[(size_t)rand_r(random) % 10],
			operators[rand_r(random) % 7]);
	fprintf(out, "]}");
}

static char *random_profile(unsigned int seed, bool narrow)
{
	unsigned int random = seed, n = 1 + (unsigned int)rand_r(&random) % 20;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"architectures\":"
		"[%s],\"syscalls\":[",
		narrow ? "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"" : "");
	for (unsigned int i = 0; i < n; i++) {
		if (i)
			fputc(',', out);
		random_rule(out, &random, (size_t)rand_r(&random) % ARRAY_SIZE(names));
	}
	fprintf(out, "]}");
	fclose(out);
	return text;
}

static void compare_random(unsigned int seed, bool narrow)
{
	_cleanup_free_ char *profile = random_profile(seed, narrow);
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	struct error err = {0};

	note("seed %u: %s", seed, profile);
	config = with_profile(profile, &err);
	must(config != NULL, "%s", err.text);
	compare(config, seed);
}

TEST_TIMEOUT(random_profiles, 120)
{
	needs_call(seccomp); /* libseccomp refuses actions that the kernel does not tell of */
	NEEDS_X86_64;
	for (unsigned int seed = 1; seed <= 15; seed++) {
		compare_random(seed, false);
		compare_random(seed + 1000, true);
	}
}

/* ---- single facts ---- */

static uint32_t decide_native(const char *profile, long number, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = {
		.nr = (int)number, .arch = AUDIT_ARCH_X86_64, .args = {arg0, arg1}};
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	struct seccomp_program *program = NULL;
	struct error err = {0};
	uint32_t result;

	config = with_profile(profile, &err);
	ok(config != NULL, "%s", err.text);
	if (!config || !ok(seccomp_compile(config->seccomp, &program, &err) == 0, "%s", err.text))
		return 0;
	result = decide(program, &data);
	seccomp_free(program);
	return result;
}

TEST(newer_than_the_profile)
{
	NEEDS_X86_64;
	const char *profile = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":"
			      "[{\"names\":[\"openat2\",\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

	is_uint(decide_native(profile, SYS_read, 0, 0), SECCOMP_RET_ALLOW);
	is_uint(decide_native(profile, SYS_write, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	is_uint(decide_native(profile, SYS_openat2, 0, 0), SECCOMP_RET_ALLOW);
	is_uint(decide_native(profile, SYS_openat2 + 1, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	is_uint(decide_native(profile, 100000, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

TEST(conditions_on_one_argument_are_alternatives)
{
	NEEDS_X86_64;
	const char *profile =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"socket\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":97,\"args\":["
		"{\"index\":0,\"value\":16,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":0,\"value\":40,\"op\":\"SCMP_CMP_EQ\"}]}]}";

	is_uint(decide_native(profile, SYS_socket, 16, 0), SECCOMP_RET_ERRNO | 97);
	is_uint(decide_native(profile, SYS_socket, 40, 0), SECCOMP_RET_ERRNO | 97);
	is_uint(decide_native(profile, SYS_socket, 2, 0), SECCOMP_RET_ALLOW);
	is_uint(decide_native(profile, 100000, 0, 0), SECCOMP_RET_ALLOW);
}

TEST(mask_cuts_the_value)
{
	NEEDS_X86_64;
	const char *profile =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"clone\"],"
		"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2114060288,"
		"\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";

	is_uint(decide_native(profile, SYS_clone, 17, 0), SECCOMP_RET_ALLOW);
	is_uint(decide_native(profile, SYS_clone, 0x10000000, 0), SECCOMP_RET_ERRNO | EPERM);
}

TEST(every_name_of_the_parser_is_known)
{
	uint32_t returns;

	for (const char *const *n = oci_seccomp_actions; *n; n++)
		ok(seccomp_names_returns(*n, false, 0, &returns) == 0, "%s", *n);
	for (const char *const *n = oci_seccomp_operators; *n; n++)
		ok(seccomp_names_operator(*n) >= 0, "%s", *n);
	for (const char *const *n = oci_seccomp_archs; *n; n++)
		ok(seccomp_names_arch(*n) != 0, "%s", *n);
	for (const char *const *n = oci_seccomp_flags; *n; n++)
		ok(seccomp_names_flag(*n) != 0, "%s", *n);
}

static int child_with_filter(const struct oci_config *config)
{
	struct seccomp_program *program;
	struct error err = {0};

	if (seccomp_compile(config->seccomp, &program, &err) < 0)
		return 10;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(program, &err) < 0)
		return 11;
	if (syscall(SYS_getppid) != -1 || errno != 55)
		return 12;
	if (getpid() <= 0)
		return 13;
	return 0;
}

TEST(the_kernel_takes_it)
{
	needs_call(seccomp);
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = with_profile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\","
		"\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_TSYNC\"],\"syscalls\":"
		"[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":55}]}",
		&err);
	int status;
	pid_t pid;

	must(config != NULL, "%s", err.text);
	pid = fork();
	if (pid == 0)
		_exit(child_with_filter(config));
	must(waitpid(pid, &status, 0) == pid);
	is_int(status, 0);
}

TEST(too_many_instructions)
{
	struct error err = {0};
	struct seccomp_program *program = NULL;
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
	for (int i = 0; i < 1200; i++)
		fprintf(out,
			"%s{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":"
			"[{\"index\":1,\"value\":%d,\"op\":\"SCMP_CMP_EQ\"}]}",
			i ? "," : "", i);
	fprintf(out, "]}");
	fclose(out);
	config = with_profile(text, &err);
	must(config != NULL, "%s", err.text);
	is_int(seccomp_compile(config->seccomp, &program, &err), -E2BIG);
	has_str(err.text, "linux.seccomp: the filter has ");
}

TEST(jumps_beyond_255_instructions)
{
	NEEDS_X86_64;
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	struct error err = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[");
	for (int i = 0; i < 300; i++)
		fprintf(out,
			"%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":"
			"[{\"index\":1,\"value\":%d,\"op\":\"SCMP_CMP_EQ\"}]}",
			i ? "," : "", names[i % 4], i);
	fprintf(out, "]}");
	fclose(out);
	config = with_profile(text, &err);
	must(config != NULL, "%s", err.text);
	compare(config, 3);
}

/* A figure to look at, not a limit: prints the time with TAP_VERBOSE=1. */
TEST(compiles_fast)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = load_config("podman", &err);
	uint64_t ours = UINT64_MAX, library = UINT64_MAX;

	if (!config)
		skip("SOURCE_DIR is not set");
	for (int i = 0; i < 10; i++) {
		struct seccomp_program *program = NULL;
		uint64_t since = clock_monotonic_ns();

		must(seccomp_compile(config->seccomp, &program, &err) == 0);
		since = clock_monotonic_ns() - since;
		ours = since < ours ? since : ours;
		seccomp_free(program);
	}
	for (int i = 0; i < 3; i++) {
		struct seccomp_program *program = NULL;
		uint64_t since = clock_monotonic_ns();

		must(seccomp_compile_with_library(config->seccomp, &program, &err) == 0);
		since = clock_monotonic_ns() - since;
		library = since < library ? since : library;
		seccomp_free(program);
	}
	note("%llu us, libseccomp %llu us", (unsigned long long)ours / 1000,
	     (unsigned long long)library / 1000);
	ok(ours < library);
}
