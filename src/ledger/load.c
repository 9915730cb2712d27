// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Switching the ledger on and off, and taking over one that is on.
 *
 * It is built beside what is on and published by one rename (ledger/pins.h). Order: attach all hooks, which
 * post nothing yet; take over what another ledger knows, if one is on (ledger/upgrade.h); pin the maps; then
 * open the books of all CPUs, as of one moment or as of where the other ledger's cursors are, by running a
 * program on each; then publish.
 */
#include "ledger/load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
/* the skeleton speaks of the types of wire.h */
#include "bpf/wire.h"
#include "bpf/ledger.skel.h"
#include "ledger/baseline.h"
#include "ledger/hierarchy.h"
#include "ledger/hooks.h"
#include "ledger/pins.h"
#include "ledger/upgrade.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define TOTALS_LIMIT_BYTES (64u << 20)
#define SLOTS_MAX 4096u
#define SLOTS_MIN 256u

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	log_debug("%s", text);
	return 0;
}

static void cleanup_skeleton(struct ledger_bpf **skeleton)
{
	ledger_bpf__destroy(*skeleton);
}

static void cleanup_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* ---- what the host has ---- */

static bool has_capability(cap_value_t capability)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (!caps)
		return false;
	cap_get_flag(caps, capability, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

int ledger_check(struct error *err)
{
	if (!has_capability(CAP_SYS_ADMIN) &&
	    !(has_capability(CAP_BPF) && has_capability(CAP_PERFMON)))
		return error_set(err, EPERM,
				 "the ledger needs root, or the capabilities CAP_BPF "
				 "and CAP_PERFMON");
	if (access(BTF_PATH, R_OK) < 0)
		return error_errno(err, errno,
				   "the ledger needs the kernel's type information "
				   "(CONFIG_DEBUG_INFO_BTF): open '%s'",
				   BTF_PATH);
	return 0;
}

/*
 * Whether the kernel lets a program hang on a function: it may be inlined, be compiled without the
 * place for it, or the host may forbid it. A program that does nothing is the way to know.
 */
static bool function_is_attachable(int type_id)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = (__u32)type_id);
	int program, link;

	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "behalf_probe", "GPL", nothing,
				ARRAY_SIZE(nothing), &options);
	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, program);
	close(program);
	if (link < 0)
		return false;
	close(link);
	return true;
}

static bool hook_exists(const struct btf *btf, const struct ledger_hook *hook)
{
	_cleanup_free_ char *type = NULL;

	int id;

	if (hook->type == HOOK_FUNCTION) {
		id = btf__find_by_name_kind(btf, hook->target, BTF_KIND_FUNC);
		return id > 0 && function_is_attachable(id);
	}
	type = string_format("btf_trace_%s", hook->target);
	return type && btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* Whether the kernel has it, and nothing better. */
static bool hook_is_to_attach(const struct btf *btf, const struct ledger_hook *hook)
{
	if (hook->instead_of &&
	    hook_exists(btf, &ledger_hooks[ledger_hook_of_target(hook->instead_of)]))
		return false;
	return hook_exists(btf, hook);
}

bool ledger_can_hook_functions(const struct btf *btf)
{
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		if (ledger_hooks[i].type == HOOK_FUNCTION && hook_exists(btf, &ledger_hooks[i]))
			return true;
	}
	return false;
}

/* The index of the v1 controller in css_set.subsys, which depends on the kernel's configuration. */
static int cpu_controller_index(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_enum *value;

	if (!type)
		return -ENOENT;
	value = btf_enum(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		if (strcmp(btf__name_by_offset(btf, value[i].name_off), "cpu_cgrp_id") == 0)
			return value[i].val;
	}
	return -ENOENT;
}

/* ---- pins ---- */

static int pin_map(struct bpf_map *map, const char *name, struct error *err)
{
	_cleanup_free_ char *path = string_format(LEDGER_BUILD_PATH "/%s", name);
	int r;

	if (!path)
		return error_oom(err);
	r = bpf_map__pin(map, path);
	return r < 0 ? error_errno(err, -r, "pin '%s'", path) : 0;
}

static int pin_maps(const struct ledger_bpf *skeleton, struct error *err)
{
	const struct {
		struct bpf_map *map;
		const char *name;
	} pins[] = {
		{skeleton->maps.data_book, "book"},	     {skeleton->maps.cpus, "cpus"},
		{skeleton->maps.totals, "totals"},	     {skeleton->maps.slots, "slots"},
		{skeleton->maps.accounts, "accounts"},	     {skeleton->maps.netns, "netns"},
		{skeleton->maps.baseline, "baseline"},	     {skeleton->maps.socks, "socks"},
		{skeleton->maps.netns_heirs, "netns_heirs"}, {skeleton->maps.inodes, "inodes"},
		{skeleton->maps.listeners, "listeners"},     {skeleton->maps.requests, "requests"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		if (pin_map(pins[i].map, pins[i].name, err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- building ---- */

/* Settings that depend on this host, and the sizes of the tables. */
static int configure(struct ledger_bpf *skeleton, const struct btf *btf,
		     const struct ledger_hierarchy *hierarchy, struct error *err)
{
	int cpus = libbpf_num_possible_cpus(), index = 0;
	__u32 slots;

	if (cpus < 0)
		return error_errno(err, -cpus, "count the possible CPUs");
	if (!hierarchy->unified) {
		index = cpu_controller_index(btf);
		if (index < 0 || index > 1)
			return error_set(err, ENOTSUP,
					 "the kernel's cgroup controller 'cpu' is "
					 "not where the ledger can look it up");
	}
	slots = TOTALS_LIMIT_BYTES / (((__u32)cpus + 1) * sizeof(struct wire_totals));
	slots = slots > SLOTS_MAX ? SLOTS_MAX : slots < SLOTS_MIN ? SLOTS_MIN : slots;

	skeleton->rodata->cfg_cpus = (__u32)cpus;
	skeleton->rodata->cfg_slots = slots;
	skeleton->rodata->cfg_unified = hierarchy->unified;
	skeleton->rodata->cfg_cpu_index = (__u32)index;
	skeleton->rodata->cfg_tick_is_irq =
		btf__find_by_name_kind(btf, "btf_trace_local_timer_entry", BTF_KIND_TYPEDEF) < 0;
	skeleton->rodata->cfg_hierarchy = hierarchy->id;
	bpf_map__set_max_entries(skeleton->maps.cpus, (__u32)cpus);
	bpf_map__set_max_entries(skeleton->maps.slots, slots);
	bpf_map__set_max_entries(skeleton->maps.totals, slots * ((__u32)cpus + 1));

	skeleton->data_book->book = (struct wire_book){
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.cpus = (__u32)cpus,
		.slots = slots,
		.hierarchy = (__u32)hierarchy->id,
		.irq_time = btf__find_by_name_kind(btf, "irqtime_account_irq", BTF_KIND_FUNC) > 0,
		.epoch = 1,
		.next_slot = WIRE_SLOT_FIRST,
		.classes = WIRE_CLASSES,
		.counters = WIRE_COUNTERS,
		.levels = WIRE_LEVELS,
	};
	return 0;
}

int ledger_hooks_probe(uint64_t *there, bool *unified, struct error *err)
{
	_cleanup_hierarchy_ struct ledger_hierarchy hierarchy = {0};
	_cleanup_(cleanup_btf) struct btf *btf = NULL;
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t bits = 0;

	if (ledger_check(err) < 0 || ledger_hierarchy_find(proc, &hierarchy, err) < 0)
		return -err->code;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return error_errno(err, errno, "read the kernel's types from '%s'", BTF_PATH);
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		if (ledger_hook_is_of_use(&ledger_hooks[i], hierarchy.unified) &&
		    hook_is_to_attach(btf, &ledger_hooks[i]))
			bits |= 1ull << i;
	}
	*there = bits;
	*unified = hierarchy.unified;
	return 0;
}

/* Whether the hook is of use here, and of no part that is left out. */
static bool hook_is_for(const struct ledger_hook *hook, const struct ledger_bpf *skeleton)
{
	return ledger_hook_is_of_use(hook, skeleton->rodata->cfg_unified) &&
	       (hook->part == HOOK_NEEDED ||
		!(skeleton->data_book->book.left_out & 1u << hook->part));
}

static struct bpf_program *hook_program(const struct ledger_bpf *skeleton, size_t hook)
{
	return bpf_object__find_program_by_name(skeleton->obj, ledger_hooks[hook].program);
}

/* Leaves out the programs that this kernel has no place for, and those that are of no use or not wanted. */
static int choose_hooks(struct ledger_bpf *skeleton, const struct btf *btf, struct error *err)
{
	struct wire_book *book = &skeleton->data_book->book;

	for (size_t i = 0; i < ledger_hooks_count; i++) {
		const struct ledger_hook *hook = &ledger_hooks[i];
		struct bpf_program *program = hook_program(skeleton, i);

		if (!program)
			return error_set(err, EINVAL, "the ledger's object lacks the program '%s'",
					 hook->program);
		if (!hook_is_for(hook, skeleton)) {
			bpf_program__set_autoload(program, false);
			continue;
		}
		if (hook_is_to_attach(btf, hook)) {
			book->hooks_wanted |= 1ull << i;
			continue;
		}
		if (!hook->without)
			return error_set(err, ENOTSUP,
					 "the kernel lacks '%s', without which "
					 "there is no ledger",
					 hook->target);
		bpf_program__set_autoload(program, false);
	}
	return 0;
}

/* Attaches and pins what can be; *ATTACHED are its bits. */
static int attach_hooks(const struct ledger_bpf *skeleton, struct error *err)
{
	struct wire_book *book = &skeleton->data_book->book;

	for (size_t i = 0; i < ledger_hooks_count; i++) {
		const struct ledger_hook *hook = &ledger_hooks[i];
		_cleanup_free_ char *path = NULL;
		struct bpf_link *link;
		int r;

		if (!(book->hooks_wanted & 1ull << i))
			continue;
		link = bpf_program__attach(hook_program(skeleton, i));
		if (!link) {
			if (!hook->without)
				return error_errno(err, errno, "attach to '%s'", hook->target);
			log_debug("attach to '%s': %s", hook->target, strerror(errno));
			continue;
		}
		path = string_format(LEDGER_BUILD_PATH "/links/%s", hook->program);
		r = path ? bpf_link__pin(link, path) : -ENOMEM;
		bpf_link__destroy(link);
		if (r < 0)
			return error_errno(err, -r, "pin the link of '%s'", hook->target);
		book->hooks_attached |= 1ull << i;
	}
	return 0;
}

/* Opens the books of every CPU that is online and has a time in BEGIN_NS, as of that. */
static int start_cpus(const struct ledger_bpf *skeleton, const uint64_t *begin_ns,
		      struct error *err)
{
	const struct wire_book *book = &skeleton->data_book->book;
	unsigned int started = 0;
	int r = 0;

	for (__u32 cpu = 0; cpu < book->cpus; cpu++) {
		__u64 argument = begin_ns[cpu];
		LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &argument,
			    .ctx_size_in = sizeof(argument), .flags = BPF_F_TEST_RUN_ON_CPU,
			    .cpu = cpu);

		if (!argument)
			continue;
		r = bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.start_cpu), &options);
		if (r == 0)
			started++;
		else if (r != -ENXIO) /* offline; starts by itself when it comes up */
			return error_errno(err, -r, "open the books of CPU %u", cpu);
	}
	return started ? 0 : error_errno(err, -r, "open the books of the CPUs");
}

/* Books of their own, from now on. */
static int open_books(const struct ledger_bpf *skeleton, uint64_t *begin_ns, struct error *err)
{
	struct wire_book *book = &skeleton->data_book->book;
	const uint64_t now_ns = clock_monotonic_ns();

	for (__u32 cpu = 0; cpu < book->cpus; cpu++)
		begin_ns[cpu] = now_ns;
	book->started_realtime_ns = clock_ns(CLOCK_REALTIME);
	book->started_ns = now_ns;
	return start_cpus(skeleton, begin_ns, err);
}

/* Those of OLD, from where it is. */
static int take_over_books(const struct ledger_bpf *skeleton, const struct ledger_old *old,
			   const struct ledger_new *new, uint64_t *begin_ns,
			   struct ledger_change *change, struct error *err)
{
	if (ledger_old_carry_books(old, new, begin_ns, err) < 0 ||
	    start_cpus(skeleton, begin_ns, err) < 0)
		return -err->code;
	*change = (struct ledger_change){
		.what = LEDGER_TAKEN_OVER,
		.from_version = ledger_old_version(old),
		.approximated_ns = ledger_old_finish(old, new, begin_ns),
	};
	return 0;
}

/* Runs a program on every task there is. */
static int iterate_tasks(const struct bpf_program *program, struct error *err)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	char byte;
	int fd, r = 0;

	if (!link)
		return error_errno(err, errno, "iterate over the tasks");
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		r = fd;
	while (fd >= 0 && (r = (int)read(fd, &byte, sizeof(byte))) < 0 &&
	       (errno == EINTR || errno == EAGAIN))
		;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return r < 0 ? error_errno(err, errno, "iterate over the tasks") : 0;
}

/* Opened, configured and loaded, without those parts; NULL on failure. */
static struct ledger_bpf *load_skeleton(uint32_t left_out, struct error *err)
{
	_cleanup_hierarchy_ struct ledger_hierarchy hierarchy = {0};
	_cleanup_(cleanup_skeleton) struct ledger_bpf *skeleton = NULL;
	_cleanup_(cleanup_btf) struct btf *btf = NULL;
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	btf = btf__load_vmlinux_btf();
	if (!btf) {
		error_errno(err, errno, "read the kernel's types from '%s'", BTF_PATH);
		return NULL;
	}
	if (ledger_hierarchy_find(proc, &hierarchy, err) < 0)
		return NULL;
	skeleton = ledger_bpf__open();
	if (!skeleton) {
		error_errno(err, errno, "open the ledger's programs");
		return NULL;
	}
	if (configure(skeleton, btf, &hierarchy, err) < 0)
		return NULL;
	skeleton->data_book->book.left_out = left_out;
	if (choose_hooks(skeleton, btf, err) < 0)
		return NULL;
	r = ledger_bpf__load(skeleton);
	if (r < 0) {
		error_errno(err, -r, "load the ledger's programs (--debug says more)");
		return NULL;
	}
	return take_ptr(skeleton);
}

static struct ledger_new new_of(const struct ledger_bpf *skeleton)
{
	return (struct ledger_new){
		.cpus_fd = bpf_map__fd(skeleton->maps.cpus),
		.totals_fd = bpf_map__fd(skeleton->maps.totals),
		.slots_fd = bpf_map__fd(skeleton->maps.slots),
		.accounts = bpf_map__fd(skeleton->maps.accounts),
		.free_slots = bpf_map__fd(skeleton->maps.free_slots),
		.closed_slots = bpf_map__fd(skeleton->maps.closed_slots),
		.netns = bpf_map__fd(skeleton->maps.netns),
		.netns_heirs = bpf_map__fd(skeleton->maps.netns_heirs),
		.baseline = bpf_map__fd(skeleton->maps.baseline),
		.socks = bpf_map__fd(skeleton->maps.socks),
		.listeners = bpf_map__fd(skeleton->maps.listeners),
		.inodes = bpf_map__fd(skeleton->maps.inodes),
		.book = &skeleton->data_book->book,
	};
}

/* All but the books. OLD may be NULL. */
static int prepare(struct ledger_bpf *skeleton, const struct ledger_old *old,
		   const struct ledger_new *new, struct error *err)
{
	if (ledger_pins_begin(err) < 0 || iterate_tasks(skeleton->progs.find_host, err) < 0 ||
	    attach_hooks(skeleton, err) < 0)
		return -err->code;
	if (old && ledger_old_carry_accounts(old, new, err) < 0)
		return -err->code;
	if (iterate_tasks(skeleton->progs.claim_all, err) < 0 ||
	    (!old && !skeleton->rodata->cfg_unified &&
	     iterate_tasks(skeleton->progs.claim_sockets, err) < 0) ||
	    (!old && ledger_baseline_store(new->baseline, err) < 0) || pin_maps(skeleton, err) < 0)
		return -err->code;
	return 0;
}

static int build(const struct ledger_old *old, uint32_t left_out, struct ledger_change *change,
		 struct error *err)
{
	_cleanup_(cleanup_skeleton) struct ledger_bpf *skeleton = load_skeleton(left_out, err);
	_cleanup_(ledger_new_unmap) struct ledger_new new = {0};
	_cleanup_free_ uint64_t *begin_ns = NULL;
	int r;

	if (!skeleton)
		return -err->code;
	new = new_of(skeleton);
	begin_ns = calloc(new.book->cpus, sizeof(*begin_ns));
	if (!begin_ns)
		return error_oom(err);
	if (ledger_new_map(&new, err) < 0 || prepare(skeleton, old, &new, err) < 0)
		return -err->code;
	change->what = LEDGER_SWITCHED;
	r = old ? take_over_books(skeleton, old, &new, begin_ns, change, err)
		: open_books(skeleton, begin_ns, err);
	return r < 0 || ledger_pins_publish(err) < 0 ? -err->code : 0;
}

/* What is to come of one that is on, or not. */
struct wish {
	bool always; /* it is replaced, whatever it is */
	bool chosen; /* its parts are, and else remain as they are */
	uint32_t left_out;
};

/* Whether what is on is to be replaced: 1, or 0 when it is to stay. */
static int is_to_be_taken_over(const struct ledger_old *old, const struct wish *wish,
			       struct error *err)
{
	const uint32_t version = ledger_old_version(old);

	if (wish->always || version < WIRE_VERSION)
		return 1;
	if (version == WIRE_VERSION)
		return wish->chosen && wish->left_out != ledger_old_left_out(old);
	return error_set(
		err, EEXIST,
		"the ledger that is on is of a newer version of behalf (layout %u, this one "
		"has %u); 'behalf ledger upgrade' replaces it by this one's",
		version, WIRE_VERSION);
}

/* With the file system locked. */
static int switch_on(const struct wish *wish, struct ledger_change *change, struct error *err)
{
	_cleanup_(cleanup_ledger_old) struct ledger_old *old = NULL;
	uint32_t left_out = wish->left_out;
	struct error ignored;
	int r;

	*change = (struct ledger_change){.what = LEDGER_UNCHANGED};
	if (ledger_pins_remove_builds(err) < 0 || ledger_old_open(&old, err) < 0)
		return -err->code;
	r = old ? is_to_be_taken_over(old, wish, err) : 1;
	if (old && !wish->chosen)
		left_out = ledger_old_left_out(old);
	if (r > 0)
		r = build(old, left_out, change, err);
	/* the old one, if it was taken over, or what was begun */
	ledger_pins_remove_builds(&ignored);
	return r;
}

static int switch_ledger(const struct wish *wish, struct ledger_change *change, struct error *err)
{
	_cleanup_close_ int lock = -EBADF;
	struct error ignored;
	int r;

	libbpf_set_print(print_libbpf);
	if (ledger_check(err) < 0 || bpffs_ensure(err) < 0 || ledger_pins_lock(&lock, err) < 0)
		return -err->code;
	r = switch_on(wish, change, err);
	close(take_fd(&lock));
	if (r < 0)
		bpffs_release(&ignored);
	return r;
}

int ledger_on(struct ledger_change *change, struct error *err)
{
	return switch_ledger(&(struct wish){0}, change, err);
}

int ledger_on_without(uint32_t parts, struct ledger_change *change, struct error *err)
{
	return switch_ledger(&(struct wish){.chosen = true, .left_out = parts}, change, err);
}

int ledger_upgrade(struct ledger_change *change, struct error *err)
{
	return switch_ledger(&(struct wish){.always = true}, change, err);
}

int ledger_off(bool *changed, struct error *err)
{
	_cleanup_close_ int lock = -EBADF;
	bool was_on;

	libbpf_set_print(print_libbpf);
	*changed = false;
	if (!has_capability(CAP_SYS_ADMIN))
		return error_set(err, EPERM, "the ledger needs root");
	if (!bpffs_is_mounted(BPFFS_PATH))
		return 0;
	if (ledger_pins_lock(&lock, err) < 0)
		return -err->code;
	was_on = access(LEDGER_PATH, F_OK) == 0;
	if (ledger_pins_remove_builds(err) < 0 || ledger_pins_remove(err) < 0)
		return -err->code;
	close(take_fd(&lock));
	*changed = was_on;
	return bpffs_release(err);
}
