// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that do nothing on a tracepoint: what the kernel takes to call one.
 *
 *	empty_hooks TRACEPOINT COUNT SECONDS
 *
 * They are there for SECONDS; "ready" is printed when they are attached.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();
	char type[128];
	int id;

	if (argc != 4 || !btf) {
		fprintf(stderr, "usage: empty_hooks TRACEPOINT COUNT SECONDS\n");
		return EXIT_FAILURE;
	}
	snprintf(type, sizeof(type), "btf_trace_%s", argv[1]);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	for (int i = atoi(argv[2]); i > 0; i--) {
		if (id < 0 || attach(id) < 0) {
			perror(argv[1]);
			return EXIT_FAILURE;
		}
	}
	puts("ready");
	fflush(stdout);
	sleep((unsigned int)atoi(argv[3]));
	btf__free(btf);
	return EXIT_SUCCESS;
}
