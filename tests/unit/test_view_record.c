// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "view/json.h"
#include "view/record.h"
#include "view_example.h"

#define _cleanup_snapshot_ _cleanup_(cleanup_ledger_snapshot)

static char path[] = "/tmp/behalf-record-XXXXXX";

static FILE *begin(void)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	ok(fd >= 0);
	return fdopen(fd, "w");
}

static char *json_of(const struct ledger_snapshot *snapshot)
{
	_cleanup_json_ struct json_object *object = NULL;

	ok(view_json(snapshot, NULL, &object, NULL) == 0);
	return strdup(json_text(object, true));
}

TEST(what_is_written_is_read)
{
	_cleanup_snapshot_ struct ledger_snapshot *written = example_snapshot(), *read = NULL;
	_cleanup_free_ char *want = NULL, *got = NULL;
	struct view_recording *recording = NULL;
	struct error err = {0};
	uint64_t realtime_ns = 0;
	FILE *file = begin();

	written->n_parts = 3;
	written->irq_time = true;
	written->accounts[1].parts = calloc(3, sizeof(struct ledger_part));
	written->accounts[1].parts[2].behalf_ns[WIRE_WORK] = 18446744073709551615u;
	written->accounts[1].parts[2].interrupt_ns = 7;
	written->accounts[1].parts[2].evidence.requests = 12;
	written->idle_parts_ns = calloc(3, sizeof(uint64_t));
	written->idle_parts_ns[1] = 99;
	must(view_record_begin(file, &err) == 0, "%s", err.text);
	must(view_record_add(file, written, 123, &err) == 0, "%s", err.text);
	fputs("{\"cpus\": 2", file); /* torn */
	fclose(file);
	must(view_recording_open(path, &recording, &err) == 0, "%s", err.text);
	must(view_recording_next(recording, &read, &realtime_ns, &err) == 0, "%s", err.text);
	is_uint(realtime_ns, 123);
	want = json_of(written);
	got = json_of(read);
	is_str(got, want);
	is_uint(read->n_parts, 3);
	is_uint(read->accounts[1].parts[2].behalf_ns[WIRE_WORK], 18446744073709551615u);
	is_uint(read->accounts[1].parts[2].interrupt_ns, 7);
	is_uint(read->accounts[1].parts[2].evidence.requests, 12);
	is_uint(read->accounts[1].evidence.rx_packets, 2000000);
	is_uint(read->accounts[1].reserved_ns, 5 * S);
	is_ptr(read->accounts[2].parts, NULL);
	is_uint(read->idle_parts_ns[1], 99);
	ledger_snapshot_free(read);
	read = NULL;
	is_int(view_recording_next(recording, &read, &realtime_ns, &err), -ENODATA);
	view_recording_free(recording);
	unlink(path);
}

static void refuses(const char *text, const char *sentence)
{
	struct view_recording *recording = NULL;
	struct ledger_snapshot *snapshot = NULL;
	struct error err = {0};
	uint64_t realtime_ns;
	FILE *file = begin();
	int r;

	fputs(text, file);
	fclose(file);
	r = view_recording_open(path, &recording, &err);
	if (r == 0)
		r = view_recording_next(recording, &snapshot, &realtime_ns, &err);
	ok(r < 0 && r != -ENODATA, "%s", text);
	has_str(err.text, sentence);
	ledger_snapshot_free(snapshot);
	view_recording_free(recording);
	unlink(path);
}

#define HEAD "{\"behalf_record\":1,\"classes\":[\"net_rx\"]}\n"

TEST(what_is_no_record_is_refused_in_a_sentence)
{
	refuses("", "is no record");
	refuses("hello\n", "line 1");
	refuses("{}\n", "is no record");
	refuses("[1]\n", "is no record");
	refuses("{\"behalf_record\":2,\"classes\":[]}\n", "version 2");
	refuses("{\"behalf_record\":1}\n", "no classes");
	refuses(HEAD "{}\n", "line 2 is no snapshot");
	refuses(HEAD "[]\n", "line 2 is no snapshot");
	refuses(HEAD "x\n", "line 2");
}

/* Members of other kinds than they should be do no harm. */
TEST(what_is_odd_inside_is_nothing)
{
	static const char *const lines[] = {
		"{\"cpus\":1,\"accounts\":5,\"counters\":[],\"unattributed_ns\":[],\"parts\":{}}",
		"{\"cpus\":1,\"n_parts\":3,\"parts\":[5,[],[9],[0,1],[2,1,1,1,1,1,1,1]]}",
		"{\"cpus\":1,\"n_parts\":99999999999,\"parts\":[[0,1]]}",
		"{\"cpus\":1,\"accounts\":[{},{\"name\":[],\"links\":[5,null],\"own_ns\":5}]}",
		"{\"cpus\":1,\"accounts\":[null,5,\"x\"],\"idle_parts_ns\":5}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct view_recording *recording = NULL;
		struct ledger_snapshot *snapshot = NULL;
		struct error err = {0};
		uint64_t realtime_ns;
		FILE *file = begin();

		fprintf(file, HEAD "%s\n", lines[i]);
		fclose(file);
		ok(view_recording_open(path, &recording, &err) == 0, "%s", err.text);
		ok(view_recording_next(recording, &snapshot, &realtime_ns, &err) == 0, "%s: %s",
		   lines[i], err.text);
		ledger_snapshot_free(snapshot);
		view_recording_free(recording);
		unlink(path);
	}
}
