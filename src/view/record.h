/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Snapshots in a file, behalf-record(5): JSON lines. The first one says what it is,
 *
 *	{"behalf_record": 1, "program": "behalf 0.1.0", "classes": ["net_rx", ...]}
 *
 * each further one is a snapshot since the ledger was switched on, as view_json gives it, and
 *
 *	"realtime_ns", "n_parts", and in each account "parts": [[CPU, own, imposed, interrupt, classes...]]
 *
 * where all-zero rows are left out. Classes are by the order of the first line, so that a file of a
 * program with other classes can be read: those that are not known here become "irq".
 */
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "ledger/snapshot.h"

#define VIEW_RECORD_VERSION 1

/* Both leave the line in FILE's hands whole: flushed. -EIO or -ENOMEM with a sentence. */
int view_record_begin(FILE *file, struct error *err);
int view_record_add(FILE *file, const struct ledger_snapshot *snapshot, uint64_t realtime_ns,
		    struct error *err);

struct view_recording;

/* Opens PATH and reads the first line. -ENOENT, -EINVAL with a sentence. */
int view_recording_open(const char *path, struct view_recording **recording, struct error *err);
void view_recording_free(struct view_recording *recording);

/*
 * The next snapshot, the caller's to free, and when it was. -ENODATA, with no sentence, at the end; a last
 * line that was not written whole is the end too.
 */
int view_recording_next(struct view_recording *recording, struct ledger_snapshot **snapshot,
			uint64_t *realtime_ns, struct error *err);
