/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the ledger counted of the host in the last minutes, kept beside the register of promises by who looks at it
 * anyway (the keeper, `plan`, `ledger on`), for all who plan: /run/behalf-promises.marks, or BEHALF_PROMISES
 * with that ending. Whoever reads sees a whole file; of two who write at once one mark is lost, whoever read the clock
 * first.
 */
#include "base/error.h"
#include "plan/lately.h"

/* No file: no marks. */
int marks_read(struct lately_marks *marks, struct error *err);

/* They are of a ledger that is no more. */
void marks_forget(void);

/* Adds MARK, unless the last is less than half of LATELY_PERIOD_NS older, or is younger. */
int marks_add(const struct lately_mark *mark, struct error *err);
