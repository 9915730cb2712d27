/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the targets of libFuzzer, one a file: each is a function that takes any bytes, and must come
 * back with all memory freed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy with a NUL behind it, as files are read. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* What every failure owes: a code and a sentence. */
#define fuzz_check_error(r, err)                                                                   \
	do {                                                                                       \
		if ((r) < 0 && ((err)->code == 0 || !(err)->text[0]))                              \
			abort();                                                                   \
	} while (0)
