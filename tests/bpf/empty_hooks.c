// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that do nothing on tracepoints, one on each that is named: what the kernel takes to call them.
 *
 *	empty_hooks SECONDS TRACEPOINT...
 *
 * They are there for SECONDS, or until it is ended; "ready" is printed when they are attached. Tracepoints that
 * this kernel does not have are left out.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int attach(int type_id)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = (__u32)type_id);
	int program =
		bpf_prog_load(BPF_PROG_TYPE_TRACING, "behalf_empty", "GPL", nothing, 2, &options);

	return program < 0 ? program : bpf_raw_tracepoint_open(NULL, program);
}

static int attach_by_name(const struct btf *btf, const char *tracepoint)
{
	char type[128];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id < 0)
		return 0;
	if (attach(id) < 0) {
		perror(tracepoint);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (argc < 3 || !btf) {
		fprintf(stderr, "usage: empty_hooks SECONDS TRACEPOINT...\n");
		return EXIT_FAILURE;
	}
	for (char **tracepoint = argv + 2; *tracepoint; tracepoint++) {
		if (attach_by_name(btf, *tracepoint) < 0)
			return EXIT_FAILURE;
	}
	btf__free(btf);
	puts("ready");
	fflush(stdout);
	sleep((unsigned int)atoi(argv[1]));
	return EXIT_SUCCESS;
}
